"""From a message and its deliveries to a settled message, many at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from nats.aio.msg import Msg

from app.delivery.delivery import Delivery
from app.delivery.outcome import Delivered, Outcome, TryLater
from app.delivery.retry import delay
from app.delivery.settle import Settlement, tries
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

OUTSTANDING: Final = 1024  # messages worked on at a time; reading the stream waits while there are more
_REMEMBERED: Final = 10_000  # deliveries that worked while a sibling of the same message did not

Attempt = Callable[[Delivery], Awaitable[Outcome]]


class Dispatcher:
    """Works on messages in tasks of their own, so that a slow endpoint holds up no other."""

    def __init__(self, attempt: Attempt, settlement: Settlement, metrics: Metrics) -> None:
        self._attempt = attempt
        self._settlement = settlement
        self._metrics = metrics
        self._room = asyncio.Semaphore(OUTSTANDING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivered: dict[str, None] = {}
        self._failing: set[str] = set()

    async def submit(self, message: Msg, deliveries: Sequence[Delivery]) -> None:
        """Begin work on a message that the settlement knows; waits while there is no room for it."""
        await self._room.acquire()
        task = asyncio.create_task(self._work(message, deliveries))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, seconds: float) -> None:
        """Wait for what is being worked on, then give back the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        await self._settlement.give_back_all()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()):
            log.error("work on an event failed; the server will give it out again", exc_info=error)

    async def _work(self, message: Msg, deliveries: Sequence[Delivery]) -> None:
        outstanding = [delivery for delivery in deliveries if delivery.id not in self._delivered]
        outcomes = await self._attempt_all(outstanding)
        failed = [outcome for outcome in outcomes if not isinstance(outcome, Delivered)]
        if failed:
            self._remember(outstanding, outcomes)
            await self._settlement.later(message, _pause(tries(message), failed))
        else:
            for delivery in deliveries:
                self._delivered.pop(delivery.id, None)
            await self._settlement.done(message)

    async def _attempt_all(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if len(deliveries) == 1:  # the usual case, without the cost of gathering
            return [await self._tell(deliveries[0])]
        return await asyncio.gather(*(self._tell(delivery) for delivery in deliveries))

    async def _tell(self, delivery: Delivery) -> Outcome:
        outcome = await self._attempt(delivery)
        self._metrics.attempted(outcome)
        self._report(delivery.target.key, outcome)
        return outcome

    def _report(self, target: str, outcome: Outcome) -> None:
        """Log when a target begins to fail and when it works again, not each event in between."""
        if isinstance(outcome, Delivered):
            if target in self._failing:
                self._failing.discard(target)
                log.info("%s works again", target)
        elif target not in self._failing:
            self._failing.add(target)
            log.warning("%s fails, its events are kept for later: %s", target, outcome.reason)

    def _remember(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Keep what worked, so that the next try of the message does not repeat it."""
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if isinstance(outcome, Delivered):
                self._delivered[delivery.id] = None
        while len(self._delivered) > _REMEMBERED:
            del self._delivered[next(iter(self._delivered))]


def _pause(tried: int, failed: Sequence[Outcome]) -> float:
    asked = [outcome.after for outcome in failed if isinstance(outcome, TryLater) and outcome.after is not None]
    return delay(tried, max(asked, default=None))
