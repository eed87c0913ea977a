"""When to try again, as data, and what a failure means for the message. Pure; `drain.py` and `breaker.py` ask.

Two faults are told apart. A target that takes nothing from anybody is down: that costs its messages time, never tries.
A message that fails while the target takes others is at fault itself: that counts, and after its tries it is buried.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from app.delivery.outcome import Busy, Failure, Impossible, Refused, TryLater

# Seconds before try 2, 3, 4…; after the last one the message is a dead letter.
SCHEDULE: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0)  # it failed, and others did not
REFUSED: Final = (1.0, 5.0, 30.0)  # the endpoint said no to it: rides out a restart of a wrong version, no more

# Seconds between probes of a target that is down; the last one repeats. With jitter below the 5 s within which the
# return of a target is to be noticed.
PROBES: Final = (0.5, 1.0, 2.0, 3.0)

_JITTER: Final = 0.2  # a fifth, so that what failed together does not come back together
LONGEST: Final = 3600.0  # seconds that a Retry-After may ask for


@dataclass(frozen=True, slots=True)
class Debt:
    """What has been tried for a delivery that is kept for later."""

    tries: int = 0  # that count against the message
    attempts: int = 0  # whoever was at fault
    failed: float = 0.0  # when the last attempt failed, Unix seconds; 0: none was made
    not_before: float = 0.0  # Unix seconds


@dataclass(frozen=True, slots=True)
class Again:
    """Try it once more, after `seconds`."""

    debt: Debt
    seconds: float


@dataclass(frozen=True, slots=True)
class Bury:
    """Give it up: a dead letter."""

    debt: Debt
    reason: str


def jittered(seconds: float) -> float:
    return seconds * (1 + random.uniform(0, _JITTER))  # noqa: S311 -- spreading load needs no secrecy


def probe_pause(failures: int) -> float:
    """Seconds to the next probe after so many that failed."""
    return jittered(PROBES[min(failures, len(PROBES) - 1)])


def asked(outcome: Failure) -> float:
    """Seconds that the endpoint asked us to wait, within bounds; 0 where it asked nothing."""
    after = outcome.after if isinstance(outcome, TryLater | Busy) else None
    return 0.0 if after is None else min(after, LONGEST)


def after_failure(debt: Debt, outcome: Failure, *, now: float, took_others: float) -> Again | Bury:
    """What becomes of a message whose attempt has just failed.

    `now` and `took_others`, the time of the target's last success, are Unix seconds. A failure of a kind that may be
    the target's fault counts once the target has taken another message since; until then it costs time only.
    """
    if isinstance(outcome, Impossible):
        return Bury(debt, outcome.reason)
    schedule = REFUSED if isinstance(outcome, Refused) else SCHEDULE
    counts = isinstance(outcome, Refused) or 0 < debt.failed < took_others
    tries = debt.tries + counts
    after = replace(debt, tries=tries, attempts=debt.attempts + 1, failed=now)
    if tries > len(schedule):
        return Bury(after, f"given up after {tries} tries: {outcome.reason}")
    pause = max(jittered(schedule[max(tries - 1, 0)]), asked(outcome))
    return Again(replace(after, not_before=now + pause), pause)
