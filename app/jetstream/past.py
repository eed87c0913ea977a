"""A stream's past: a slice of it, read in batches, and no consumer left behind.

Called by replays, dry runs and explanations; `read.py` looks at single messages. Reading raises UnavailableError
where JetStream does not answer, or where a message was lost on its way here: who reads goes on behind the last sequence
that it has seen, so nothing is skipped.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from app.errors import UnavailableError
from app.jetstream.place import place_of
from app.jetstream.pull import next_subject
from app.jetstream.read import StreamReader

_BATCH: Final = 256  # messages of one request: what may wait here while the caller is busy
_SILENCE: Final = 5.0  # seconds without an answer after which the consumer counts as lost
_BEHIND: Final = 0.2  # seconds before a replica that lags is asked again
_INACTIVE: Final = 30.0  # seconds after which the server removes the consumer of a process that died
_FIRST: Final = 1_000  # sequences of the first part, where a slice is read from its end
_PART: Final = 5_000  # and of any other, unless it holds fewer messages: then the next is so many times as wide
_WIDER: Final = 4
_WIDEST: Final = 2_000_000
_NO_SUCH_MESSAGE: Final = 10037  # the server's error code; that of a stream which is missing is another
_END_OF_TIME: Final = 9_223_372_036  # Unix seconds; the server counts nanoseconds in 63 bits, and begins anew behind it
_COUNTED_AGAIN: Final = 4  # times
_ENDED: Final = frozenset({"404", "408"})  # the server has no more messages for the request


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a stream: what a filter over subjects sees between two sequences, both included."""

    stream: str
    subject: str
    first: int
    last: int


@asynccontextmanager
async def reading(client: Client, piece: Slice) -> AsyncIterator[AsyncIterator[list[Msg]]]:
    """Read a slice from its first message to its last, in batches; the next is asked for when the caller wants it."""
    # The name is ours, so that the consumer can be deleted also where the answer to its creation never came.
    name = f"reading_{client.new_inbox().rpartition('.')[2]}"
    past = _Past(client, piece, name)
    try:
        await past.open()
        yield past.batches()
    finally:
        await past.close()


class _Past:
    def __init__(self, client: Client, piece: Slice, name: str) -> None:
        self._client = client
        self._context = client.jetstream()
        self._piece = piece
        self._name = name
        self._inbox = client.new_inbox()
        self._arrived: list[Msg] = []
        self._status = ""  # with which the server ended the request
        self._complete = asyncio.Event()
        self._delivered = 0  # messages of the consumer so far

    async def open(self) -> None:
        with _answering():
            self._subscription = await self._client.subscribe(self._inbox, cb=self._take)
            await self._context.add_consumer(self._piece.stream, _from(self._piece, self._name))

    async def close(self) -> None:
        with suppress(NatsError, APIError, TimeoutError):
            await self._subscription.unsubscribe()
            if self._client.is_connected:
                await self._context.delete_consumer(self._piece.stream, self._name)

    async def batches(self) -> AsyncIterator[list[Msg]]:
        position = self._piece.first - 1
        while position < self._piece.last:
            batch = await self._request()
            inside = _up_to(self._piece.last, batch)
            if inside:
                yield inside
            if batch:
                position = _sequence(batch[-1])
            if self._status and position < self._piece.last:
                if not await self._more(position):
                    return
                await asyncio.sleep(_BEHIND)

    async def _request(self) -> list[Msg]:
        """The next messages; fewer than were asked for where the server has no more."""
        self._arrived, self._status = [], ""
        self._complete.clear()
        with _answering():
            wanted = json.dumps({"batch": _BATCH, "no_wait": True}).encode()
            await self._client.publish(next_subject(self._piece.stream, self._name), wanted, self._inbox)
            async with asyncio.timeout(_SILENCE):
                await self._complete.wait()
        self._delivered += len(self._arrived)
        gap = self._arrived and self._arrived[-1].metadata.sequence.consumer != self._delivered
        if gap or (self._status and self._status not in _ENDED):
            raise UnavailableError(f"reading {self._piece.stream} was interrupted: try again")
        return self._arrived

    async def _take(self, message: Msg) -> None:
        if message.reply:  # it is a message of the stream, not a word of the server
            self._arrived.append(message)
        else:
            self._status = (message.headers or {}).get("Status", "no status")
        if self._status or len(self._arrived) >= _BATCH:
            self._complete.set()

    async def _more(self, position: int) -> bool:
        """Whether the slice goes on behind a sequence. The stream's leader knows; who was read may lag behind it."""
        stream, subject = self._piece.stream, self._piece.subject
        with _answering():
            try:
                message = await self._context.get_msg(stream, position + 1, subject, next=True, direct=False)
            except NotFoundError as error:
                if error.err_code == _NO_SUCH_MESSAGE:
                    return False
                raise
        return (message.seq or 0) <= self._piece.last


def _from(piece: Slice, name: str) -> ConsumerConfig:
    return ConsumerConfig(
        name=name,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=max(piece.first, 1),
        filter_subject=piece.subject,
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        num_replicas=1,
        inactive_threshold=_INACTIVE,
    )


def _up_to(last: int, batch: list[Msg]) -> list[Msg]:
    if not batch or _sequence(batch[-1]) <= last:
        return batch
    return [message for message in batch if _sequence(message) <= last]


def _sequence(message: Msg) -> int:
    return place_of(message.reply).sequence


def newest(piece: Slice) -> Slice | None:
    """Where reading a slice from its end begins; None where the slice is empty."""
    return _piece_before(piece, piece.last + 1, _FIRST)


def earlier(piece: Slice, part: Slice, found: int) -> Slice | None:
    """The part of a slice to read after one that held `found` messages; None where that was the first.

    JetStream reads forwards only: whoever wants the newest first reads parts from the end, wider where few match.
    """
    width = part.last - part.first + 1
    return _piece_before(piece, part.first, width * _WIDER if found < _PART else _PART)


def _piece_before(piece: Slice, end: int, width: int) -> Slice | None:
    first = max(piece.first, 1, end - min(width, _WIDEST))
    return replace(piece, first=first, last=end - 1) if first < end else None


async def count(reader: StreamReader, piece: Slice) -> int:
    """How many messages a slice has."""
    return (await count_from(reader, piece, piece.first))[0]


async def count_from(reader: StreamReader, piece: Slice, sequence: int) -> tuple[int, int]:
    """How many messages a slice has from a sequence on, and the sequence of the first of them.

    The server counts to the end of the stream, where messages arrive between one question and the next: it is asked
    again until what lies behind the slice was the same before and after.
    """
    for _ in range(_COUNTED_AGAIN):
        behind, found, still = await asyncio.gather(
            _behind(reader, piece), reader.first(piece.stream, piece.subject, sequence), _behind(reader, piece)
        )
        if behind == still:
            break
    if found is None:
        return 0, piece.last + 1
    return max(0, found.following + 1 - behind), min(found.sequence, piece.last + 1)


async def _behind(reader: StreamReader, piece: Slice) -> int:
    found = await reader.first(piece.stream, piece.subject, piece.last + 1)
    return 0 if found is None else found.following + 1


async def sequence_at(reader: StreamReader, stream: str, time: float) -> int:
    """The sequence of the first message stored at a time (Unix seconds) or later; behind the last where none was."""
    moment = dt.datetime.fromtimestamp(min(time, _END_OF_TIME), dt.UTC).isoformat().replace("+00:00", "Z")
    wanted = json.dumps({"start_time": moment, "next_by_subj": ">"}).encode()
    with _answering():
        answer = await reader.client.request(f"$JS.API.DIRECT.GET.{stream}", wanted, timeout=_SILENCE)
    found = (answer.headers or {}).get("Nats-Sequence")
    return int(found) if found else (await bounds(reader, stream))[1] + 1


async def bounds(reader: StreamReader, stream: str) -> tuple[int, int]:
    """The first and the last sequence of a stream; the first is behind the last where it is empty."""
    with _answering():
        state = (await reader.client.jetstream().stream_info(stream)).state
    return state.first_seq, state.last_seq


@contextmanager
def _answering() -> Iterator[None]:
    """Tell of JetStream's absence in the app's own words."""
    try:
        yield
    except (NatsError, APIError, TimeoutError) as error:
        raise UnavailableError(f"JetStream does not answer ({type(error).__name__})") from error
