"""One attempt at a delivery: sent by its channel, written into the ledger, counted. Called by the lanes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import get_args

from app.delivery.breaker import State
from app.delivery.channels.base import Channels
from app.delivery.delivery import Delivery
from app.delivery.lane import Lane
from app.delivery.outcome import NAMES, Delivered, Gone, Impossible, Outcome
from app.delivery.records import Attempt, Ledger
from app.errors import OpsError
from app.telemetry.metrics import OTHER, Metrics
from app.telemetry.traces import OFF, Traces

log = logging.getLogger(__name__)

Stop = Callable[[str, str], Awaitable[None]]  # pauses a target, with the reason
Paused = Callable[[str], bool]  # whether a target is paused


class Attempts:
    """Makes attempts, and tells everybody who keeps account of them."""

    def __init__(self, channels: Channels, ledger: Ledger, metrics: Metrics, stop: Stop, traces: Traces = OFF) -> None:
        self._channels = channels
        self._ledger = ledger
        self._metrics = metrics
        self._stop = stop
        self._traces = traces

    async def __call__(self, delivery: Delivery) -> Outcome:
        began, start = time.time(), time.perf_counter()
        delivery.trace = delivery.received.trace
        outcome = await (self._send(delivery) if delivery.trace is None else self._traced(delivery))
        seconds = time.perf_counter() - start
        self._metrics.attempted(NAMES[type(outcome)], self._channel(delivery), seconds)
        self._ledger.record(_line(delivery, outcome, began, seconds))
        if isinstance(outcome, Gone):
            await self._try_to_stop(delivery.target.key, outcome.reason)
        return outcome

    async def _traced(self, delivery: Delivery) -> Outcome:
        """The same as a step of the event's trace, which goes on with what the channel sends."""
        span = self._traces.follow("deliver", "client", delivery.trace)
        if span is None:
            return await self._send(delivery)
        with span:
            delivery.trace = span.context
            span.say({**about(delivery), "ops.attempt": delivery.attempts + 1})
            outcome = await self._send(delivery)
            name = NAMES[type(outcome)]
            span.say({"ops.outcome": name, **_status(outcome)})
            if not isinstance(outcome, Delivered):
                span.fail(name)
        return outcome

    def _channel(self, delivery: Delivery) -> str:
        """A word of few for the metrics."""
        channel = delivery.target.channel
        return channel if channel in self._channels else OTHER

    async def _send(self, delivery: Delivery) -> Outcome:
        channel = self._channels.get(delivery.target.channel)
        if channel is None:
            return Impossible(f"this version has no channel {delivery.target.channel}")
        return await channel.send(delivery)

    async def _try_to_stop(self, target: str, reason: str) -> None:
        try:
            await self._stop(target, reason)
        except OpsError as error:  # the next attempt will be told the same
            log.warning(
                "%s wants nothing any more (%s), but cannot be paused now: %s",
                target,
                reason,
                error,
                extra={"target": target},
            )


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

    def breakers(self) -> Mapping[State, int]:
        """How many targets have their breaker in each state."""
        states = Counter(lane.breaker.state for lane in self._lanes.values())
        return {state: states[state] for state in get_args(State)}

    @property
    def behind(self) -> int:
        """Targets for which events wait that nobody has tried yet."""
        return sum(lane.behind for lane in self._lanes.values())

    @property
    def in_flight(self) -> int:
        """Attempts that are under way."""
        return sum(lane.in_flight for lane in self._lanes.values())

    @property
    def queued(self) -> int:
        """Deliveries that wait in memory for a place."""
        return sum(lane.queued for lane in self._lanes.values())

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


def about(delivery: Delivery) -> dict[str, str | int]:
    """What a span says of a delivery. No URL: it may hold a secret."""
    received = delivery.received
    return {
        "messaging.destination.name": received.subject,
        "messaging.message.id": received.event.id,
        "ops.target": delivery.target.key,
        "ops.channel": delivery.target.channel,
        "ops.delivery": delivery.id,
    }


def _status(outcome: Outcome) -> dict[str, int]:
    return {} if outcome.answer is None else {"http.response.status_code": outcome.answer.status}


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
