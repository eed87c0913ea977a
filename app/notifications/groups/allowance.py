"""How many messages a receiver may get, over all replicas: windows of time, counted in the bucket `ops-groups`.

A process takes a few at a time, so that a burst does not ask the server for each; what it took and does not use is lost
for the window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import ConflictError
from app.jetstream.bucket import Bucket
from app.notifications.destinations.rates import Rate

_SHARE: Final = 20  # of the limit that is taken at a time
_TRIES: Final = 20

Clock = Callable[[], float]


class _Taken(BaseModel):
    """What lies in the bucket: how many were taken of a window."""

    model_config = ConfigDict(frozen=True)

    window: float  # when it began, Unix seconds
    taken: int


@dataclass(slots=True)
class _Purse:
    """What this process has of a window."""

    rate: Rate | None = None
    window: float = 0.0
    left: int = 0
    empty: bool = False  # nothing is to be had any more
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def open(self, rate: Rate, window: float) -> None:
        """Begin anew in another window, and where the rate has been changed."""
        if window > self.window or rate != self.rate:
            self.rate, self.window, self.left, self.empty = rate, window, 0, False


class Allowance:
    """Grants messages. Raises UnavailableError where JetStream is away."""

    def __init__(self, bucket: Bucket, clock: Clock) -> None:
        self._bucket = bucket
        self._clock = clock
        self._purses: dict[str, _Purse] = {}

    async def take(self, receiver: str, rate: Rate) -> float:
        """Take one message of a receiver's; 0: granted, else the seconds until more is allowed."""
        purse = self._purses.setdefault(receiver, _Purse())
        async with purse.asking:
            now = self._clock()
            purse.open(rate, now - now % rate.per)
            if not purse.left and not purse.empty:
                purse.left = await self._fetch(receiver, rate, purse.window)
                purse.empty = not purse.left
            if not purse.left:
                return max(purse.window + rate.per - now, 0.001)
            purse.left -= 1
            return 0.0

    async def _fetch(self, receiver: str, rate: Rate, window: float) -> int:
        key = f"{receiver}.rate"
        for _ in range(_TRIES):
            value, revision = await self._bucket.read(key)
            began, taken = _taken(value, window)
            some = min(max(1, rate.limit // _SHARE), rate.limit - taken)
            if some <= 0:
                return 0
            try:
                told = _Taken(window=began, taken=taken + some).model_dump_json().encode()
                await self._bucket.update(key, told, revision)
            except ConflictError:
                continue
            return some
        return 0  # everybody asks: there is enough to come as a summary


def _taken(value: bytes | None, window: float) -> tuple[float, int]:
    """The window that counts, and how many were taken of it; another replica's clock may be ahead of ours."""
    try:
        found = None if value is None else _Taken.model_validate_json(value)
    except ValidationError:
        found = None
    return (found.window, found.taken) if found is not None and found.window >= window else (window, 0)
