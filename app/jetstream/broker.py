"""The FastStream broker of this program: it waits for NATS as long as it takes, and for what must be ready there."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.errors import Error as NatsError

from app.errors import ConfigurationError
from streams.access import Access
from streams.secured import SecuredClient, explained

log = logging.getLogger(__name__)

Prepare = Callable[[Client], Awaitable[None]]

# Seconds; a connection whose other end has gone without a word (a power cut) is given up after three of them: within
# the time that publishing is tried again (`patience.py`).
_PING_EVERY: Final = 2
_TELL_EVERY: Final = 30.0  # seconds between two lines about the same absence


class PreparedBroker(NatsBroker):
    """A broker whose subscribers start after the steps that prepare for them: streams are there, hooks are read."""

    steps: Sequence[Prepare] = ()
    entering: Mapping[str, Any]  # what the client is told of the servers, of who we are, and of whom we trust
    lost: Callable[[], None] = staticmethod(lambda: None)  # called where the connection ends without our asking
    _stopping = False

    @property
    def client(self) -> Client | None:
        """The connection, once there is one."""
        return self._connection

    def not_connected(self) -> str | None:
        """Why there is no connection, if so."""
        return None if self._connection is not None and self._connection.is_connected else "NATS is not connected"

    async def start(self) -> None:
        """Connect, prepare, start the subscribers.

        Raises:
            ConfigurationError: NATS answers, and will not have us.
        """
        try:
            client = await self.connect()
        except NatsError as error:
            raise ConfigurationError(
                f"NATS refused the connection ({error}): check the user and password in EVENT_ENDPOINT,"
                " EVENT_CREDENTIALS or EVENT_NKEY"
            ) from error
        for prepare in self.steps:
            await prepare(client)
        await super().start()

    async def _connect(self) -> Client:
        """As FastStream does it, with a client that does not send a password where it was told to encrypt it."""
        client = SecuredClient()
        try:
            await client.connect(**{**self._connection_kwargs, **self.entering})
        except BaseException:
            await client.close()
            raise
        self.config.connect(client)
        return client

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        self._stopping = True
        await super().stop(exc_type, exc_val, exc_tb)

    async def closed(self) -> None:
        """For nats-py, which gives up for good where the server answers with an error it takes for final."""
        if not self._stopping:
            self.lost()


def make_broker(access: Access, inbox: str = "_INBOX") -> PreparedBroker:
    """A broker that never gives up on its servers; `inbox` is the prefix of the subjects on which it is answered."""

    async def closed() -> None:
        await broker.closed()

    broker = PreparedBroker(
        name="ops-events",
        inbox_prefix=inbox,
        max_reconnect_attempts=-1,  # a server that is away is waited for
        reconnect_time_wait=1,
        connect_timeout=5,
        ping_interval=_PING_EVERY,
        error_cb=_Absences().tell,
        closed_cb=closed,
        logger=None,
        specification_url=["nats://nats.example.internal:4222"],
        description="The NATS server that keeps the stream `ops`.",
        graceful_timeout=10,
    )
    broker.entering = access.options()
    return broker


class _Absences:
    """Tells the log that NATS is away: at once, and then now and again."""

    def __init__(self) -> None:
        self._told = float("-inf")

    async def tell(self, error: Exception) -> None:
        if time.monotonic() - self._told >= _TELL_EVERY:
            self._told = time.monotonic()
            log.warning("NATS is not there (%s: %s); trying again until it is", type(error).__name__, explained(error))
