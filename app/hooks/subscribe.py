"""The matcher: reads the stream once for all hooks, finds those that want an event, hands the pairs to delivery."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Final

from faststream import AckPolicy, Context
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.message import NatsBatchMessage
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg

from app.delivery.delivery import Received, delivery_of
from app.delivery.dispatch import Dispatcher
from app.delivery.retry import delay
from app.delivery.settle import Settlement, tries
from app.events import cloudevent
from app.hooks.index import Candidates, SubjectIndex
from app.hooks.match import CompiledHook
from app.hooks.registry import Registry
from app.jetstream.pull import BATCH, POLL, hand_on_promptly, raw
from app.telemetry.metrics import Metrics
from streams.consumers import hooks_matcher
from streams.subjects import HOOKS_MATCHER, OPS, OPS_SUBJECT

log = logging.getLogger(__name__)

Batch = Annotated[NatsBatchMessage, Context("message")]


class Matcher:
    """Takes batches of messages; each is settled here where no hook wants it, else by delivery."""

    def __init__(self, registry: Registry, dispatcher: Dispatcher, settlement: Settlement, metrics: Metrics) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._settlement = settlement
        self._metrics = metrics

    async def __call__(self, batch: Batch) -> None:
        self._settlement.begin(batch.raw_message)
        for message in batch.raw_message:
            try:
                await self._match(self._registry.index, message)
            except Exception:  # the one place that decides: a fault at one event must not hold up the others
                log.exception("matching the event %s failed by a fault of ours; it is kept for later", message.subject)
                await self._settlement.later(message, delay(tries(message)))

    async def _match(self, index: SubjectIndex, message: Msg) -> None:
        # The subject decides first: no JSON is parsed for an event whose subject nobody wants.
        candidates = index.find(message.subject)
        received = self._read(message) if candidates else None
        hooks = await wanting(candidates, received) if received else ()
        if received and hooks:
            await self._dispatcher.submit(message, [delivery_of(received, hook.target) for hook in hooks])
        else:
            await self._settlement.done(message)

    def _read(self, message: Msg) -> Received | None:
        try:
            event = cloudevent.read(message.data, message.headers)
        except cloudevent.NotACloudEventError:
            self._metrics.messages_unreadable.inc()
            return None
        return Received(event, message.data, structured=cloudevent.is_structured(message.headers))


async def wanting(candidates: Candidates, received: Received) -> list[CompiledHook]:
    """The hooks among the candidates whose keywords want an event."""
    found = list(candidates.always)
    if candidates.quick and candidates.gate(text := received.text):
        found += [hook for wants, hook in candidates.quick if wants(text)]
    for wants, hook in candidates.slow:
        if await asyncio.to_thread(wants, received.text):
            found.append(hook)
    return found


_READ_AHEAD: Final = PullSub(batch_size=BATCH, timeout=POLL, batch=True)


def subscribe(broker: NatsBroker, matcher: Matcher, replicas: int) -> BatchPullStreamSubscriber:
    """Read the stream with the matcher's durable consumer, which all replicas share."""
    subscriber = broker.subscriber(
        OPS_SUBJECT,
        stream=JStream(OPS, declare=False),
        durable=HOOKS_MATCHER,
        config=hooks_matcher(replicas),
        pull_sub=_READ_AHEAD,
        ack_policy=AckPolicy.MANUAL,
        decoder=raw,
        no_reply=True,
        include_in_schema=False,
    )
    hand_on_promptly(subscriber)
    subscriber(matcher.__call__)
    return subscriber
