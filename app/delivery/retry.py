"""When to try again: the schedule, as data."""

from __future__ import annotations

import random
from typing import Final

# Seconds before try 2, 3, 4…; the last one repeats. Early tries ride out a restart, late ones an outage of hours.
SCHEDULE: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

_JITTER: Final = 0.2  # a fifth, so that what failed together does not come back together
_LONGEST: Final = 3600.0  # seconds that a Retry-After may ask for


def delay(tries: int, after: float | None = None) -> float:
    """Seconds to wait after `tries` failed tries (at least 1); a Retry-After is obeyed within bounds."""
    planned = SCHEDULE[min(tries, len(SCHEDULE)) - 1]
    wanted = planned if after is None else max(planned, min(after, _LONGEST))
    return wanted * (1 + random.uniform(0, _JITTER))  # noqa: S311 -- spreading load needs no secrecy
