"""One attempt at a delivery, within its target's cap of attempts in flight."""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from app.delivery.channels.base import Channels
from app.delivery.delivery import Delivery
from app.delivery.outcome import Outcome, Refused, TryLater

IN_FLIGHT: Final = 64  # attempts at one target at a time: a busy endpoint is used well, a slow one is not buried
PATIENCE: Final = 1.0  # seconds to wait for a place; a target that gives none in that time is hanging


class Attempts:
    """Sends deliveries over their channels, at most `IN_FLIGHT` at a time to one target."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        # A target's places live as long as somebody holds or waits for one.
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, delivery: Delivery) -> Outcome:
        channel = self._channels.get(delivery.target.channel)
        if channel is None:
            return Refused(f"this version has no channel {delivery.target.channel}")
        places = self._places_of(delivery.target.key)
        if not await _enter(places):
            return TryLater(f"{IN_FLIGHT} attempts are in flight already and none ended within {PATIENCE:.0f} s")
        try:
            return await channel.send(delivery)
        finally:
            places.release()

    def _places_of(self, target: str) -> asyncio.Semaphore:
        places = self._places.get(target)
        if places is None:
            places = self._places[target] = asyncio.Semaphore(IN_FLIGHT)
        return places


async def _enter(places: asyncio.Semaphore) -> bool:
    if not places.locked():
        await places.acquire()
        return True
    try:
        async with asyncio.timeout(PATIENCE):
            return await places.acquire()
    except TimeoutError:
        return False
