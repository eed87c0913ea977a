"""Pulling a durable consumer in batches, each handed on as soon as it arrives.

FastStream's own batch loop fills a batch until its timeout ends, which trades latency against idle polling; see
`docs/decisions/0003-prompt-batches.md` for the figures. Called by the `subscribe.py` of each room that reads a stream.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from faststream.message import StreamMessage
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError

log = logging.getLogger(__name__)

BATCH: Final = 256  # messages: enough to keep the wire busy, small enough to be handled before `ack_wait`
POLL: Final = 2.0  # seconds of one idle fetch; the server forgets it where it restarts, and this ends the waiting
_PAUSE: Final = 0.5  # seconds before asking again where the consumer did not answer


async def raw(message: StreamMessage[list[Msg]]) -> list[Msg]:
    """A decoder that decodes nothing: JSON is parsed only for events that somebody wants."""
    return message.raw_message


class PromptBatchSubscriber(BatchPullStreamSubscriber):
    """A batch subscriber that hands on what a fetch brought instead of waiting for a full batch."""

    __slots__ = ()

    async def _consume_pull(self) -> None:
        while True:
            try:
                messages = await self._fetch()
            except (NatsError, APIError) as error:
                log.warning("the consumer of %s does not answer (%s)", self.stream.name, type(error).__name__)
                await asyncio.sleep(_PAUSE)
                continue
            if messages:
                await self.consume(messages)

    async def _fetch(self) -> list[Msg]:
        assert self.subscription is not None  # noqa: S101 -- FastStream sets it before it starts this loop
        try:
            return await self.subscription.fetch(BATCH, timeout=POLL)
        except TimeoutError:
            return []


def hand_on_promptly(subscriber: BatchPullStreamSubscriber) -> None:
    """Make a subscriber that FastStream built hand on batches promptly.

    FastStream chooses the class of a subscriber itself and offers no way to name another.
    """
    subscriber.__class__ = PromptBatchSubscriber
