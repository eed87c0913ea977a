"""How long publishing is tried again where JetStream does not answer. Used by `publish.py` and `batch.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

# Three servers elect a new leader in 4 to 9 s after a `kill -9` (raft's timeouts in the server), and nothing is
# acknowledged meanwhile; at 8.25 s they have in 98 of 100 cases. Who posts waits 10 s by custom: the 1.5 s of the last
# try fit in. `docs/decisions/0026-three-servers.md` has the figures.
SECONDS: Final = 8.25
# Seconds between tries: a short absence is not noticed. The message id makes a repeat harmless.
_FIRST: Final = (0.05, 0.2, 0.5, 1.0)
_LAST: Final = 0.5


class Patience:
    """Counted from when JetStream fell silent, not from each message: a long absence is told after 2 s.

    Else an ingress whose NATS is away for minutes would hold each request for as long as an election may take.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._silent_since: float | None = None

    def answered(self) -> None:
        """JetStream has answered somebody."""
        self._silent_since = None

    def pauses(self) -> Iterator[float]:
        """How long to wait before each other try, in seconds; to be begun when the first one was not answered."""
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        until = self._silent_since + self._seconds
        yield from _FIRST
        while time.monotonic() + _LAST <= until:
            yield _LAST
