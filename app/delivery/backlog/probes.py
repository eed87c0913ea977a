"""Whose turn it is to probe: many targets that are down must not keep the process busy finding out that they are.

Targets of one origin (scheme, host and port) take turns; when one finds the origin alive, all that wait go at once.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

AN_ORIGIN: Final = 1 / 8  # seconds between two probes of one origin: two dozen targets there have one each 3 s
OF_ALL: Final = 1 / 64  # seconds between any two: at half a millisecond each, 3 % of a core
_REMEMBERED: Final = 1_000  # origins, from which on those are forgotten that nobody waits for


class Turns:
    """Hands out turns, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}  # by origin: when its next turn is, in the loop's time
        self._next_of_all = 0.0
        self._waiting: dict[str, set[asyncio.Event]] = {}  # by origin: what to set when it is found alive

    async def take(self, origin: str, changed: asyncio.Event) -> bool:
        """Wait for a turn, or until the origin is found alive; false where `changed` is set for another reason."""
        now = asyncio.get_running_loop().time()
        if len(self._next) > _REMEMBERED:
            self._forget_who_is_due(now)
        at = max(now, self._next.get(origin, 0.0), self._next_of_all)
        self._next[origin] = at + AN_ORIGIN
        self._next_of_all = max(now, self._next_of_all) + OF_ALL
        return at <= now or await self._wait(origin, at - now, changed)

    async def _wait(self, origin: str, seconds: float, changed: asyncio.Event) -> bool:
        waiting = self._waiting.setdefault(origin, set())
        waiting.add(changed)
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return True
        finally:
            waiting.discard(changed)
        return self._waiting.get(origin) is not waiting

    def alive(self, origin: str) -> None:
        """A probe got through: all that wait for the origin may go."""
        self._next.pop(origin, None)
        for changed in self._waiting.pop(origin, ()):
            changed.set()

    def _forget_who_is_due(self, now: float) -> None:
        self._next = {origin: at for origin, at in self._next.items() if at > now}
        self._waiting = {origin: waiting for origin, waiting in self._waiting.items() if waiting}


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL; all subjects are of one origin."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
