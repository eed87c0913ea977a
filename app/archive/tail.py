"""One tail: what waits for its reader, within bounds. `tails.py` opens and fills it, `ingress/tail.py` empties it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.archive import tail_frames

_NOTHING: Final = b""


@dataclass(frozen=True, slots=True)
class Limits:
    """What tails may cost."""

    tails: int = 1_000  # at once
    events: int = 5_000  # that wait for one reader
    size: int = 4 * 1024 * 1024  # bytes that wait for one reader; most are shared with others
    stuck: float = 10.0  # seconds that one write may take
    farewell: float = 1.0  # seconds that the last one may take
    silence: float = 15.0  # seconds after which there is a heartbeat


class Tail:
    """What waits for one reader. Who reads too slowly is told so, and dropped."""

    def __init__(
        self, pattern: str, limits: Limits, clock: Callable[[], float], ended: Callable[[str], None] = lambda _: None
    ) -> None:
        """A tail of what `pattern` sees; `clock` gives seconds, `ended` is told why the server ends it."""
        self.pattern = pattern
        self.cut: Callable[[], None] = _nothing  # ends the connection, whether it is read or not
        self.allowed: Callable[[], bool] = _always  # whether the reader still has the right to read
        self._ended = ended
        self._limits = limits
        self._clock = clock
        self._waiting: list[bytes] = []
        self._size = 0
        self._put = self._taken = 0  # the last sequence that was put, and taken
        self._over = False
        self._since = clock()  # when the last thing happened that something has to follow
        self._writing = False  # what was taken is on its way
        self._arrived = asyncio.Event()
        self._emptied = asyncio.Event()

    @property
    def over(self) -> bool:
        return self._over

    def begin(self, after: int, *said: bytes) -> None:
        """Begin behind a sequence, with something to say about it."""
        self._put = self._taken = after
        for frame in (tail_frames.opening(after), *said):
            self.say(frame)

    def put(self, sequence: int, frame: bytes) -> None:
        """Let an event wait, unless it has been here; where it has no room, the tail ends."""
        if self._over or sequence <= self._put:
            return
        if not self.has_room(len(frame)):
            self.end(tail_frames.dropped)
            return
        self._put = sequence
        self.say(frame)

    def has_room(self, size: int, events: int = 1) -> bool:
        """Whether so many events, of so many bytes in all, may wait besides what does; one always may."""
        fits = len(self._waiting) + events <= self._limits.events and self._size + size <= self._limits.size
        return fits or (not self._waiting and events <= 1)

    def say(self, frame: bytes) -> None:
        """Let something wait that is no event."""
        if not self._over:
            if not self._waiting and not self._writing:
                self._since = self._clock()
            self._waiting.append(frame)
            self._size += len(frame)
            self._arrived.set()

    def end(self, words: Callable[[int], bytes]) -> None:
        """End with last words, which are told the last sequence that was taken; what waits is given up."""
        if self._over:
            return
        self._over = True
        self._ended(words.__name__)
        self._since = self._clock()
        self._waiting = [words(self._taken)]
        self._arrived.set()
        self._emptied.set()

    async def take(self) -> bytes:
        """All that waits, as soon as something does; nothing once the tail is over."""
        self._writing = False
        if self._over and not self._waiting:
            return _NOTHING
        await self._arrived.wait()
        self._arrived.clear()
        whole = b"".join(self._waiting)
        self._waiting, self._size = [], 0
        self._emptied.set()
        self._writing = True
        if not self._over:
            self._since, self._taken = self._clock(), self._put
        return whole

    async def emptied(self) -> None:
        """Until all that waited has been taken."""
        while self._waiting and not self._over:
            self._emptied.clear()
            await self._emptied.wait()

    def look(self, *, complete: int | None) -> None:
        """To be called now and again: drops and cuts who is stuck or has lost the right, and breaks a silence.

        `complete` is the sequence up to which everything has been put, where that is known.
        """
        seconds = self._clock() - self._since
        if self._over:
            if seconds > self._limits.farewell:
                self.cut()
        elif not self.allowed():
            self.end(tail_frames.revoked)
        elif self._writing or self._waiting:
            if seconds > self._limits.stuck:
                self.end(tail_frames.dropped)
        elif seconds > self._limits.silence:
            self.say(tail_frames.heartbeat(None if complete is None else max(complete, self._put)))


def _nothing() -> None:
    pass


def _always() -> bool:
    return True
