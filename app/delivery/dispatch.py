"""From a message and its deliveries to a settled message, many at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, get_args

from nats.aio.msg import Msg

from app.delivery.channels.base import Channels
from app.delivery.delivery import Delivery
from app.delivery.lane import Lane
from app.delivery.outcome import Delivered, Outcome, Refused, TryLater
from app.delivery.retry import delay
from app.delivery.settle import Settlement, tries
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

OUTSTANDING: Final = 1024  # messages worked on at a time; reading the stream waits while there are more
_REMEMBERED: Final = 100_000  # deliveries that worked while a sibling of the same message did not


@dataclass(slots=True)
class _Work:
    """A message, and what has been heard of its deliveries."""

    message: Msg
    deliveries: Sequence[Delivery]
    missing: int
    delivered: list[str] = field(default_factory=list)
    failed: list[TryLater | Refused] = field(default_factory=list)


class Dispatcher:
    """Gives each delivery to its target's lane, and settles a message when all of its deliveries have been heard of."""

    def __init__(self, channels: Channels, settlement: Settlement, metrics: Metrics) -> None:
        self._channels = channels
        self._settlement = settlement
        self._attempts = {kind: metrics.delivery_attempts.labels(kind.__name__) for kind in get_args(Outcome)}
        self._lanes: dict[str, Lane] = {}
        self._room = asyncio.Semaphore(OUTSTANDING)
        self._open = 0
        self._idle = asyncio.Event()
        self._remembered: dict[str, None] = {}
        self._failing: set[str] = set()

    async def submit(self, message: Msg, deliveries: Sequence[Delivery]) -> None:
        """Begin work on a message that the settlement knows; waits while there is no room for it."""
        await self._room.acquire()
        self._open += 1
        outstanding = [delivery for delivery in deliveries if delivery.id not in self._remembered]
        work = _Work(message, deliveries, len(outstanding))
        for delivery in outstanding:
            await self._lane(delivery.target.key).put(delivery, partial(self._hear, work, delivery))
        if not outstanding:
            await self._settle(work)

    async def drain(self, seconds: float) -> None:
        """Wait for what is being worked on, then give back the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._open:
                    self._idle.clear()
                    await self._idle.wait()
        for lane in self._lanes.values():
            lane.cancel()
        await self._settlement.give_back_all()

    def _lane(self, target: str) -> Lane:
        lane = self._lanes.get(target)
        if lane is None:
            lane = self._lanes[target] = Lane(self._attempt)
        return lane

    async def _attempt(self, delivery: Delivery) -> Outcome:
        channel = self._channels.get(delivery.target.channel)
        if channel is None:
            return Refused(f"this version has no channel {delivery.target.channel}")
        return await channel.send(delivery)

    async def _hear(self, work: _Work, delivery: Delivery, outcome: Outcome) -> None:
        self._attempts[type(outcome)].inc()
        self._report(delivery.target.key, outcome)
        if isinstance(outcome, Delivered):
            work.delivered.append(delivery.id)
        else:
            work.failed.append(outcome)
        work.missing -= 1
        if not work.missing:
            await self._settle(work)

    async def _settle(self, work: _Work) -> None:
        if work.failed:
            self._remember(work.delivered)
            await self._settlement.later(work.message, _pause(tries(work.message), work.failed))
        else:
            self._forget(work.deliveries)
            await self._settlement.done(work.message)
        self._open -= 1
        self._room.release()
        if not self._open:
            self._idle.set()

    def _remember(self, delivered: Sequence[str]) -> None:
        """Keep what worked, so that the next try of the message does not repeat it."""
        self._remembered.update(dict.fromkeys(delivered))
        while len(self._remembered) > _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _forget(self, deliveries: Sequence[Delivery]) -> None:
        if self._remembered:
            for delivery in deliveries:
                self._remembered.pop(delivery.id, None)

    def _report(self, target: str, outcome: Outcome) -> None:
        """Log when a target begins to fail and when it works again, not each event in between."""
        if isinstance(outcome, Delivered):
            if target in self._failing:
                self._failing.discard(target)
                log.info("%s works again", target)
        elif target not in self._failing:
            self._failing.add(target)
            log.warning("%s fails, its events are kept for later: %s", target, outcome.reason)


def _pause(tried: int, failed: Sequence[TryLater | Refused]) -> float:
    asked = [outcome.after for outcome in failed if isinstance(outcome, TryLater) and outcome.after is not None]
    return delay(tried, max(asked, default=None))
