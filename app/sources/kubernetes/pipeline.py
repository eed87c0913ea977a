"""Publishing many changes at a time: those of one object one after the other, and known up to where all are done.

Used by `journal.py`. Pure of Kubernetes and NATS: what is run is a callable.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from app.jetstream.ending import end
from app.sources.kubernetes.checkpoint import NOTHING, Checkpoint

Send = Callable[[], Awaitable[None]]
Begin = Callable[[], Awaitable[asyncio.Future[Any]]]

# Changes that are on their way; the watch waits while there are so many. More of them are not faster: they would fall
# out of the processor's cache before their turn comes.
_AT_ONCE: Final = 256


@dataclass(slots=True)
class _Entry:
    """A change in the order in which it came."""

    reaches: Checkpoint  # once this and all before it are done; `NOTHING` for a part of a list, which has no order
    done: bool
    over: asyncio.Future[None] | None = None  # made for who waits for it

    def end(self) -> asyncio.Future[None]:
        """Ends with it. To be asked for while it has not ended."""
        self.over = self.over or asyncio.get_running_loop().create_future()
        return self.over


class Pipeline:
    """Runs what is put into it. What fails is not done, and neither is what came behind it."""

    def __init__(self, fail: Callable[[BaseException], None], at_once: int = _AT_ONCE) -> None:
        """Make an empty one; `fail` is told where a send raises: it is to see to absences itself."""
        self._fail = fail
        self._room = asyncio.Semaphore(at_once)
        self._entries: deque[_Entry] = deque()
        self._last: dict[str, _Entry] = {}  # by object
        self._running: set[asyncio.Future[Any]] = set()
        self.progress = NOTHING

    async def put(self, key: str, reaches: Checkpoint, send: Send, begin: Begin | None = None) -> None:
        """Take on a change of an object; waits while too many are on their way.

        Args:
            key: The object.
            reaches: How far this is done once the change and all before it are.
            send: Publishes it, however long that takes.
            begin: Sends it once, without a task of its own; where that fails, `send` comes after it.
        """
        await self._room.acquire()
        entry, before = _Entry(reaches, done=False), self._last.get(key)
        self._entries.append(entry)
        self._last[key] = entry
        begun = await _begun(begin) if begin is not None and before is None else None
        if begun is None:
            self._run(key, entry, _after(before.end() if before else None, send))
        else:
            self._running.add(begun)
            begun.add_done_callback(lambda ended: self._tried(key, entry, send, ended))

    def reached(self, version: str, observed: float = 0.0) -> None:
        """Nothing is to be published up to this version but what was put."""
        self._entries.append(_Entry(Checkpoint(version, observed), done=True))
        self._advance()

    async def finish(self, seconds: float) -> None:
        """Wait for what is on its way, so long at most; the rest is given up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._running:
                    await asyncio.wait(self._running)
        await end(self._running)

    def _run(self, key: str, entry: _Entry, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(lambda ended: self._ended(key, entry, ended))

    def _tried(self, key: str, entry: _Entry, send: Send, begun: asyncio.Future[Any]) -> None:
        if begun.cancelled() or begun.exception() is None:
            self._ended(key, entry, begun)
        else:
            self._running.discard(begun)
            self._run(key, entry, _after(None, send))

    def _ended(self, key: str, entry: _Entry, work: asyncio.Future[Any]) -> None:
        self._room.release()
        self._running.discard(work)
        if self._last.get(key) is entry:
            del self._last[key]
        if entry.over is not None and not entry.over.done():
            entry.over.set_result(None)
        if work.cancelled():
            return
        if (error := work.exception()) is not None:
            self._fail(error)
            return
        entry.done = True
        self._advance()

    def _advance(self) -> None:
        while self._entries and self._entries[0].done:
            reaches = self._entries.popleft().reaches
            version = reaches.version or self.progress.version
            self.progress = Checkpoint(version, max(self.progress.observed, reaches.observed))


async def _after(before: asyncio.Future[None] | None, send: Send) -> None:
    if before is not None:
        await before
    await send()


async def _begun(begin: Begin) -> asyncio.Future[Any] | None:
    with suppress(Exception):  # what is in the way meets `send` too, which deals with it
        return await begin()
    return None
