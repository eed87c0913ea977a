"""Pulling a durable consumer in batches, each handed on as soon as it arrives.

FastStream's own batch loop fills a batch until its timeout ends, which trades latency against idle polling; see
`docs/decisions/0003-prompt-batches.md` for the figures. Called by the `subscribe.py` of each room that reads a stream.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from faststream.message import StreamMessage
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

log = logging.getLogger(__name__)

BATCH: Final = 256  # messages: enough to keep the wire busy, small enough to be handled before `ack_wait`
POLL: Final = 30.0  # seconds that one request waits at the server
_HEARTBEAT: Final = 1.0  # seconds between the server's signs of life while it has nothing
_SILENCE: Final = 2.5 * _HEARTBEAT  # after this the server has forgotten the request (it restarted), or is away
_AWAY: Final = 0.2  # seconds between two looks at whether the connection is back
_PAUSE: Final = 2.0  # seconds before asking again where the consumer does not answer

_SECOND: Final = 1_000_000_000  # the protocol's durations are in nanoseconds
_LIVES: Final = "100"
_EXPIRED: Final = "408"


async def raw(message: StreamMessage[list[Msg]]) -> list[Msg]:
    """A decoder that decodes nothing: JSON is parsed only for events that somebody wants."""
    return message.raw_message


class Pull:
    """One request at a time to a consumer, answered message by message into a buffer.

    nats-py's `fetch` waits for each message in a task of its own, so it falls behind where the loop is busy otherwise.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._buffer: list[Msg] = []
        self._expected = 0  # messages that the request may still bring
        self._trouble = ""
        self._told = ""
        self._arrived = asyncio.Event()

    async def open(self) -> None:
        self._subscription = await self._client.subscribe(self._inbox, cb=self._take)

    async def close(self) -> None:
        """Stop, and hand what nobody has taken to another process at once."""
        with suppress(NatsError):
            await self._subscription.unsubscribe()
            await give_back(self._buffer)

    async def batch(self) -> list[Msg]:
        """What has arrived, as soon as something has; empty where the server is silent or away.

        Raises:
            ConnectionError: the consumer does not answer; the message says what the server did.
        """
        if not self._buffer:
            await self._wait()
        if not self._buffer and self._trouble:
            trouble, self._trouble = self._trouble, ""
            raise ConnectionError(trouble)
        batch, self._buffer = self._buffer, []
        return batch

    async def _wait(self) -> None:
        """Until something has arrived, if only a sign of life."""
        if not self._client.is_connected:  # nats-py would keep each request, and send them all at its return
            await asyncio.sleep(_AWAY)
            return
        self._arrived.clear()
        if self._expected <= 0:
            await self._ask()
        try:
            async with asyncio.timeout(_SILENCE):
                await self._arrived.wait()
        except TimeoutError:
            self._expected = 0

    def report(self, error: Exception) -> None:
        """Tell the log of trouble once, not at every try."""
        if str(error) != self._told:
            self._told = str(error)
            log.warning("the consumer does not answer %s: %s", self._next, error)

    async def _ask(self) -> None:
        request = {"batch": BATCH, "expires": int(POLL * _SECOND), "idle_heartbeat": int(_HEARTBEAT * _SECOND)}
        await self._client.publish(self._next, json.dumps(request).encode(), self._inbox)
        self._expected = BATCH

    async def _take(self, message: Msg) -> None:
        if message.reply:  # where to acknowledge: it is a message of the stream
            self._buffer.append(message)
            self._expected -= 1
        else:
            self._hear(message.headers or {})
        self._arrived.set()

    def _hear(self, headers: Mapping[str, str]) -> None:
        """The server says that it lives, that the request expired, or that the consumer has gone (409, 503)."""
        status = headers.get("Status")
        if status == _LIVES:
            return
        self._expected = 0
        if status != _EXPIRED:
            self._trouble = f"{status} {headers.get('Description', 'no such consumer')}"


async def give_back(messages: Iterable[Msg]) -> None:
    """Hand messages that nobody has begun to another process at once."""
    for message in messages:
        await message.nak()


class PromptBatchSubscriber(BatchPullStreamSubscriber):
    """A batch subscriber that hands on what arrived instead of waiting for a full batch."""

    __slots__ = ()

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


def hand_on_promptly(subscriber: BatchPullStreamSubscriber) -> None:
    """Make a subscriber that FastStream built hand on batches promptly.

    FastStream chooses the class of a subscriber itself and offers no way to name another.
    """
    subscriber.__class__ = PromptBatchSubscriber
