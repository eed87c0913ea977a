"""Whether NATS holds what the app needs, asked at the start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from app.errors import ConfigurationError
from streams import live
from streams.plan import Change

log = logging.getLogger(__name__)

_PAUSE: Final = 1.0  # seconds before looking again


class Provisioning:
    """Waits until the streams, consumers and buckets are there.

    On the embedded server it makes them; on a server of somebody else's that is for `python -m streams apply`, which is
    run on deploy, by who has the right to.
    """

    def __init__(self, replicas: int, *, applies: bool) -> None:
        self._replicas = replicas
        self._applies = applies
        self._why: str | None = "NATS is not connected yet"

    def not_ready(self) -> str | None:
        """What is missing, if anything."""
        return self._why

    async def __call__(self, client: Client) -> None:
        """Return once everything is there.

        Raises:
            ConfigurationError: the embedded server cannot be made to hold what is needed.
        """
        while (why := await self._missing(client)) is not None:
            if why != self._why:
                log.warning("waiting: %s", why)
            self._why = why
            await asyncio.sleep(_PAUSE)
        self._why = None

    async def _missing(self, client: Client) -> str | None:
        try:
            if self._applies:
                _refuse(await live.provision(client.jetstream(), self._replicas))
                return None
            lacking = await live.missing(client.jetstream(), self._replicas)
        except (NatsError, APIError, TimeoutError) as error:
            return f"JetStream does not answer ({type(error).__name__})"
        if not lacking:
            return None
        return f"NATS lacks {', '.join(change.name for change in lacking)}: run python -m streams apply"


def _refuse(remaining: Sequence[Change]) -> None:
    absent = [change for change in remaining if change.absent]
    if absent:
        raise ConfigurationError("; ".join(_told(change) for change in absent))
    for change in remaining:
        log.warning("NATS differs from the code and is left as it is: %s", _told(change))


def _told(change: Change) -> str:
    return f"{change.name}: {' '.join(change.reasons)}"
