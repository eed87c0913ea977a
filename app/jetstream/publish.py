"""Publishing to JetStream so that "done" means stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Final, NamedTuple, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic_core import from_json

from app.errors import TooLargeError, UnavailableError
from app.jetstream import patience
from app.jetstream.patience import Patience
from app.jetstream.wire import header_block, write

_ACK_TIMEOUT: Final = 1.5  # seconds that one try waits for its PubAck
_ROOM: Final = 4096  # bytes that headers may have before they are counted exactly
ABSENT: Final = "absent"  # no answer, or none of JetStream's
REFUSED: Final = "refused"  # JetStream's answer is that it does not store it
_SWEEP: Final = 0.25  # seconds between two looks at who has waited too long
_HEADERS: Final = 10097  # the server's error code
_ELECTING: Final = {10008, 10009}  # the server's error codes where it has no leader yet


Hear = Callable[[str, float], None]
Tell = Callable[[str], None]


class Stored(NamedTuple):
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


class Transport(Publish, Protocol):
    """A `Publish` of which many can be on their way without a task for each."""

    async def begin(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> asyncio.Future[Stored]: ...


class Pipeline(Transport, Protocol):
    """A `Transport` that can be asked beforehand; `batch.py` sends many messages of one request over it."""

    @property
    def patience(self) -> Patience: ...

    def require_room(self, payload: bytes, headers: Mapping[str, str]) -> None: ...


class JetStreamPublisher:
    """Publishes over one connection, many messages at a time.

    Why not nats-py's own: its `publish` waits through a general request, which costs as much again as the publishing,
    and what JetStream refuses never comes back from `publish_async`. Acknowledgements come to one inbox, in which each
    message has a subject of its own.
    """

    def __init__(
        self,
        patience: float = patience.SECONDS,
        hear: Hear = lambda _stream, _seconds: None,
        failed: Tell = lambda _: None,
    ) -> None:
        """Make a publisher that tries again for so many seconds where JetStream falls silent.

        `hear` is told the stream and the seconds of each acknowledgement; `failed`, in a word, why none came.
        """
        self.patience = Patience(patience)
        self._hear = hear
        self._failed = failed
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop  # from `listen` on
        self._inbox = ""
        self._count = 0
        self._waiting: dict[str, tuple[asyncio.Future[Stored], float]] = {}  # by reply subject; until when
        self._sweep: asyncio.TimerHandle | None = None

    async def listen(self, client: Client) -> None:
        """Begin to listen for acknowledgements on a connection; it outlasts its reconnects."""
        self._loop = asyncio.get_running_loop()  # to ask each time is a system call
        self._inbox = client.new_inbox()
        await client.subscribe(f"{self._inbox}.*", cb=self._arrived)
        self._client = client

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        pauses = self.patience.pauses()
        while True:
            try:
                return await (await self.begin(subject, payload, headers))
            except AbsentError as absent:
                if (pause := next(pauses, None)) is None:
                    why = f"the event was not stored: {absent}; send it again with the same id"
                    raise UnavailableError(why) from absent
            await asyncio.sleep(pause)

    async def begin(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> asyncio.Future[Stored]:
        """Send a message, once; what is returned ends when it is stored, or with an UnavailableError.

        Who sends thousands needs no task for each of them.

        Raises:
            UnavailableError: NATS is away.
            TooLargeError: the message is larger than the server takes.
        """
        client = self._client
        # While nats-py reconnects it would keep the message for later, and we would not know whether it went out.
        if client is None or not client.is_connected:
            raise AbsentError("NATS is not connected")
        self.require_room(payload, headers)
        reply, stored = self._expected()
        try:
            await write(client, subject, reply, payload, headers)
        except BaseException as error:
            self._waiting.pop(reply, None)
            if isinstance(error, NatsError):
                raise AbsentError(f"the connection to NATS failed ({type(error).__name__})") from error
            raise
        return stored

    def require_room(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """Raise a TooLargeError for a message that is larger than the server takes."""
        # It counts headers too, and ends the connection of who sends more.
        most, size = self._client.max_payload if self._client else 0, len(payload)
        if size + _ROOM > most > 0 and (size := size + len(header_block(headers))) > most:
            raise TooLargeError(f"the event is {size} bytes long with its envelope: NATS takes {most}")

    def _expected(self) -> tuple[str, asyncio.Future[Stored]]:
        """Where the acknowledgement of a message is to go, and what ends with it."""
        self._count += 1
        reply = f"{self._inbox}.{self._count}"
        stored: asyncio.Future[Stored] = self._loop.create_future()
        self._waiting[reply] = (stored, self._loop.time() + _ACK_TIMEOUT)
        if self._sweep is None:
            self._sweep = self._loop.call_later(_SWEEP, self._expire)
        return reply, stored

    async def _arrived(self, message: Msg) -> None:
        stored, until = self._waiting.pop(message.subject, (None, 0))
        if stored is None or stored.done():
            return
        try:
            stored.set_result(found := _stored(message))
        except (UnavailableError, TooLargeError) as error:
            self._failed(ABSENT if isinstance(error, AbsentError) else REFUSED)
            stored.set_exception(error)
        else:
            self.patience.answered()
            self._hear(found.stream, self._loop.time() - until + _ACK_TIMEOUT)

    def _expire(self) -> None:
        """End the waiting that has taken too long, the oldest first. One timer for all costs less than one each."""
        now = self._loop.time()
        late = list(takewhile(lambda reply: self._waiting[reply][1] <= now, self._waiting))
        for stored, _ in map(self._waiting.pop, late):
            if not stored.done():
                self._failed(ABSENT)
                stored.set_exception(AbsentError(f"JetStream did not acknowledge within {_ACK_TIMEOUT} s"))
        self._sweep = self._loop.call_later(_SWEEP, self._expire) if self._waiting else None


def _stored(message: Msg) -> Stored:
    if not message.data:  # a status without a body: nobody listens on the subject
        raise AbsentError("JetStream does not answer, or the stream ops is missing")
    answer = from_json(message.data)
    if refusal := answer.get("error"):
        if refusal.get("err_code") == _HEADERS:
            raise TooLargeError("the event's headers are larger than the 64 KiB that JetStream takes")
        if refusal.get("err_code") in _ELECTING:
            raise AbsentError("JetStream is electing a leader")
        raise UnavailableError(f"JetStream did not store the event: {refusal.get('description', refusal)}")
    return Stored(answer["stream"], answer["seq"], answer.get("duplicate", False))


class AbsentError(UnavailableError):
    """JetStream did not answer this try; another may succeed."""
