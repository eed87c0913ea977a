"""A target's lane: at most so many attempts in flight, the rest in a queue, and a watch for a target that hangs."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final

from app.delivery.delivery import Delivery
from app.delivery.outcome import Outcome, TryLater

log = logging.getLogger(__name__)

IN_FLIGHT: Final = 64  # attempts at one target at a time: a busy endpoint is used well, a slow one is not buried
PATIENCE: Final = 1.0  # seconds in which at least one attempt must end while others wait; else the target hangs

Attempt = Callable[[Delivery], Awaitable[Outcome]]
Tell = Callable[[Outcome], Awaitable[None]]

_HANGS: Final = TryLater(f"{IN_FLIGHT} attempts are in flight and none has ended for {PATIENCE:.0f} s")
_FAULT: Final = TryLater("a fault of ours, which stands in the log")


class Lane:
    """Takes deliveries for one target, begins them in order, and tells how each went.

    An endpoint that is slow makes its deliveries wait. One that ends no attempt for `PATIENCE` gets no more until it
    ends one: what waits is told to come later, so that a hanging endpoint ties up nothing but its own attempts.
    """

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._queue: deque[tuple[Delivery, Tell]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0  # places in flight that are taken; a task that has ended may still be in `_tasks`
        self._ended = 0
        self._hangs = False
        self._watch: asyncio.TimerHandle | None = None

    async def put(self, delivery: Delivery, tell: Tell) -> None:
        """Attempt a delivery when there is a place for it; `tell` is called once with the outcome."""
        if self._hangs:
            await tell(_HANGS)
            return
        self._queue.append((delivery, tell))
        if self._busy < IN_FLIGHT:
            self._busy += 1
            self._start(self._work())
        elif self._watch is None:
            self._watch_from_now()

    def cancel(self) -> None:
        """End all work without a word."""
        self._queue.clear()
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        """One place in flight: takes from the queue until it is empty."""
        try:
            while self._queue:
                delivery, tell = self._queue.popleft()
                outcome = await self._outcome(delivery)
                self._ended += 1
                self._hangs = False
                await tell(outcome)
        finally:
            self._busy -= 1

    async def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            return await self._attempt(delivery)
        except Exception:  # the one place that decides: whatever went wrong, the event must not be stuck
            log.exception("an attempt at %s failed by a fault of ours", delivery.target.key)
            return _FAULT

    def _watch_from_now(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(PATIENCE, self._look, self._ended)

    def _look(self, ended_before: int) -> None:
        self._watch = None
        if self._queue and self._ended == ended_before:
            self._hangs = True
            self._start(_give_back(self._queue))
            self._queue = deque()
        elif self._queue:
            self._watch_from_now()


async def _give_back(waiting: Iterable[tuple[Delivery, Tell]]) -> None:
    for _, tell in waiting:
        await tell(_HANGS)
