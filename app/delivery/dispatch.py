"""From a message and its deliveries to a settled message, many at a time.

A message of the stream `ops` is acknowledged when each of its deliveries is done or kept for later, never before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from nats.aio.msg import Msg

from app.delivery.attempt import Lanes
from app.delivery.delivery import Delivery, named
from app.delivery.lane import BEHIND, FULL, OPEN, Held
from app.delivery.outcome import Delivered, Failure, Outcome
from app.delivery.park import Parking
from app.delivery.retry import Again, Bury, Debt, after_failure, jittered
from app.delivery.settle import Settlement, tries
from app.errors import OpsError

log = logging.getLogger(__name__)

OUTSTANDING: Final = 1024  # messages worked on at a time; reading the stream waits while there are more
_RETURNS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before an event comes again that could not even be kept
UNDECIDED: Final = Held("the hook's keywords could not be decided")

Wake = Callable[[str], None]  # tells who drains that a target is owed something


@dataclass(slots=True)
class _Work:
    """A message, and what has been heard of its deliveries."""

    message: Msg
    missing: int
    lost: bool = False  # one of them is neither done nor kept: the message has to come again


class Dispatcher:
    """Gives each delivery to its target's lane, keeps for later what the lane does not take or what fails."""

    def __init__(self, lanes: Lanes, parking: Parking, settlement: Settlement, wake: Wake = lambda _: None) -> None:
        self._lanes = lanes
        self._parking = parking
        self._settlement = settlement
        self._wake = wake
        self._room = asyncio.Semaphore(OUTSTANDING)
        self._open = 0
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, message: Msg, deliveries: Sequence[Delivery]) -> None:
        """Begin work on a message that the settlement knows; waits while there is no room for it."""
        await self._room.acquire()
        self._open += 1
        work = _Work(message, len(deliveries))
        for delivery in deliveries:
            hear = partial(self._hear, work, delivery)
            held = UNDECIDED if delivery.undecided else self._lanes[delivery.target.key].put(delivery, hear)
            if held is not None:
                self._start(hear(held))

    async def drain(self, seconds: float) -> None:
        """Wait for what is being worked on; what is not done then has not been settled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._open:
                    self._idle.clear()
                    await self._idle.wait()
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Work beside the reading of the stream: keeping one event must not hold up the next."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear(self, work: _Work, delivery: Delivery, outcome: Outcome | Held) -> None:
        if not (isinstance(outcome, Delivered) or await self._is_kept(delivery, outcome)):
            work.lost = True
        work.missing -= 1
        if not work.missing:
            await self._settle(work)

    async def _is_kept(self, delivery: Delivery, outcome: Failure | Held) -> bool:
        """Keep it for later, or a dead letter of it; false where that is not possible now."""
        key = delivery.target.key
        try:
            await self._keep(delivery, outcome)
        except OpsError as error:
            log.warning(
                "an event for %s cannot be kept for later and stays in ops: %s", key, error, extra=named(delivery)
            )
        except Exception:  # the one place that decides: a message that nobody settles would never come again
            log.exception(
                "keeping an event for %s failed by a fault of ours; it stays in ops", key, extra=named(delivery)
            )
        else:
            return True
        return False

    async def _keep(self, delivery: Delivery, outcome: Failure | Held) -> None:
        if isinstance(outcome, Held):
            if outcome in {OPEN, BEHIND, FULL}:
                self._lanes[delivery.target.key].fall_behind()
            await self._parking.park(delivery, outcome.reason)
        else:
            await self._keep_failed(delivery, outcome)
        self._wake(delivery.target.key)

    async def _keep_failed(self, delivery: Delivery, outcome: Failure) -> None:
        match after_failure(Debt(), outcome, now=time.time(), took_others=0.0):
            case Again(debt):
                await self._parking.park(delivery, outcome.reason, debt)
            case Bury(debt, reason):
                await self._parking.bury(delivery, reason, debt, copy="-ops", last=outcome)

    async def _settle(self, work: _Work) -> None:
        if work.lost:
            tried = min(tries(work.message), len(_RETURNS))
            await self._settlement.later(work.message, jittered(_RETURNS[tried - 1]))
        else:
            await self._settlement.done(work.message)
        self._open -= 1
        self._room.release()
        if not self._open:
            self._idle.set()
