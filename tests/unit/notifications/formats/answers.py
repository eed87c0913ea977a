"""What services answer, as outcomes by the status: what the judges of the formats are given."""

from __future__ import annotations

from app.delivery.channels.http import judge
from app.delivery.outcome import Answer, Outcome
from app.notifications.channel import judged
from tests.unit.notifications.formats.notices import TYPICAL

Told = tuple[str, str, float | None]


def told(kind: str, status: int, body: str = "", retry_after: str | None = None) -> Told:
    """What an answer of a service means: the outcome, the reason, and the seconds to wait."""
    return summary(judged(kind, judge(Answer(status, body.encode()), retry_after), TYPICAL))


def summary(outcome: Outcome) -> Told:
    return type(outcome).__name__, getattr(outcome, "reason", ""), getattr(outcome, "after", None)
