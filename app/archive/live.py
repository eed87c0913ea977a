"""What comes into the stream, read once for all tails of this process, and what came last.

One consumer, gone with its process; where it or the connection is lost, another goes on behind what was seen last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from app.archive import tail_frames
from app.archive.tail import Tail
from app.archive.tail_audience import Audience
from app.archive.tail_recent import Arrival, Recent
from app.errors import UnavailableError
from app.events.subject import matches
from app.jetstream.past import bounds
from app.jetstream.pull import Pull
from app.jetstream.read import StreamReader

log = logging.getLogger(__name__)

STREAM: Final = "ops"
_BATCH: Final = 1_000  # messages of one request
_TOGETHER: Final = 0.01  # seconds for which what arrives is collected, so that each reader gets it in one write
_ANSWER: Final = 2.0  # seconds: a request that a dying connection took along is never answered
_AGAIN: Final = 0.5  # seconds before the next try where JetStream does not answer
_INACTIVE: Final = 30.0  # seconds after which the server removes the consumer of a process that died


class Live:
    """The flow from one position of the stream on."""

    def __init__(self, reader: StreamReader, position: int) -> None:
        """A flow of what follows the sequence `position`, once it runs."""
        self.position = position  # everything up to here has been handed on
        self.tails = Audience()
        self._reader = reader
        self._recent = Recent(position)
        self._left: list[str] = []  # consumers that are to be deleted
        self._told = ""

    def join(self, tail: Tail, after: int) -> bool:
        """Let a tail have what follows a sequence, from now on; False where that is too long ago, or too much."""
        if after < self._recent.floor:
            return False
        missed = [arrival for arrival in self._recent.behind(after) if matches(tail.pattern, arrival.subject)]
        if not tail.has_room(sum(len(arrival.frame) for arrival in missed), len(missed)):
            return False
        for arrival in missed:
            tail.put(arrival.sequence, arrival.frame)
        self.tails.add(tail)
        return True

    async def run(self) -> None:
        """Follow the stream until this is cancelled."""
        while True:
            try:
                await self._go_on()
            except (UnavailableError, ConnectionError, NatsError, APIError, TimeoutError) as error:
                self._report(error)
                await asyncio.sleep(_AGAIN)

    async def _go_on(self) -> None:
        client = self._reader.client
        async with asyncio.timeout(_ANSWER):
            first, last = await bounds(self._reader, STREAM)
        if last < self.position:
            self._begin_at(last)
            for tail in self.tails:
                tail.end(tail_frames.restored)
        elif first > self.position + 1:
            lost = tail_frames.gap(self.position + 1, first - 1)
            self._begin_at(first - 1)
            for tail in self.tails:
                tail.say(lost)
        await self._read(client)

    def _begin_at(self, position: int) -> None:
        self.position, self._recent = position, Recent(position)

    async def _read(self, client: Client) -> None:
        """Read with a consumer of our own until it is lost."""
        # The name is ours, so that the consumer can be deleted also where the answer to its creation never came.
        name = f"tails_{client.new_inbox().rpartition('.')[2]}"
        self._left.append(name)
        pull = Pull(client, STREAM, name, batch=_BATCH)
        await pull.open()
        try:
            await client.jetstream().add_consumer(STREAM, _behind(self.position, name))
            await self._hand_on(client, pull)
        finally:
            await pull.close()
            await self._tidy(client)

    async def _hand_on(self, client: Client, pull: Pull) -> None:
        """Until something may have been lost on its way here: nobody acknowledges, so it would not come again."""
        number, connections = 0, client.stats["reconnects"]
        while client.stats["reconnects"] == connections:
            batch = await pull.batch()
            if not batch:
                continue
            number += len(batch)
            if batch[-1].metadata.sequence.consumer != number:
                return
            self._take(batch)
            await asyncio.sleep(_TOGETHER)

    def _take(self, batch: Iterable[Msg]) -> None:
        for message in batch:
            arrival = Arrival(message)
            self.position = arrival.sequence
            self._recent.add(arrival)
            for group in self.tails.of(message.subject):
                for tail in group:
                    tail.put(arrival.sequence, arrival.frame)

    async def _tidy(self, client: Client) -> None:
        """Delete our consumers; one that cannot be deleted now is deleted next time, or forgotten by the server."""
        left, self._left = self._left, []
        for name in left:
            if not client.is_connected:
                self._left.append(name)
                continue
            with suppress(NatsError, APIError, TimeoutError):
                await client.jetstream().delete_consumer(STREAM, name)

    def _report(self, error: Exception) -> None:
        """Tell the log of trouble once; that NATS is away, others tell."""
        if not isinstance(error, UnavailableError) and str(error) != self._told:
            self._told = str(error)
            log.warning("tails wait: the stream %s is not read: %s", STREAM, error)


def _behind(position: int, name: str) -> ConsumerConfig:
    return ConsumerConfig(
        name=name,
        description="Reads for the tails of one process.",
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=position + 1,
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        num_replicas=1,
        inactive_threshold=_INACTIVE,
    )
