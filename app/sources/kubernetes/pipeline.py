"""Publishing many changes at a time: those of one object one after the other, and known up to where all are done.

Used by `journal.py`. Pure of Kubernetes and NATS: what is run is a callable.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from app.jetstream.ending import end
from app.sources.kubernetes.checkpoint import NOTHING, Checkpoint

Send = Callable[[], Awaitable[None]]

_AT_ONCE: Final = 512  # changes that are on their way; the watch waits while there are so many


@dataclass(slots=True)
class _Entry:
    """A change in the order in which it came."""

    reaches: Checkpoint  # once this and all before it are done; `NOTHING` for a part of a list, which has no order
    done: bool


class Pipeline:
    """Runs what is put into it. What fails is not done, and neither is what came behind it."""

    def __init__(self, fail: Callable[[BaseException], None], at_once: int = _AT_ONCE) -> None:
        """Make an empty one; `fail` is told where a send raises: it is to see to absences itself."""
        self._fail = fail
        self._room = asyncio.Semaphore(at_once)
        self._entries: deque[_Entry] = deque()
        self._last: dict[str, asyncio.Task[None]] = {}  # by object
        self._running: set[asyncio.Task[None]] = set()
        self.progress = NOTHING

    async def put(self, key: str, reaches: Checkpoint, send: Send) -> None:
        """Take on a change of an object; waits while too many are on their way."""
        await self._room.acquire()
        entry = _Entry(reaches, done=False)
        self._entries.append(entry)
        task = asyncio.create_task(_after(self._last.get(key), send))
        self._last[key] = task
        self._running.add(task)
        task.add_done_callback(lambda ended: self._ended(key, entry, ended))

    def reached(self, version: str, observed: float = 0.0) -> None:
        """Nothing is to be published up to this version but what was put."""
        self._entries.append(_Entry(Checkpoint(version, observed), done=True))
        self._advance()

    async def finish(self, seconds: float) -> None:
        """Wait for what is on its way, so long at most; the rest is given up."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        await end(self._running)

    def _ended(self, key: str, entry: _Entry, task: asyncio.Task[Any]) -> None:
        self._room.release()
        self._running.discard(task)
        if self._last.get(key) is task:
            del self._last[key]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._fail(error)
            return
        entry.done = True
        self._advance()

    def _advance(self) -> None:
        while self._entries and self._entries[0].done:
            reaches = self._entries.popleft().reaches
            version = reaches.version or self.progress.version
            self.progress = Checkpoint(version, max(self.progress.observed, reaches.observed))


async def _after(before: asyncio.Task[None] | None, send: Send) -> None:
    if before is not None:
        await asyncio.wait((before,))
    await send()
