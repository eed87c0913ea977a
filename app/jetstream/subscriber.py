"""FastStream subscribers to durable consumers, which hand on batches as they arrive.

FastStream's own batch loop fills a batch until its timeout ends, which trades latency against idle polling; see
`docs/decisions/0003-prompt-batches.md` for the figures. Called by the `subscribe.py` of each room that reads a stream.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from faststream import AckPolicy, Context
from faststream.message import StreamMessage
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.message import NatsBatchMessage
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig

from app.jetstream.pull import BATCH, POLL, Pull, give_back

_PAUSE: Final = 2.0  # seconds before asking again where the consumer does not answer

Batch = Annotated[NatsBatchMessage, Context("message")]  # what a reader of batches is given


class PromptBatchSubscriber(BatchPullStreamSubscriber):
    """A batch subscriber that hands on what arrived instead of waiting for a full batch."""

    __slots__ = ()

    async def _create_subscription(self) -> None:
        """FastStream's own would also hear an inbox to which nothing comes, and which the server may deny us."""
        self.add_task(self._consume_pull)

    async def _consume_pull(self) -> None:
        pull = Pull(self.connection, self.stream.name, self.config.durable_name or "")
        await pull.open()
        try:
            while True:
                messages = await self._patiently(pull)
                if messages and self.running:
                    await self.consume(messages)
                else:
                    await give_back(messages)
        finally:
            await pull.close()

    async def _patiently(self, pull: Pull) -> list[Msg]:
        try:
            return await pull.batch()
        except (NatsError, ConnectionError) as error:
            pull.report(error)
            await asyncio.sleep(_PAUSE)
            return []


def batches(broker: NatsBroker, stream: str, config: ConsumerConfig) -> BatchPullStreamSubscriber:
    """A subscriber to a durable consumer, which all replicas share. Who reads settles each message."""
    subscriber = broker.subscriber(
        config.filter_subject or "",
        stream=JStream(stream, declare=False),
        durable=config.durable_name,
        config=config,
        pull_sub=PullSub(batch_size=BATCH, timeout=POLL, batch=True),
        ack_policy=AckPolicy.MANUAL,
        decoder=_raw,
        no_reply=True,
        include_in_schema=False,
    )
    # FastStream chooses the class of a subscriber itself and offers no way to name another.
    subscriber.__class__ = PromptBatchSubscriber
    return subscriber


async def _raw(message: StreamMessage[list[Msg]]) -> list[Msg]:
    """Decode nothing: JSON is parsed only for events that somebody wants."""
    return message.raw_message
