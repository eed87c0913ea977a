"""The matcher of notifications: reads them once for all receivers, routes each, and hands it on."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from faststream.nats import NatsBroker
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg

from app.delivery.arrival import received_of
from app.delivery.delivery import Received
from app.delivery.dispatch import Dispatcher
from app.delivery.retry import jittered
from app.delivery.settle import Settlement
from app.errors import OpsError
from app.events import cloudevent
from app.jetstream.beside import Beside
from app.jetstream.place import named
from app.jetstream.subscriber import Batch, batches
from app.notifications.groups.keeper import Keeper
from app.notifications.handing import Ways
from app.notifications.notification import Notification, notification_of
from app.notifications.receivers import Receivers
from app.notifications.routing.route import Routed, routed
from app.notifications.unrouted import Unrouted
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces
from streams import consumers
from streams.subjects import OPS, PENDING

log = logging.getLogger(__name__)

_FAULT: Final = 5.0  # seconds before a notification comes again that we failed at
_AT_ONCE: Final = 256  # notifications that are being written down; reading the stream waits while there are more


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom the matcher works with."""

    receivers: Receivers
    ways: Ways
    unrouted: Unrouted
    dispatcher: Dispatcher
    settlement: Settlement
    metrics: Metrics
    traces: Traces = OFF


class Matcher:
    """Takes batches of notifications; each is settled when it is delivered, parked, or waits in JetStream."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._beside = Beside(_AT_ONCE)

    async def __call__(self, batch: Batch) -> None:
        self._desk.settlement.begin(batch.raw_message)
        for message in batch.raw_message:
            await self._safely(message, self._match(message))

    async def finish(self) -> None:
        """Wait for what is being written down; called when nothing more is read."""
        await self._beside.finish()

    async def _match(self, message: Msg) -> None:
        desk, current = self._desk, self._desk.receivers.current()
        if current is None:  # what is in force cannot be read now
            await desk.settlement.later(message, jittered(_FAULT))
            return
        received = self._read(message)
        if received is None:
            await desk.settlement.done(message)
            return
        if received.trace is not None:
            self._trace(received)
        said = notification_of(received.subject, received.event.data)
        where = routed(current.configuration, said)
        deliveries = desk.ways.at_once(received, where.ways, said) if where.receivers else None
        if deliveries is None:
            await self._beside.begin(self._safely(message, self._write_down(message, received, where, said)))
        else:
            desk.metrics.notifications_routed.inc()
            await self._submit(message, deliveries)

    def _trace(self, received: Received) -> None:
        """Record the routing as a step: what becomes of the notification follows it."""
        span = self._desk.traces.follow("route", "consumer", received.trace)
        if span is not None:
            with span:
                received.trace = span.context
                span.say({"messaging.destination.name": received.subject, "messaging.message.id": received.event.id})

    async def _submit(self, message: Msg, deliveries: list[Any]) -> None:
        if deliveries:
            await self._desk.dispatcher.submit(message, deliveries)
        else:
            await self._desk.settlement.done(message)

    async def _write_down(self, message: Msg, received: Received, where: Routed, said: Notification) -> None:
        if not where.receivers:
            await self._desk.unrouted.keep(received)
            await self._desk.settlement.done(message)
            return
        deliveries = await self._desk.ways.sorted_out(received, where.ways, said)
        self._desk.metrics.notifications_routed.inc()
        await self._submit(message, deliveries)

    async def _safely(self, message: Msg, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except OpsError as error:
            log.warning("the notification %s stays in ops: %s", message.subject, error, extra=named(message))
        except Exception:  # the one place that decides: a fault at one notification must not hold up the others
            log.exception(
                "routing %s failed by a fault of ours; it is kept for later", message.subject, extra=named(message)
            )
        else:
            return
        await self._desk.settlement.later(message, jittered(_FAULT))

    def _read(self, message: Msg) -> Received | None:
        try:
            event = cloudevent.read(message.data, message.headers)
        except cloudevent.NotACloudEventError:
            self._desk.metrics.messages_unreadable.inc()
            return None
        return received_of(message, event)


def subscribe(
    broker: NatsBroker, matcher: Matcher, keeper: Keeper, replicas: int
) -> tuple[BatchPullStreamSubscriber, BatchPullStreamSubscriber]:
    """Read notifications, and what waits, with durable consumers that all replicas share."""
    reading = batches(broker, OPS, consumers.notifications_matcher(replicas))
    reading(matcher.__call__)
    waiting = batches(broker, PENDING, consumers.groups(replicas))
    waiting(keeper.__call__)
    return reading, waiting
