"""The tails of this process: who follows the stream, over one reader for all of them (`live.py`).

A tail with a past reads it in pages, as fast as it is itself read, and joins the flow where it has caught up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from nats.aio.msg import Msg

from app.archive import tail_frames
from app.archive.live import STREAM, Live
from app.archive.tail import Limits, Tail
from app.archive.tail_recent import Arrival
from app.archive.tail_start import Behind, Since, Start
from app.errors import UnavailableError
from app.jetstream.ending import end
from app.jetstream.past import Slice, bounds, reading, sequence_at
from app.jetstream.read import StreamReader

log = logging.getLogger(__name__)

_PAGES: Final = 4  # read at once
_PAGE_BYTES: Final = 1024 * 1024  # that one tail keeps of a page; the rest is read again
_AGAIN: Final = 0.5  # seconds before the next try where JetStream does not answer
_LOOK: Final = 0.25  # seconds between two looks at all tails
_RETRY_AFTER: Final = 10  # seconds, where there are too many


class Tails:
    """Opens tails, fills them, and lets them go."""

    def __init__(
        self,
        reader: StreamReader,
        limits: Limits = Limits(),  # noqa: B008 -- frozen
        clock: Callable[[], float] = time.monotonic,
        look: float = _LOOK,
        ended: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make the room for tails; `look` is how often each is looked at, in seconds.

        `ended` is told in a word, for each tail that is ended by the server, why.
        """
        self._reader = reader
        self._limits = limits
        self._clock = clock
        self._look = look
        self._ended = ended
        self._open: dict[Tail, asyncio.Task[None] | None] = {}  # with what brings its past
        self._live: Live | None = None
        self._work: tuple[asyncio.Task[None], ...] = ()
        self._ending: set[asyncio.Task[None]] = set()
        self._pages = asyncio.Semaphore(_PAGES)
        self._shut = False

    def __len__(self) -> int:
        return len(self._open)

    async def open(self, pattern: str, start: Start) -> Tail:
        """A tail of what a filter sees; whoever opens it lets it go by `leave`.

        Raises:
            UnavailableError: JetStream does not answer, there are too many tails, or the process ends.
        """
        self._admit()
        tail = Tail(pattern, self._limits, self._clock, self._ended)
        self._open[tail] = None
        try:
            await self._begin(tail, start)
        except BaseException:
            self.leave(tail)
            raise
        return tail

    def leave(self, tail: Tail) -> None:
        """Let a tail go; with the last one goes the reader."""
        if tail not in self._open:
            return
        past = self._open.pop(tail)
        if past is not None:
            self._end(past)
        if self._live is not None:
            self._live.tails.discard(tail)
        if not self._open:
            self._end(*self._work)
            self._live, self._work = None, ()

    def shut(self) -> None:
        """End every tail with a word, and open no more: the process ends."""
        self._shut = True
        for tail in self._open:
            tail.end(tail_frames.shutdown)

    async def close(self) -> None:
        """Shut, and wait until nothing runs any more."""
        self.shut()
        for tail in tuple(self._open):
            tail.cut()
            self.leave(tail)
        await asyncio.gather(*self._ending)

    def _admit(self) -> None:
        if self._shut:
            raise UnavailableError("the server ends: connect to another one, or later")
        if len(self._open) >= self._limits.tails:
            error = UnavailableError(f"{len(self._open)} tails are open: close one, or come back later")
            error.retry_after_seconds = _RETRY_AFTER
            raise error

    async def _begin(self, tail: Tail, start: Start) -> None:
        _, last = await bounds(self._reader, STREAM)
        after, said = await self._place(start, last)
        if self._shut:
            raise UnavailableError("the server ends: connect to another one, or later")
        tail.begin(after, *said)
        live = self._live or self._started(last)
        if not live.join(tail, after):
            self._open[tail] = _task(self._catch_up(tail, after, live), lambda: tail.end(tail_frames.failed))

    async def _place(self, start: Start, last: int) -> tuple[int, tuple[bytes, ...]]:
        """Behind which sequence a tail starts, and what its reader has to know of that."""
        match start:
            case Behind(sequence) if sequence > last:
                return last, (tail_frames.unknown(sequence, last),)
            case Behind(sequence):
                return sequence, ()
            case Since(since):
                return await sequence_at(self._reader, STREAM, since) - 1, ()
            case _:
                return last, ()

    def _started(self, position: int) -> Live:
        self._live = Live(self._reader, position)
        self._work = tuple(_task(work, self._fail) for work in (self._live.run(), self._look_after(self._live)))
        return self._live

    def _fail(self) -> None:
        self._end(*self._work)
        self._live, self._work = None, ()
        for tail in self._open:
            tail.end(tail_frames.failed)

    async def _look_after(self, live: Live) -> None:
        while True:
            await asyncio.sleep(self._look)
            for tail in tuple(self._open):
                tail.look(complete=live.position if tail in live.tails else None)

    async def _catch_up(self, tail: Tail, after: int, live: Live) -> None:
        while not tail.over and not live.join(tail, after):
            await tail.emptied()
            try:
                after = await self._page(tail, after, live.position)
            except UnavailableError:
                await asyncio.sleep(_AGAIN)

    async def _page(self, tail: Tail, after: int, until: int) -> int:
        """Put the next of what follows a sequence; up to which sequence everything has been put then."""
        async with self._pages:
            first, last = await bounds(self._reader, STREAM)
            if last < after:
                tail.end(tail_frames.restored)
                return after
            if first > after + 1:
                tail.say(tail_frames.gap(after + 1, first - 1))
                return first - 1
            batch = await self._batch(Slice(STREAM, tail.pattern, after + 1, until))
        return _put(tail, batch) if batch else until

    async def _batch(self, piece: Slice) -> list[Msg]:
        async with reading(self._reader.client, piece) as batches:
            async for batch in batches:
                return batch
        return []

    def _end(self, *tasks: asyncio.Task[None]) -> None:
        ending = asyncio.create_task(end(tasks))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


def _task(work: Coroutine[Any, Any, None], failed: Callable[[], None]) -> asyncio.Task[None]:
    """Start work that fails only by a fault of ours; `failed` is told then."""

    def look(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a tail ended by a fault of ours", exc_info=error)
            failed()

    task = asyncio.create_task(work)
    task.add_done_callback(look)
    return task


def _put(tail: Tail, batch: list[Msg]) -> int:
    """Put as much of a batch as may wait; the sequence of the last that was."""
    size, sequence = 0, 0
    for message in batch:
        arrival = Arrival(message)
        if size and not (size + len(arrival.frame) <= _PAGE_BYTES and tail.has_room(len(arrival.frame))):
            break
        tail.put(arrival.sequence, arrival.frame)
        size, sequence = size + len(arrival.frame), arrival.sequence
    return sequence
