"""Tasks that run as long as the app does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from app.jetstream.ending import end


class Background:
    """Starts tasks that are not to end; one that fails by a fault of ours ends the process, loudly."""

    def __init__(self, fail: Callable[[str], None]) -> None:
        self._fail = fail
        self._tasks: set[asyncio.Task[Any]] = set()
        self.stopping = False

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Start work; its name tells the log what ended."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def start_all(self, works: Iterable[tuple[str, Coroutine[Any, Any, Any]]]) -> None:
        for name, work in works:
            self.start(name, work)

    async def stop(self) -> None:
        self.stopping = True
        await end(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not self.stopping and not task.cancelled():
            self._fail(f"{task.get_name()} ended: {task.exception()!r}")
