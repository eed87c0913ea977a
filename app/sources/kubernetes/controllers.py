"""Controller events: a watch is ready, once for each start of the process. Run by `service.py`."""

from __future__ import annotations

import asyncio
from typing import Final

from app.errors import UnavailableError
from app.events import payloads
from app.events.catalog import CONTROLLER
from app.sources.kubernetes.watch import Watch
from app.sources.publish import EventPublishers

_PAUSE: Final = 1.0  # seconds before it is tried again while JetStream is away


class Controllers:
    """Tells that watches are ready."""

    def __init__(self, publishers: EventPublishers, namespace: str) -> None:
        """Tell it through `publishers`, as controllers in the namespace that this process works in."""
        self._publishers = publishers
        self._namespace = namespace

    async def announce(self, watch: Watch) -> None:
        """Wait until a watch has seen everything that is there, and tell."""
        await watch.synced.wait()
        while not await self._told(watch.state.name):  # noqa: ASYNC110 -- JetStream gives no event when it is back
            await asyncio.sleep(_PAUSE)

    async def _told(self, kind: str) -> bool:
        controller = payloads.Controller(kind=kind)
        try:
            await self._publishers.publish(
                CONTROLLER, controller, namespace=self._namespace, resource_type=kind.lower()
            )
        except UnavailableError:
            return False
        return True
