"""The room put together: what it needs from outside, what it offers, what runs beside. Made by `main.py`."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from nats.aio.client import Client

from app.delivery.attempt import Attempts, Lanes, Paused, Stop
from app.delivery.backlog.drains import Drains, Queues
from app.delivery.backlog.onlooker import Onlooker
from app.delivery.backlog.probes import Turns
from app.delivery.backlog.queues import ParkedQueue, Queue, Stopped, Targets
from app.delivery.backlog.repay import Desk
from app.delivery.channels.base import Channels
from app.delivery.dispatch import Dispatcher
from app.delivery.lane import Lane
from app.delivery.ledger.counts import Counts
from app.delivery.ledger.history import History
from app.delivery.ledger.live import LiveState, Respondent
from app.delivery.ledger.statistics import StatisticsReader
from app.delivery.ledger.writer import AttemptLedger, Mask
from app.delivery.letters import Letters
from app.delivery.park import Parking
from app.delivery.settle import Settlement
from app.jetstream.publish import Publish
from app.jetstream.read import StreamReader
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces
from streams.subjects import OPS, PARKED

Work = tuple[str, Coroutine[Any, Any, Any]]  # what runs beside, by a name for the log

_LAST_FLUSH: Final = 2.0  # seconds that the ledger has at the end


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What delivery needs from the rest of the house."""

    publish: Publish
    channels: Channels
    targets: Targets
    ordered: Callable[[], Collection[str]]  # the targets of ordered hooks
    ordered_queue: Queues
    paused: Paused
    stop: Stop
    stopped: Stopped
    mask: Mask
    metrics: Metrics
    reader: StreamReader
    replicas: int
    traces: Traces = OFF


class DeliveryService:
    """Attempts, what is kept for later, what is drained, and the record of it."""

    def __init__(self, around: Surroundings) -> None:
        self._mask = around.mask
        self.settlement = Settlement()
        self._counts = Counts()
        self.ledger = AttemptLedger(around.publish, self._counts, around.metrics, around.mask)
        attempts = Attempts(around.channels, self.ledger, around.metrics, around.stop, around.traces)
        self.lanes = Lanes(attempts, around.paused)
        parking = Parking(around.publish, partial(self._counts.add, "dead-letters"), around.metrics, around.traces)
        desk = Desk(self.lanes, parking, self.settlement, around.targets, Turns(), around.paused)
        self.drains = Drains(desk, {PARKED: partial(_parked, around), OPS: around.ordered_queue}, around.ordered)
        self.respondent = Respondent(f"{platform.node()}-{os.getpid()}", self.look)
        self.history = History(around.reader)
        self.statistics = StatisticsReader(around.reader)
        self.letters = Letters(around.reader, around.publish, around.metrics, self.drains.wake)
        self.dispatcher = Dispatcher(self.lanes, parking, self.settlement, self.drains.wake)

    def work(self, client: Client, *, drains: bool) -> Iterator[Work]:
        """What runs beside, on a connection; with `drains` this process works off what is parked."""
        yield "reporting progress", self.settlement.report_progress()
        yield "writing the ledger", self.ledger.run()
        if drains:
            yield "draining", self.drains.run(client)
        else:
            yield "looking on", Onlooker(self.lanes).run(client)

    async def stop(self, seconds: float) -> None:
        """Finish what is being worked on, in bounded time, and hand the rest to other processes at once."""
        until = time.monotonic() + seconds
        await self.drains.stop()
        await self.dispatcher.drain(seconds)
        await self.lanes.finish(max(0.0, until - time.monotonic()))
        await self.settlement.give_back_all()
        await self.ledger.close(_LAST_FLUSH)

    def look(self, target: str) -> LiveState | None:
        """How a target is in this process."""
        lane = self.lanes.get(target)
        return None if lane is None else _state(lane, partial(self._mask, target))


def _parked(around: Surroundings, target: str) -> Queue:
    return ParkedQueue(target, around.replicas, around.targets.wants, around.stopped)


def _state(lane: Lane, mask: Callable[[str], str]) -> LiveState:
    tally = lane.tally
    answer = tally.last.answer if tally.last else None
    return LiveState(
        breaker=lane.breaker.state,
        since=lane.breaker.since,
        in_flight=lane.in_flight,
        queued=lane.queued,
        delivered=tally.delivered,
        failed=tally.failed,
        last_error=mask(tally.last.reason) if tally.last else "",
        last_error_at=tally.last_at,
        last_error_status=answer.status if answer else None,
    )
