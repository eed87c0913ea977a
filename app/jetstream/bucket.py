"""A key-value bucket of JetStream: its values are written and asked for here. `mirror.py` follows its changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from app.errors import ConflictError, UnavailableError
from streams.buckets import STREAM_PREFIX

T = TypeVar("T")

OPERATION: Final = "KV-Operation"  # the header of a delete or a purge
_NO_SUCH_MESSAGE: Final = 10037  # the server's error code; that of a stream which is missing is another
_CHANGED: Final = {10071, 10164}  # the server's error codes: the key is at another revision


class Bucket:
    """One bucket. Each method raises UnavailableError where JetStream is away, or the bucket missing."""

    def __init__(self, connection: Callable[[], Client | None], name: str) -> None:
        """Name a bucket; `connection` gives the connection to NATS, once there is one."""
        self._connection = connection
        self._asked: tuple[Client, KeyValue] | None = None
        self.name = name
        self.stream = STREAM_PREFIX + name
        self.prefix = f"$KV.{name}."

    def context(self) -> JetStreamContext:
        """JetStream, while NATS is connected."""
        return self.client.jetstream()

    @property
    def client(self) -> Client:
        """The connection, while there is one."""
        client = self._connection()
        if client is None or not client.is_connected:
            raise UnavailableError("NATS is not connected")
        return client

    async def get(self, key: str) -> bytes | None:
        """The value of a key, if there is one."""
        with suppress(KeyNotFoundError):
            return (await self._do(lambda bucket: bucket.get(key))).value
        return None

    async def read(self, key: str) -> tuple[bytes | None, int]:
        """The value of a key, and its revision, for `update`; None and 0 where there is nothing."""
        try:
            entry = await self._do(lambda bucket: bucket.get(key))
        except KeyNotFoundError as error:
            return None, (error.entry.revision or 0) if error.entry else 0
        return entry.value or b"", entry.revision or 0

    async def create(self, key: str, value: bytes) -> int:
        """Keep the first value of a key; returns its revision.

        Raises:
            ConflictError: there is one.
        """
        return await self._do(lambda bucket: bucket.create(key, value))

    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Keep a value in place of the one at a revision, 0 where there is none; returns its own.

        Raises:
            ConflictError: it has been changed since that revision.
        """
        return await self._do(lambda bucket: bucket.update(key, value, last=revision))

    async def put(self, key: str, value: bytes) -> int:
        """Keep a value whatever was there; returns its revision."""
        return await self._do(lambda bucket: bucket.put(key, value))

    async def delete(self, key: str, revision: int | None = None) -> None:
        """Put a marker in place of the value, whatever it is, or of the one at a revision.

        Raises:
            ConflictError: it has been changed since that revision.
        """
        await self._do(lambda bucket: bucket.delete(key, last=revision))

    async def forget_history(self, key: str) -> None:
        """Forget what a key held before."""
        try:
            await self.context().purge_stream(self.stream, subject=self.prefix + key, keep=1)
        except (NatsError, APIError, TimeoutError) as error:
            raise UnavailableError(self._away(error)) from error

    async def forget_marker(self, key: str, revision: int) -> None:
        """Forget what a key held up to a revision, and that it was deleted at it."""
        try:
            await self.context().purge_stream(self.stream, subject=self.prefix + key, seq=revision + 1)
        except (NatsError, APIError, TimeoutError) as error:
            raise UnavailableError(self._away(error)) from error

    async def latest(self, key: str) -> bytes | None:
        """The value of a key, if there is one, as the stream's leader knows now: another replica may be behind."""
        try:
            last = await self.context().get_last_msg(self.stream, self.prefix + key, direct=False)
        except (NatsError, APIError, TimeoutError) as error:
            if isinstance(error, NotFoundError) and error.err_code == _NO_SUCH_MESSAGE:
                return None
            raise UnavailableError(self._away(error)) from error
        return None if OPERATION in (last.headers or {}) else last.data or b""

    async def holds_nothing(self, key: str) -> bool:
        """Whether a key has no value, as the stream's leader knows now."""
        return await self.latest(key) is None

    async def _values(self) -> KeyValue:
        """The bucket as nats-py has it: it asks the server for its configuration, which once is enough."""
        client = self.client
        if self._asked is None or self._asked[0] is not client:
            self._asked = client, await client.jetstream().key_value(self.name)
        return self._asked[1]

    async def _do(self, work: Callable[[KeyValue], Awaitable[T]]) -> T:
        try:
            return await work(await self._values())
        except KeyWrongLastSequenceError:
            raise ConflictError(f"{self.name}: the key was changed meanwhile") from None
        except KeyNotFoundError:
            raise
        except (NatsError, APIError, TimeoutError) as error:
            if isinstance(error, APIError) and error.err_code in _CHANGED:  # a delete's, which nats-py leaves as it is
                raise ConflictError(f"{self.name}: the key was changed meanwhile") from None
            raise UnavailableError(self._away(error)) from error

    def _away(self, error: Exception) -> str:
        return f"JetStream cannot serve the bucket {self.name} now ({type(error).__name__})"
