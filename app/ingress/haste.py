"""A bound on how long many requests may take for something, with one timer for all of them.

A timer for each, as `asyncio.timeout` sets it, costs a post more than looking at its body does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from itertools import takewhile
from typing import Any, Final, TypeVar

T = TypeVar("T")

_SWEEP: Final = 0.5  # seconds between two looks at who takes too long


class Haste:
    """Ends what takes longer than `seconds`, give or take a sweep."""

    def __init__(self, seconds: float, sweep: float = _SWEEP) -> None:
        self.seconds = seconds
        self._every = sweep
        self._until: dict[asyncio.Task[Any], float] = {}  # by the loop's clock; the first ends first
        self._late: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def bound(self, work: Awaitable[T]) -> T:
        """Wait for some work of the current task.

        Raises:
            TimeoutError: it takes too long.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 -- a coroutine that runs belongs to one
        self._until[task] = loop.time() + self.seconds
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self._every, self._sweep)
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._late and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            del self._until[task]
            if self._late:
                self._late.discard(task)

    def _sweep(self) -> None:
        assert self._loop is not None  # noqa: S101 -- it called
        now = self._loop.time()
        for task in list(takewhile(lambda task: self._until[task] <= now, self._until)):
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._until:
            self._loop.call_later(self._every, self._sweep)
        else:
            self._loop = None
