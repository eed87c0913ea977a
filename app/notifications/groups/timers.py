"""For how long what waits is put back: one message of a group is its timer, the others come after it. Pure.

A timer comes when its group is due, and is looked at before, as clocks may be set. What comes within a second of it
follows it: told and removed by then, it never comes again. A follower whose timer has not told it comes all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.delivery.retry import jittered
from app.notifications.groups.terms import Terms
from app.notifications.groups.waiting import Waiting

GRACE: Final = 10.0  # seconds that a follower gives its timer; as long as the message of a replica that died is away
_WITHIN: Final = 1.0  # seconds behind its timer in which a follower is due
_LEAST: Final = 60.0  # seconds between two looks at what is not due
_LOOKS: Final = 10  # at a timer while it waits
_REMEMBERED: Final = 100_000  # groups

Look = Callable[[float], float]  # from the seconds that something waits in all, to those between two looks at it


def look(span: float) -> float:
    return max(_LEAST, span / _LOOKS)


class Timers:
    """The timers of this process. Others have theirs: each message that waits is a timer somewhere, or follows one."""

    def __init__(self, between: Look = look) -> None:
        self._between = between
        self._timers: dict[str, tuple[int, float]] = {}  # by group: the sequence, and when it is due, Unix seconds

    def pause(self, waiting: Waiting, due: float, now: float) -> float:
        """Seconds for which a message is put back that is due later than now."""
        sequence, first = self._timers.get(waiting.key, (0, 0.0))
        # Only what came before: else two replicas might have each of two messages follow the other.
        if sequence < waiting.sequence and now < first <= due <= first + _WITHIN:
            return min(due - now, span(waiting.terms)) + jittered(GRACE)
        self._remember(waiting.key, waiting.sequence, due)
        return min(due - now, self._between(span(waiting.terms)))

    def _remember(self, key: str, sequence: int, due: float) -> None:
        self._timers.pop(key, None)
        self._timers[key] = sequence, due
        if len(self._timers) > _REMEMBERED:
            del self._timers[next(iter(self._timers))]


def span(terms: Terms) -> float:
    """Seconds that something waits at most, where clocks are right."""
    return max(terms.wait, terms.interval)
