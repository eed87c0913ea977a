"""One attempt at a delivery: sent by its channel, written into the ledger, counted. Called by the lanes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import get_args

from app.delivery.channels.base import Channels
from app.delivery.delivery import Delivery
from app.delivery.lane import Lane
from app.delivery.outcome import Gone, Impossible, Outcome
from app.delivery.records import Attempt, Ledger
from app.errors import OpsError
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

Stop = Callable[[str, str], Awaitable[None]]  # pauses a target, with the reason
Paused = Callable[[str], bool]  # whether a target is paused


class Attempts:
    """Makes attempts, and tells everybody who keeps account of them."""

    def __init__(self, channels: Channels, ledger: Ledger, metrics: Metrics, stop: Stop) -> None:
        self._channels = channels
        self._ledger = ledger
        self._counters = {kind: metrics.delivery_attempts.labels(kind.__name__) for kind in get_args(Outcome)}
        self._stop = stop

    async def __call__(self, delivery: Delivery) -> Outcome:
        began, start = time.time(), time.perf_counter()
        outcome = await self._send(delivery)
        self._counters[type(outcome)].inc()
        self._ledger.record(_line(delivery, outcome, began, time.perf_counter() - start))
        if isinstance(outcome, Gone):
            await self._try_to_stop(delivery.target.key, outcome.reason)
        return outcome

    async def _send(self, delivery: Delivery) -> Outcome:
        channel = self._channels.get(delivery.target.channel)
        if channel is None:
            return Impossible(f"this version has no channel {delivery.target.channel}")
        return await channel.send(delivery)

    async def _try_to_stop(self, target: str, reason: str) -> None:
        try:
            await self._stop(target, reason)
        except OpsError as error:  # the next attempt will be told the same
            log.warning("%s wants nothing any more (%s), but cannot be paused now: %s", target, reason, error)


class Lanes:
    """The lanes of this process, one a target."""

    def __init__(self, attempts: Attempts, paused: Paused) -> None:
        self._attempts = attempts
        self._paused = paused
        self._lanes: dict[str, Lane] = {}

    def __getitem__(self, target: str) -> Lane:
        lane = self._lanes.get(target)
        if lane is None:
            lane = self._lanes[target] = Lane(target, self._attempts, self._paused)
        return lane

    def get(self, target: str) -> Lane | None:
        """The lane of a target that this process has had to do with."""
        return self._lanes.get(target)

    def held_up(self) -> set[str]:
        """The targets that events are being kept for: those behind, and those that take nothing."""
        return {target for target, lane in self._lanes.items() if lane.behind or not lane.breaker.closed}

    async def finish(self, seconds: float) -> None:
        """Let the attempts under way end, begin no others, and after so many seconds end them without a word."""
        under_way = [task for lane in self._lanes.values() for task in lane.close()]
        if under_way:
            await asyncio.wait(under_way, timeout=seconds)
        for lane in self._lanes.values():
            lane.cancel()


def _line(delivery: Delivery, outcome: Outcome, began: float, seconds: float) -> Attempt:
    received = delivery.received
    return Attempt(
        target=delivery.target.key,
        delivery=delivery.id,
        event=received.event.id,
        subject=received.subject,
        sequence=received.sequence,
        began=began,
        seconds=seconds,
        number=delivery.attempts + 1,
        outcome=outcome,
        replay=delivery.replay,
    )
