"""Pulling a durable consumer in batches, each there as soon as it arrives. `subscriber.py` hands them to readers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError

from app.jetstream.roundtrip import roundtrip

log = logging.getLogger(__name__)

BATCH: Final = 256  # messages: enough to keep the wire busy, small enough to be handled before `ack_wait`
POLL: Final = 30.0  # seconds that one request waits at the server
HEARTBEAT: Final = 1.0  # seconds between the server's signs of life while it has nothing
_LOOK: Final = 2.5  # seconds between two looks at whether the server may have forgotten the request
_AWAY: Final = 0.2  # seconds between two looks at whether the connection is back
_LAST: Final = 1.0  # seconds in which the server has to confirm that it sends no more

_SECOND: Final = 1_000_000_000  # the protocol's durations are in nanoseconds
_LIVES: Final = "100"
_EXPIRED: Final = "408"
_NOTHING: Final = frozenset({"404", _EXPIRED})


class Pull:
    """One request at a time to a consumer, answered message by message into a buffer.

    nats-py's `fetch` waits for each message in a task of its own, so it falls behind where the loop is busy otherwise.
    """

    def __init__(
        self, client: Client, stream: str, consumer: str, *, batch: int = BATCH, heartbeat: float = HEARTBEAT
    ) -> None:
        """A pull of at most `batch` messages a request; the server says every `heartbeat` seconds that it lives."""
        self._client = client
        self._inbox = client.new_inbox()
        self._next = next_subject(stream, consumer)
        self._batch = batch
        self._heartbeat = heartbeat
        self._asked = (0.0, 0)  # when the server was last heard of, and after how many reconnects
        self._buffer: list[Msg] = []
        self._expected = 0  # messages that the request may still bring
        self._trouble = ""
        self._told = ""
        self._arrived = asyncio.Event()

    async def open(self) -> None:
        self._subscription = await self._client.subscribe(self._inbox, cb=self._take)

    async def close(self) -> None:
        """Stop, and hand what nobody has taken to another process at once, what is on its way here included."""
        try:
            if self._client.is_connected:
                with suppress(NatsError, TimeoutError):
                    async with asyncio.timeout(_LAST):
                        await self._hear_out()
        finally:
            with suppress(NatsError):
                await self._subscription.unsubscribe()
                await give_back(self._buffer)

    async def _hear_out(self) -> None:
        """Have the server send no more, and take what it has sent."""
        await self._client._send_unsubscribe(self._subscription._id)  # noqa: SLF001 -- no public call leaves it open
        await roundtrip(self._client)
        while self._subscription.pending_msgs:  # noqa: ASYNC110 -- nats-py's own task takes them
            await asyncio.sleep(0)

    def wake(self) -> None:
        """Let who waits for a batch look up."""
        self._arrived.set()

    async def batch(self) -> list[Msg]:
        """What has arrived, as soon as something has; empty where the server is silent or away, or at `wake`.

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
            async with asyncio.timeout(_LOOK):
                await self._arrived.wait()
        except TimeoutError:
            if self._is_forgotten():
                self._expected = 0

    def _is_forgotten(self) -> bool:
        """Whether the server does not know of the request any more: it restarted, or is away."""
        heard, reconnects = self._asked
        silent = asyncio.get_running_loop().time() - heard > _LOOK * self._heartbeat
        return silent or self._client.stats["reconnects"] != reconnects

    def report(self, error: Exception) -> None:
        """Tell the log of trouble once, not at every try."""
        if str(error) != self._told:
            self._told = str(error)
            log.warning("the consumer does not answer %s: %s", self._next, error)

    async def _ask(self) -> None:
        request = {
            "batch": self._batch,
            "expires": int(POLL * _SECOND),
            "idle_heartbeat": int(self._heartbeat * _SECOND),
        }
        self._hear_of_the_server()
        await self._client.publish(self._next, json.dumps(request).encode(), self._inbox)
        self._expected = self._batch

    def _hear_of_the_server(self) -> None:
        self._asked = (asyncio.get_running_loop().time(), self._client.stats["reconnects"])

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
            self._hear_of_the_server()
            return
        self._expected = 0
        if status != _EXPIRED:
            self._trouble = f"{status} {_described(headers)}"


def next_subject(stream: str, consumer: str) -> str:
    """Where a consumer is asked for messages."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"


async def one(client: Client, stream: str, consumer: str, seconds: float) -> Msg | None:
    """The next message of a consumer, or None where there is none within so many seconds.

    Raises:
        ConnectionError: the consumer does not answer; the message says what the server did.
        NatsError: the connection failed.
    """
    request = {"batch": 1, "expires": int(seconds * _SECOND)}
    inbox = client.new_inbox()
    # Not `client.request`, which knows answers by their subject: a message of a stream comes on its own.
    subscription = await client.subscribe(inbox, max_msgs=1)
    try:
        await client.publish(next_subject(stream, consumer), json.dumps(request).encode(), inbox)
        answer = await subscription.next_msg(seconds + 1)
    except NatsTimeoutError:
        return None
    finally:
        with suppress(NatsError):
            await subscription.unsubscribe()
    if answer.reply:
        return answer
    headers = answer.headers or {}
    if (status := headers.get("Status", "")) in _NOTHING:
        return None
    raise ConnectionError(f"{status} {_described(headers)}")


def _described(headers: Mapping[str, str]) -> str:
    """What the server says beside a status; nothing beside a 503, where nats-py takes the next header for it."""
    return headers.get("Description", "").partition("\n")[0].strip() or "no such consumer, or it has no leader yet"


async def give_back(messages: Iterable[Msg]) -> None:
    """Hand messages that nobody has begun to another process at once."""
    for message in messages:
        await message.nak()
