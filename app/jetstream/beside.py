"""Work beside the reading of a stream: it holds up no other message, and no more is begun than there are places."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Beside:
    """Begins work, each in a task of its own, which is to raise nothing."""

    def __init__(self, places: int) -> None:
        """Have so much under way at a time."""
        self._places = asyncio.Semaphore(places)
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin work; waits while there is no place, so that reading waits too."""
        await self._places.acquire()
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Wait for what is under way; called when nothing more is read."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.release()
