"""A target's durable consumer: made when needed, asked, and removed when nothing is owed. Called by `drain.py`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerInfo
from nats.js.errors import APIError, NotFoundError

from app.delivery.backlog.queues import Queue
from app.jetstream import pull
from app.jetstream.pull import Pull

PURGE_EVERY: Final = 30.0  # seconds between two purges of what is done
_WAIT: Final = 2.0  # seconds that one message is waited for


class Cursor:
    """The consumer of one queue. The methods raise what nats-py does, and ConnectionError where it does not answer."""

    def __init__(self, client: Client, queue: Queue) -> None:
        self._client = client
        self._context = client.jetstream()
        self._queue = queue
        self._stream = queue.stream
        self._owned = queue.owned  # else others read the stream: nothing may be removed from it
        self._name = queue.consumer.durable_name or ""
        self._filter = ""  # of the consumer, once it is known to be there
        self._purged = (0, time.monotonic())  # up to which sequence, and when

    def forget(self) -> None:
        """It may be gone: make sure of it before the next use."""
        self._filter = ""

    @property
    def is_prepared(self) -> bool:
        """Whether the consumer is there, as far as is known, and as it is to be."""
        return self._filter == self._subject

    async def prepare(self) -> bool:
        """Make the consumer if it is not there, or let it follow another subject; false where none is needed now."""
        subject = self._subject
        if not subject or self._filter == subject:
            return True
        try:
            config = (await self.state()).config
        except NotFoundError:
            if time.time() > self._queue.ends:
                return False
            await self._make()
        else:
            if config.filter_subject != subject:
                config.filter_subject = subject
                await self._context.add_consumer(self._stream, config)
        self._filter = subject
        return True

    async def _make(self) -> None:
        try:
            await self._context.add_consumer(self._stream, self._queue.consumer)
        except APIError as refusal:
            try:
                await self.state()  # another replica made it at this moment, from what it knew
            except NotFoundError:
                raise refusal from None

    async def state(self) -> ConsumerInfo:
        state: ConsumerInfo = await self._context.consumer_info(self._stream, self._name)
        return state

    async def one(self) -> Msg | None:
        """The next message, if there is one soon."""
        return await pull.one(self._client, self._stream, self._name, _WAIT)

    @asynccontextmanager
    async def pulling(self, heartbeat: float) -> AsyncIterator[Pull]:
        """Batches of messages; what nobody has taken at the end is given back."""
        pulled = Pull(self._client, self._stream, self._name, heartbeat=heartbeat)
        await pulled.open()
        try:
            yield pulled
        finally:
            await pulled.close()

    async def purge_now_and_then(self) -> None:
        """Remove from the stream what is settled, so that it holds little more than what is owed."""
        if self._owned and time.monotonic() - self._purged[1] >= PURGE_EVERY:
            await self._purge(await self.state())

    async def remove_if_done(self) -> bool:
        """Remove the consumer where everything is settled; true where it was.

        What is parked at this moment stays in the stream, where the next look finds it.
        """
        state = await self.state()
        if state.num_pending or state.num_ack_pending:
            return False
        await self._purge(state)
        await self.delete()
        return True

    async def last(self) -> int:
        """The sequence of the newest message in the stream, whosever it is."""
        info = await self._context.stream_info(self._stream)
        return info.state.last_seq

    async def remove(self, last: int) -> None:
        """Remove the consumer, as its target is gone, and what the target was owed up to a sequence of the stream."""
        await self._purge_to(last)
        await self.delete()

    async def delete(self) -> None:
        """Remove the consumer."""
        self.forget()
        with suppress(NotFoundError):
            await self._context.delete_consumer(self._stream, self._name)

    @property
    def _subject(self) -> str:
        """What the consumer is to read; empty while the hook that says so cannot be read."""
        return self._queue.consumer.filter_subject or ""

    async def _purge(self, state: ConsumerInfo) -> None:
        floor = (state.ack_floor.stream_seq or 0) if state.ack_floor else 0
        if floor > self._purged[0]:
            await self._purge_to(floor)
        self._purged = (floor, time.monotonic())

    async def _purge_to(self, sequence: int) -> None:
        if self._owned and self._subject:  # without a subject it would be the whole stream
            await self._context.purge_stream(self._stream, seq=sequence + 1, subject=self._subject)
