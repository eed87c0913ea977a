"""What the stream of events holds, read at once: for who has to look at each."""

from __future__ import annotations

from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from streams.subjects import OPS
from tests.bench.events import SEEN_BY_ALL

_BATCH: Final = 1000


async def stored(client: Client) -> list[Msg]:
    """The events of pods, in their order. What is stored meanwhile is not among them."""
    config = ConsumerConfig(ack_policy=AckPolicy.NONE, mem_storage=True, inactive_threshold=30)
    subscription = await client.jetstream().pull_subscribe(SEEN_BY_ALL, stream=OPS, config=config)
    count = (await subscription.consumer_info()).num_pending or 0
    messages: list[Msg] = []
    while len(messages) < count:
        messages += await subscription.fetch(min(_BATCH, count - len(messages)), timeout=10)
    await subscription.unsubscribe()
    return messages
