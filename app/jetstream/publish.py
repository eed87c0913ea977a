"""Publishing to JetStream so that "done" means stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError

from app.errors import TooLargeError, UnavailableError

# Seconds between tries. The message id makes a repeat harmless, so a short absence of the server is ridden out.
_PAUSES: Final = (0.05, 0.2, 0.5, 1.0)
_ACK_TIMEOUT: Final = 1.5  # seconds that one try waits for its PubAck


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
    """Publishes over the connection that `connection` gives, which may not be there yet."""

    def __init__(self, connection: Callable[[], Client | None]) -> None:
        self._connection = connection
        self._context: JetStreamContext | None = None

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
        client = self._connected()
        # The server counts headers too, and ends the connection of who sends more than it takes.
        size = len(payload) + _size(headers)
        if size > client.max_payload:
            raise TooLargeError(f"the event is {size} bytes long with its envelope: NATS takes {client.max_payload}")
        try:
            return await self._publish(client, subject, payload, headers)
        except APIError as error:
            raise UnavailableError(f"JetStream did not store the event: {error.description}") from error
        except NoStreamResponseError as error:
            raise _AbsentError("JetStream does not answer, or the stream ops is missing") from error
        except TimeoutError as error:
            raise _AbsentError(f"JetStream did not acknowledge within {_ACK_TIMEOUT} s") from error
        except NatsError as error:
            raise _AbsentError(f"the connection to NATS failed ({type(error).__name__})") from error

    def _connected(self) -> Client:
        client = self._connection()
        # While nats-py reconnects it would keep the message for later, and we would not know whether it went out.
        if client is None or not client.is_connected:
            raise _AbsentError("NATS is not connected")
        return client

    async def _publish(self, client: Client, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        if self._context is None:
            self._context = client.jetstream()
        # Not `publish_async`, which is faster: what JetStream refuses never comes back from it.
        ack = await self._context.publish(subject, payload, _ACK_TIMEOUT, headers=dict(headers))
        return Stored(ack.stream, ack.seq, bool(ack.duplicate))


def _size(headers: Mapping[str, str]) -> int:
    """Bytes of a header block: the version line, a line each, an empty line."""
    return len("NATS/1.0\r\n\r\n") + sum(len(f"{key}: {value}\r\n".encode()) for key, value in headers.items())


class _AbsentError(Exception):
    """JetStream did not answer this try."""
