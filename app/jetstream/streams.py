"""Whether NATS holds what the app needs, asked at the start and every minute after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from app.errors import ConfigurationError
from streams import live
from streams.drift import drifts, unbearable
from streams.plan import Change
from streams.topology import topology

log = logging.getLogger(__name__)

Show = Callable[[Mapping[str, int]], None]
"""Takes how many fields differ, by the name of each stream that the app has."""

_PAUSE: Final = 1.0  # seconds before looking again, at the start
_EVERY: Final = 60.0  # seconds between two looks afterwards; each is a request for every stream and consumer


class Provisioning:
    """Waits until the streams, consumers and buckets are there, and are such that the app can live with them.

    On the embedded server it makes them; on a server of somebody else's that is for `python -m streams apply`, which is
    run on deploy, by who has the right to.
    """

    def __init__(
        self,
        replicas: int,
        edges: Sequence[str] = (),
        *,
        applies: bool,
        show: Show = lambda _: None,
        every: float = _EVERY,
    ) -> None:
        self._replicas = replicas
        self._edges = edges
        self._applies = applies
        self._show = show
        self._every = every
        self._why: str | None = "NATS is not connected yet"

    def not_ready(self) -> str | None:
        """What is missing, or cannot be lived with, and how to mend it."""
        return self._why

    async def __call__(self, client: Client) -> None:
        """Return once everything is there.

        Raises:
            ConfigurationError: the embedded server cannot be made to hold what is needed.
        """
        while (why := await self._trouble(client)) is not None:
            self._tell(why)
            await asyncio.sleep(_PAUSE)
        self._tell(None)

    async def watch(self, client: Client) -> NoReturn:
        """Look again and again, until cancelled: what was right at the start may be changed.

        Where JetStream does not answer, what was found last stands: that NATS is away is told elsewhere.
        """
        while True:
            await asyncio.sleep(self._every)
            try:
                self._tell(self._judge(await self._outstanding(client)))
            except (NatsError, APIError, TimeoutError) as error:
                log.warning("cannot see whether NATS is as it has to be: %s", type(error).__name__)

    def _tell(self, why: str | None) -> None:
        if why is not None and why != self._why:
            log.warning("not ready: %s", why)
        self._why = why

    async def _trouble(self, client: Client) -> str | None:
        try:
            changes = await self._provisioned(client) if self._applies else await self._outstanding(client)
        except (NatsError, APIError, TimeoutError) as error:
            return f"JetStream does not answer ({type(error).__name__})"
        if (why := self._judge(changes)) is None:
            for change in changes:
                log.warning("NATS differs from the code and is left as it is: %s", _told(change))
        return why

    async def _provisioned(self, client: Client) -> Sequence[Change]:
        """What remains after the server was made to hold what it should."""
        remaining = await live.provision(client.jetstream(), self._replicas, self._edges)
        if absent := [change for change in remaining if change.absent]:
            raise ConfigurationError("; ".join(_told(change) for change in absent))
        return remaining

    async def _outstanding(self, client: Client) -> Sequence[Change]:
        return await live.outstanding(client.jetstream(), self._replicas, self._edges)

    def _judge(self, changes: Sequence[Change]) -> str | None:
        self._show(drifts(topology(self._replicas, self._edges), changes))
        return unbearable(changes)


def _told(change: Change) -> str:
    fields = ", ".join(difference.field for difference in change.differences)
    return " ".join(filter(None, (f"{change.kind} {change.name} ({fields})", *change.reasons)))
