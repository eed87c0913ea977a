"""Looking into streams without consuming them: single messages, the heads of a subject's messages, counts.

For what people ask over HTTP: nothing is left behind on the server, and each answer is bounded. Messages are got
directly, from whichever replica answers, so one may be missing that was stored, or be there that was deleted, a moment
ago.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from app.errors import UnavailableError
from app.jetstream.answers import SEQUENCE, is_stored, several
from app.jetstream.place import place_of

_TIMEOUT: Final = 3.0  # seconds that one answer is waited for
_LONG: Final = 10.0  # the same where the server looks at each of 100,000 subjects
_FORGET: Final = 30.0  # seconds after which the server drops a reader whose process died

_DIRECT: Final = "$JS.API.DIRECT.GET"

_SUBJECT: Final = "Nats-Subject"
_STORED: Final = "Nats-Time-Stamp"
_FOLLOWING: Final = "Nats-Num-Pending"
_SIZE: Final = "Nats-Msg-Size"


@dataclass(frozen=True, slots=True)
class Head:
    """A stored message without its payload."""

    sequence: int
    stored: float  # Unix seconds
    headers: Mapping[str, str]  # as they were published, and some of the server's, which begin with `Nats-`
    size: int  # bytes of the payload
    subject: str


@dataclass(frozen=True, slots=True)
class Kept(Head):
    """A stored message."""

    payload: bytes
    following: int = 0  # messages of the same subject behind it, where that was asked for


@dataclass(frozen=True, slots=True)
class Extent:
    """What a stream holds of a subject."""

    number: int  # messages of the subject
    first: int  # sequence of the stream's oldest message
    last: int  # sequence of its newest
    retention: float  # seconds that a message is kept; 0: without end


class StreamReader:
    """Reads over the app's connection. Each method raises UnavailableError where JetStream does not answer."""

    def __init__(self, connection: Callable[[], Client | None]) -> None:
        """Make a reader; `connection` gives the connection to NATS, once there is one."""
        self._connection = connection

    @property
    def client(self) -> Client:
        """The connection, while there is one."""
        client = self._connection()
        if client is None or not client.is_connected:
            raise UnavailableError("NATS is not connected")
        return client

    async def get(self, stream: str, sequence: int) -> Kept | None:
        """The message at a sequence."""
        return await self._get(stream, {"seq": sequence})

    async def last(self, stream: str, subject: str) -> Kept | None:
        """The newest message of a subject."""
        return await self._get(stream, {"last_by_subj": subject})

    async def last_up_to(self, stream: str, subject: str, sequence: int) -> Kept | None:
        """The newest message of a subject that is not behind a sequence."""
        request = {"multi_last": [subject], "up_to_seq": sequence}
        with _answering():
            found = await several(self.client, f"{_DIRECT}.{stream}", request, 1)
        return _kept(found[0]) if found else None

    async def first(self, stream: str, subject: str, sequence: int) -> Kept | None:
        """The oldest message of a subject, or of a filter, from a sequence on, and how many follow it."""
        return await self._get(stream, {"seq": max(sequence, 1), "next_by_subj": subject, "batch": 1})

    async def following(self, stream: str, subject: str, sequence: int, most: int, most_bytes: int = 0) -> list[Kept]:
        """The oldest messages of a subject, or of a filter, from a sequence on; of one server's answer.

        They end with the first that goes beyond `most_bytes`; 0: what the server sends at once.
        """
        request = {"seq": max(sequence, 1), "next_by_subj": subject, "batch": most, "max_bytes": most_bytes}
        with _answering():
            return list(map(_kept, await several(self.client, f"{_DIRECT}.{stream}", request, most)))

    async def numbers(self, stream: str, subject: str) -> Mapping[str, int]:
        """How many messages there are of each subject that a filter sees."""
        with _answering():
            info = await self._context.stream_info(stream, subjects_filter=subject)
        return info.state.subjects or {}

    async def subjects(self, stream: str, skip: int) -> bytes:
        """The server's description of a stream, as JSON, with up to 100,000 of its subjects after the first `skip`."""
        request = json.dumps({"subjects_filter": ">", "offset": skip}).encode()
        with _answering():
            answer = await self.client.request(f"$JS.API.STREAM.INFO.{stream}", request, timeout=_LONG)
        if b'"error":{' in answer.data[:200]:
            raise UnavailableError(f"JetStream does not describe the stream {stream}")
        return answer.data

    async def extent(self, stream: str, subject: str) -> Extent:
        with _answering():
            info = await self._context.stream_info(stream, subjects_filter=subject)
        number = (info.state.subjects or {}).get(subject, 0)
        return Extent(number, info.state.first_seq, info.state.last_seq, info.config.max_age or 0.0)

    async def last_sequence(self, stream: str) -> int:
        """The sequence of the newest message that was ever stored; 0: none was."""
        with _answering():
            info = await self._context.stream_info(stream)
        return info.state.last_seq

    async def retention(self, stream: str) -> float:
        """Seconds that a message is kept; 0: without end."""
        with _answering():
            info = await self._context.stream_info(stream)
        return info.config.max_age or 0.0

    async def consumer(self, stream: str, name: str) -> ConsumerInfo | None:
        """How far a consumer is."""
        info: ConsumerInfo | None = None
        with _answering(), suppress(NotFoundError):
            info = await self._context.consumer_info(stream, name)
        return info

    async def heads(self, stream: str, subject: str, sequence: int, most: int) -> list[Head]:
        """The oldest messages of a subject from a sequence on, without their payloads, which are not sent."""
        with _answering():
            async with self._consumer(stream, subject, sequence) as consumer:
                return await self._pulled(consumer, min(most, consumer.num_pending or 0))

    async def delete(self, stream: str, sequence: int, *, erase: bool = False) -> bool:
        """Remove a message; whether it was there. Erased, its bytes are overwritten on the disk too."""
        request = json.dumps({"seq": sequence, "no_erase": not erase}).encode()
        with _answering():
            answer = await self.client.request(f"$JS.API.STREAM.MSG.DELETE.{stream}", request, timeout=_TIMEOUT)
        return bool(json.loads(answer.data).get("success"))

    @property
    def _context(self) -> JetStreamContext:
        return self.client.jetstream(timeout=_TIMEOUT)

    async def _get(self, stream: str, request: Mapping[str, Any]) -> Kept | None:
        with _answering():
            message = await self.client.request(f"{_DIRECT}.{stream}", json.dumps(request).encode(), timeout=_TIMEOUT)
        return _kept(message) if is_stored(message) else None

    @asynccontextmanager
    async def _consumer(self, stream: str, subject: str, sequence: int) -> AsyncIterator[ConsumerInfo]:
        context = self._context
        consumer = await context.add_consumer(stream, _heads_of(subject, sequence))
        try:
            yield consumer
        finally:
            with suppress(NatsError, APIError):
                await context.delete_consumer(stream, consumer.name)

    async def _pulled(self, consumer: ConsumerInfo, number: int) -> list[Head]:
        """What the consumer has to give, `number` at most; less where something was removed meanwhile."""
        if number <= 0:
            return []
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{consumer.stream_name}.{consumer.name}"
        return list(map(_head, await several(self.client, subject, {"batch": number, "no_wait": True}, number)))


async def newest(reader: StreamReader, stream: str, subject: str, skip: int, most: int) -> tuple[list[Head], int]:
    """A page of a subject's messages, newest first, and how many there are in all.

    Raises:
        UnavailableError: JetStream does not answer.
    """
    extent = await reader.extent(stream, subject)
    wanted = min(most, extent.number - skip)
    if wanted <= 0:
        return [], extent.number
    begin = await _with_following(reader, stream, subject, extent, skip + wanted)
    return (await reader.heads(stream, subject, begin, wanted))[::-1], extent.number


async def _with_following(reader: StreamReader, stream: str, subject: str, extent: Extent, number: int) -> int:
    """From which sequence on there are so many messages of a subject: the server knows how many, not where."""
    low, high = extent.first, extent.last
    while low < high and number < extent.number:
        middle = (low + high + 1) // 2
        found = await reader.first(stream, subject, middle)
        if found is None or found.following + 1 < number:
            high = middle - 1
        elif found.following + 1 == number:
            return found.sequence
        else:
            low = found.sequence + 1
    return low


def _heads_of(subject: str, sequence: int) -> ConsumerConfig:
    return ConsumerConfig(
        description="Looks at headers, and is gone at once.",
        filter_subject=subject,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=max(sequence, 1),
        ack_policy=AckPolicy.NONE,
        headers_only=True,
        mem_storage=True,
        num_replicas=1,
        inactive_threshold=_FORGET,
    )


def _kept(message: Msg) -> Kept:
    headers = message.headers or {}
    return Kept(
        sequence=int(headers[SEQUENCE]),
        stored=dt.datetime.fromisoformat(headers[_STORED]).timestamp(),
        headers=headers,
        size=len(message.data),
        subject=headers[_SUBJECT],
        payload=message.data,
        following=int(headers.get(_FOLLOWING, 0)),
    )


def _head(message: Msg) -> Head:
    headers, place = message.headers or {}, place_of(message.reply)
    return Head(place.sequence, place.stored, headers, int(headers.get(_SIZE, 0)), message.subject)


@contextmanager
def _answering() -> Iterator[None]:
    """Tell of JetStream's absence in the app's own words."""
    try:
        yield
    except (NatsError, APIError, TimeoutError) as error:
        raise UnavailableError(f"JetStream does not answer ({type(error).__name__})") from error
