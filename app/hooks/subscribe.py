"""The matcher: reads the stream once for all hooks, finds those that want an event, hands the pairs to delivery."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

from faststream.nats import NatsBroker
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg

from app.delivery.arrival import received_of
from app.delivery.channels.canary import CANARY
from app.delivery.delivery import Delivery, Received, Target, delivery_of
from app.delivery.dispatch import Dispatcher
from app.delivery.retry import jittered
from app.delivery.settle import Settlement
from app.events import cloudevent
from app.hooks.matching.index import SubjectIndex
from app.hooks.matching.judge import Judge
from app.hooks.matching.match import CompiledHook
from app.hooks.matching.wanting import Found, wanting
from app.hooks.registry import Registry
from app.jetstream.beside import Beside
from app.jetstream.place import named
from app.jetstream.subscriber import Batch, batches
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces
from streams.consumers import hooks_matcher
from streams.subjects import OPS

log = logging.getLogger(__name__)

_FAULT: Final = 5.0  # seconds before an event comes again that we failed at
_OPEN: Final = 64  # events that wait for a thread; reading the stream waits while there are more


class Matcher:
    """Takes batches of messages; each is settled here where no hook wants it, else by delivery."""

    def __init__(  # noqa: PLR0913 -- it is where the rooms meet
        self,
        registry: Registry,
        dispatcher: Dispatcher,
        settlement: Settlement,
        metrics: Metrics,
        judge: Judge | None = None,
        *,
        traces: Traces = OFF,
        canary: str = "",
    ) -> None:
        """`canary` is the subject of this cluster's canary, for which there is a hook of our own."""
        self._registry = registry
        self._dispatcher = dispatcher
        self._settlement = settlement
        self._metrics = metrics
        self._judge = judge or Judge()
        self._traces = traces
        self._canary = canary
        self._deciding = Beside(_OPEN)

    async def __call__(self, batch: Batch) -> None:
        self._settlement.begin(batch.raw_message)
        for message in batch.raw_message:
            await self._safely(message, self._match(self._registry.index, message))

    async def finish(self) -> None:
        """Wait for the events that are being decided, about a second; called when nothing more is read."""
        await self._deciding.finish()

    async def _safely(self, message: Msg, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # the one place that decides: a fault at one event must not hold up the others
            log.exception(
                "matching the event %s failed by a fault of ours; it is kept for later",
                message.subject,
                extra=named(message),
            )
            await self._settlement.later(message, jittered(_FAULT))

    async def _match(self, index: SubjectIndex, message: Msg) -> None:
        # The subject decides first: no JSON is parsed for an event whose subject nobody wants.
        candidates = index.find(message.subject)
        if not candidates:
            await self._unwanted(message)
            return
        if (received := self._read(message)) is None:
            await self._settlement.done(message)
            return
        found = wanting(candidates, received)
        if found.open:
            # Left to threads, and on with the next message meanwhile.
            await self._deciding.begin(self._safely(message, self._decide(message, received, found)))
        else:
            await self._hand_on(message, received, found)

    async def _unwanted(self, message: Msg) -> None:
        received = self._read(message) if message.subject == self._canary else None
        if received is None:
            await self._settlement.done(message)
        else:
            await self._dispatcher.submit(message, [delivery_of(received, CANARY)])

    async def _decide(self, message: Msg, received: Received, found: Found) -> None:
        await self._judge.decide(found)
        await self._hand_on(message, received, found)

    async def _hand_on(self, message: Msg, received: Received, found: Found) -> None:
        deliveries = [delivery_of(received, hook.target) for hook in self._that_go_here(found.wanted, received)]
        if found.undecided:
            deliveries += [undecided(received, hook.target) for hook in self._that_go_here(found.undecided, received)]
        if received.seen:
            self._trace(received, deliveries)
        if deliveries:
            await self._dispatcher.submit(message, deliveries)
        else:
            await self._settlement.done(message)

    def _trace(self, received: Received, deliveries: Sequence[Delivery]) -> None:
        """Record the matching as a step: the deliveries follow it."""
        span = self._traces.follow("match", "consumer", received.trace, began=received.seen)
        if span is not None:
            with span:
                received.trace = span.context
                span.say({"messaging.destination.name": received.subject, "messaging.message.id": received.event.id})
                span.say({"ops.deliveries": len(deliveries)})

    def _that_go_here(self, hooks: Sequence[CompiledHook], received: Received) -> Sequence[CompiledHook]:
        """Those that get the event by this way: an ordered hook has its own, from when it began to be ordered."""
        ordered = self._registry.ordered
        if not ordered:  # the usual case
            return hooks
        return [hook for hook in hooks if received.stored < ordered.get(hook.target.key, math.inf)]

    def _read(self, message: Msg) -> Received | None:
        try:
            event = cloudevent.read(message.data, message.headers)
        except cloudevent.NotACloudEventError:
            self._metrics.messages_unreadable.inc()
            return None
        received = received_of(message, event)
        if received.trace is not None:
            received.seen = time.time_ns()
        return received


def undecided(received: Received, target: Target) -> Delivery:
    return replace(delivery_of(received, target), undecided=True)


def subscribe(broker: NatsBroker, matcher: Matcher, replicas: int) -> BatchPullStreamSubscriber:
    """Read the stream with the matcher's durable consumer, which all replicas share."""
    subscriber = batches(broker, OPS, hooks_matcher(replicas))
    subscriber(matcher.__call__)
    return subscriber
