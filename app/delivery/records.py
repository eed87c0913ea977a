"""What delivery writes down: the headers of what is kept for later, and a line of the ledger.

Whoever reads parked events, dead letters or the ledger (drains, the HTTP endpoints, replays) finds the names here.
The payload of a parked event and of a dead letter is the event as it was stored.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote

from app.delivery.outcome import Outcome

# Headers of a message on `ops-parked` or `ops-dead-letters`, beside those of the event itself (Content-Type, ce-…).
DELIVERY: Final = "Ops-Delivery"  # the delivery's id, which the receiver sees as webhook-id
EVENT: Final = "Ops-Event"  # the event's id, `written`
SEQUENCE: Final = "Ops-Sequence"  # of the event in the stream `ops`
STORED: Final = "Ops-Stored"  # when `ops` took the event, Unix seconds
SUBJECT: Final = "Ops-Subject"  # of the event, `written`
REASON: Final = "Ops-Reason"  # why it is here, `written`; no secrets
TRIES: Final = "Ops-Tries"  # tries that count against the message, decimal
ATTEMPTS: Final = "Ops-Attempts"  # attempts made, whoever was at fault, decimal
FAILED: Final = "Ops-Failed"  # when the last attempt failed, Unix seconds; absent where none was made
NOT_BEFORE: Final = "Ops-Not-Before"  # no attempt before this, Unix seconds
REPLAY: Final = "Ops-Replay"  # the replay that brought it; the receiver sees it as webhook-replay
UNDECIDED: Final = "Ops-Undecided"  # "1": the keywords could not be decided; asked again before an attempt
CHANNEL: Final = "Ops-Channel"  # of a dead letter: the hook's type
URL: Final = "Ops-Url"  # of a dead letter: the target's URL, masked, `written`
STATUS: Final = "Ops-Status"  # of a dead letter: the last HTTP status, where there was one

_PREFIX: Final = "Ops-"
_PLAIN: Final = string.punctuation.replace("%", "") + " "


def written(text: str) -> str:
    """A text as it stands in a header: percent-encoded where it is not plain ASCII; `urllib.parse.unquote` reads it."""
    return quote(text, safe=_PLAIN, errors="replace")


def is_ours(header: str) -> bool:
    """Whether a header is one of these, or the server's own, and none of the event's."""
    return header.startswith((_PREFIX, "Nats-"))


@dataclass(slots=True)  # not frozen, as the others are: one is made for every delivery, and freezing costs 1 µs
class Attempt:
    """One attempt, as the ledger keeps it."""

    target: str  # `hooks.{namespace}.{name}`
    delivery: str  # the delivery's id
    event: str  # the event's id
    subject: str  # the event's subject
    sequence: int  # of the event in the stream `ops`; 0: unknown
    began: float  # Unix seconds
    seconds: float  # how long it took
    number: int  # which attempt at this delivery, from 1
    outcome: Outcome
    replay: str = ""  # the replay that brought it


class Ledger(Protocol):
    """Takes down attempts. Called on the path of every delivery: it neither waits nor raises."""

    def record(self, attempt: Attempt) -> None: ...
