"""When to try again: pauses as data. Pure; `watch.py` waits by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Draw = Callable[[float, float], float]  # a number between two, by chance

_MOST_ASKED: Final = 60.0  # seconds that a Retry-After may ask for


@dataclass(frozen=True, slots=True)
class Schedule:
    """Pauses that double, from `first` to `longest` (seconds); each is cut by chance to between a half and the whole.

    So those that failed together do not come back together.
    """

    first: float
    longest: float

    def seconds(self, failures: int, draw: Draw) -> float:
        """How long to wait after so many failures in a row, at least one."""
        whole = min(self.longest, self.first * 2.0 ** min(failures - 1, 30))
        return draw(whole / 2, whole)


ORDINARY: Final = Schedule(1.0, 30.0)  # so from 0.5 s on
FORBIDDEN: Final = Schedule(2.0, 60.0)  # somebody has to give the right first
NOT_INSTALLED: Final = Schedule(10.0, 10.0)  # asking is cheap, and whoever installs it wants to see it work


def asked(retry_after: str | None) -> float:
    """Seconds that a Retry-After asks to wait, within bounds; 0 where it asks nothing, or in another form."""
    return min(float(retry_after), _MOST_ASKED) if retry_after is not None and retry_after.isdecimal() else 0.0
