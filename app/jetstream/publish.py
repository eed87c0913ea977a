"""Publishing to JetStream so that "done" means stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic_core import from_json

from app.errors import TooLargeError, UnavailableError

# Seconds between tries. The message id makes a repeat harmless, so a short absence of the server is ridden out.
_PAUSES: Final = (0.05, 0.2, 0.5, 1.0)
_ACK_TIMEOUT: Final = 1.5  # seconds that one try waits for its PubAck
_SWEEP: Final = 0.25  # seconds between two looks at who has waited too long


@dataclass(frozen=True, slots=True)
class Stored:
    """JetStream's word that it keeps a message."""

    stream: str
    sequence: int
    duplicate: bool  # a message with this id was there already, and `sequence` is where


class Publish(Protocol):
    """Store a message; returns once JetStream has acknowledged it.

    Raises:
        UnavailableError: JetStream is away or full, after the tries that a caller can wait for.
        TooLargeError: the message is larger than the server takes.
    """

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored: ...


class JetStreamPublisher:
    """Publishes over one connection, many messages at a time.

    Why not nats-py's own: its `publish` waits through a general request, which costs as much again as the publishing,
    and what JetStream refuses never comes back from `publish_async`. Acknowledgements come to one inbox, in which each
    message has a subject of its own.
    """

    def __init__(self) -> None:
        self._client: Client | None = None
        self._inbox = ""
        self._count = 0
        self._waiting: dict[str, tuple[asyncio.Future[Msg], float]] = {}  # by reply subject; until when
        self._sweep: asyncio.TimerHandle | None = None

    async def listen(self, client: Client) -> None:
        """Begin to listen for acknowledgements on a connection; it outlasts its reconnects."""
        self._inbox = client.new_inbox()
        await client.subscribe(f"{self._inbox}.*", cb=self._arrived)
        self._client = client

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        for pause in _PAUSES:
            try:
                return await self._try_once(subject, payload, headers)
            except _AbsentError:
                await asyncio.sleep(pause)
        try:
            return await self._try_once(subject, payload, headers)
        except _AbsentError as absent:
            raise UnavailableError(f"the event was not stored: {absent}; send it again with the same id") from absent

    async def _try_once(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        client = self._client
        # While nats-py reconnects it would keep the message for later, and we would not know whether it went out.
        if client is None or not client.is_connected:
            raise _AbsentError("NATS is not connected")
        # The server counts headers too, and ends the connection of who sends more than it takes.
        size = len(payload) + _size(headers)
        if size > client.max_payload:
            raise TooLargeError(f"the event is {size} bytes long with its envelope: NATS takes {client.max_payload}")
        try:
            return _stored(await self._acknowledgement(client, subject, payload, dict(headers)))
        except NatsError as error:
            raise _AbsentError(f"the connection to NATS failed ({type(error).__name__})") from error

    async def _acknowledgement(self, client: Client, subject: str, payload: bytes, headers: dict[str, str]) -> Msg:
        self._count += 1
        reply = f"{self._inbox}.{self._count}"
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[Msg] = loop.create_future()
        self._waiting[reply] = (arrived, loop.time() + _ACK_TIMEOUT)
        if self._sweep is None:
            self._sweep = loop.call_later(_SWEEP, self._expire)
        try:
            await client.publish(subject, payload, reply, headers)
            return await arrived
        finally:
            del self._waiting[reply]

    async def _arrived(self, message: Msg) -> None:
        waiting, _ = self._waiting.get(message.subject, (None, 0))
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def _expire(self) -> None:
        """End the waiting that has taken too long, the oldest first. One timer for all costs less than one each."""
        loop = asyncio.get_running_loop()
        for waiting, until in self._waiting.values():
            if until > loop.time():
                break
            if not waiting.done():
                waiting.set_exception(_AbsentError(f"JetStream did not acknowledge within {_ACK_TIMEOUT} s"))
        self._sweep = loop.call_later(_SWEEP, self._expire) if self._waiting else None


def _stored(message: Msg) -> Stored:
    if not message.data:  # a status without a body: nobody listens on the subject
        raise _AbsentError("JetStream does not answer, or the stream ops is missing")
    answer = from_json(message.data)
    if refusal := answer.get("error"):
        raise UnavailableError(f"JetStream did not store the event: {refusal.get('description', refusal)}")
    return Stored(answer["stream"], answer["seq"], answer.get("duplicate", False))


def _size(headers: Mapping[str, str]) -> int:
    """Bytes of a header block: the version line, a line each, an empty line."""
    return len("NATS/1.0\r\n\r\n") + sum(len(f"{key}: {value}\r\n".encode()) for key, value in headers.items())


class _AbsentError(Exception):
    """JetStream did not answer this try."""
