"""What becomes of a hook whose keywords take too long: they rest for a while, and where it goes on, the fuse blows.

Used by `wanting.py`, from several threads. Each process has its own: the pause that follows is everybody's.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Final

REST: Final = (
    30.0  # seconds without a search after one took too long: an expensive hook gets 0.1 s of a thread in these
)
OVERRUNS: Final = 5  # that blow the fuse
WITHIN: Final = 600.0  # seconds in which they must have happened
REST_BLOWN: Final = 600.0  # seconds; the hook is paused meanwhile, and whoever resumes it may mend the fuse


class Fuse:
    """The overruns of one hook, as its keywords are now: a change makes it anew. Times are of `time.monotonic`."""

    def __init__(self) -> None:
        self._overruns: deque[float] = deque(maxlen=OVERRUNS)
        self._rests_until = 0.0
        self._lock = Lock()

    @property
    def strained(self) -> bool:
        """Whether it has overruns behind it."""
        return bool(self._overruns)

    def rests(self, now: float) -> bool:
        """Whether the hook's costly keywords are to be left alone."""
        return now < self._rests_until

    def overrun(self, now: float) -> bool:
        """Take down that a search took too long; returns whether the fuse blows by it."""
        with self._lock:
            if self.rests(now):  # begun before the one that is taken down already
                return False
            self._overruns.append(now)
            blown = len(self._overruns) == OVERRUNS and now - self._overruns[0] <= WITHIN
            self._rests_until = now + (REST_BLOWN if blown else REST)
            if blown:
                self._overruns.clear()
            return blown

    def mend(self) -> None:
        """Forget everything: the hook was resumed."""
        with self._lock:
            self._overruns.clear()
            self._rests_until = 0.0
