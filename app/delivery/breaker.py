"""A target's breaker: closed while it takes messages, open when it takes none, probing while one finds out. Pure.

`lane.py` tells it how attempts went; `drain.py` asks it when to probe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

from app.delivery.retry import probe_pause

State = Literal["closed", "open", "probing"]

FAILURES: Final = 10  # in a row: it is down, however short the time
QUIET_SECONDS: Final = 2.0  # without a success: then two failures in a row are enough
_FEW: Final = 2


class Breaker:
    """Opens when nothing gets through, and closes with the first message that does.

    A target that fails every other message stays closed: there is always a success in between.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._failures = 0  # in a row
        self._probes = 0  # that failed since it opened
        self._probe_at = 0.0
        self._rests_until = 0.0  # what the target asked for
        self.state: State = "closed"
        self.closed = True  # the state is; asked for every delivery
        self.since = clock()  # Unix seconds, of the state
        self.succeeded_at = 0.0  # Unix seconds; 0: never in this process

    def succeeded(self) -> bool:
        """Something got through; true where that closes it."""
        self.succeeded_at = self._clock()
        self._failures = 0
        return False if self.closed else self.answered()

    def answered(self) -> bool:
        """The target lives; true where that closes it. While it rests at its own wish, only a probe can."""
        if self.state == "open" and self._clock() < self._rests_until:
            return False
        return self.close()

    def close(self) -> bool:
        """Let messages through; true where it was not closed."""
        self._probes = 0
        self._probe_at = self._rests_until = 0.0
        return self._become("closed")

    def failed(self, asked: float = 0.0) -> bool:
        """Something did not get through, and the target asked for so many seconds; true where that opens it."""
        self._failures += 1
        if not self.closed:
            self._wait(asked, 0.0)
            return False
        if not asked and not self._is_down():
            return False
        return self.open(asked)

    def open(self, asked: float = 0.0) -> bool:
        """The target takes nothing, or hangs; true where that is new."""
        self._wait(asked, probe_pause(self._probes))
        return self._become("open")

    def probing(self) -> None:
        """A probe begins. The next one is not due before this one has failed."""
        self._become("probing")

    def probe_failed(self, asked: float = 0.0) -> None:
        self._probes += 1
        self.open(asked)

    def _wait(self, asked: float, planned: float) -> None:
        now = self._clock()
        self._rests_until = max(self._rests_until, now + asked)
        self._probe_at = max(self._probe_at, self._rests_until, now + planned)

    @property
    def probe_in(self) -> float:
        """Seconds to the next probe; 0: now."""
        return max(0.0, self._probe_at - self._clock())

    def _is_down(self) -> bool:
        quiet = self._clock() - self.succeeded_at > QUIET_SECONDS
        return self._failures >= FAILURES or (quiet and self._failures >= _FEW)

    def _become(self, state: State) -> bool:
        changed = self.state != state
        if changed:
            self.state, self.since, self.closed = state, self._clock(), state == "closed"
        return changed
