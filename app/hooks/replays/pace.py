"""Doing something so many times a second, and no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class Pace:
    """Gives out turns at a rate. Turns that nobody took are not saved up, so there is no burst after a lull."""

    def __init__(self, rate: float, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
        """Make a pace of `rate` turns a second; `clock` counts seconds."""
        self._each = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()

    async def take(self, turns: int) -> None:
        """Wait until it is time for so many turns more."""
        now = self._clock()
        begins = max(self._free_at, now)
        self._free_at = begins + turns * self._each
        if begins > now:
            await self._sleep(begins - now)
