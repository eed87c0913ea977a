"""The subjects that the stream `ops` holds events of.

The server names up to 100,000 at a time, which takes it a sixth of a second: so the list is kept for a while, and asked
for once for all who wait for it. What could hold up the event loop is done in parts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.archive.listing import Choose, chooser, read
from app.jetstream.past import bounds
from app.jetstream.read import StreamReader
from streams.subjects import OPS

MOST: Final = 500_000  # subjects that are listed: about 100 MiB
_PART: Final = 5_000  # subjects that are worked on at once: about 2 ms
_WORTH: Final = 10  # times as long as it took to ask, a list is good for, whatever has arrived
_FORGET: Final = 60.0  # seconds after which a list that nobody asks for is dropped


@dataclass(frozen=True, slots=True)
class Listed:
    """Some of the subjects, in their order."""

    subjects: Sequence[str]
    total: int  # subjects on all pages
    complete: bool  # the stream has no more than are listed


@dataclass(frozen=True, slots=True)
class _List:
    subjects: Sequence[str]
    complete: bool
    state: tuple[int, int]  # of the stream: its first and its last sequence
    expires: float  # by the monotonic clock: until then it is good enough if something has arrived


class Subjects:
    """Lists subjects. Raises UnavailableError where JetStream does not answer."""

    def __init__(self, reader: StreamReader, now: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._now = now
        self._list: _List | None = None
        self._asking = asyncio.Lock()
        self._forgetting: asyncio.TimerHandle | None = None

    async def page(self, search: str, granted: Sequence[str], start: int, size: int) -> Listed:
        """`size` subjects, after the first `start`, that a filter of `granted` sees and in which a text stands."""
        known = await self._known()
        found = known.subjects
        if (wanted := chooser(search, granted)) is not None:
            found = await _chosen(found, wanted)
        return Listed(found[start : start + size], len(found), known.complete)

    async def _known(self) -> _List:
        state = await bounds(self._reader, OPS)
        if (known := self._good(state)) is None:
            async with self._asking:
                if (known := self._good(state)) is None:
                    known = self._list = await self._asked(state)
        self._keep()
        return known

    def _good(self, state: tuple[int, int]) -> _List | None:
        known = self._list
        return known if known and (known.state == state or self._now() < known.expires) else None

    async def _asked(self, state: tuple[int, int]) -> _List:
        begin = self._now()
        subjects: list[str] = []
        total = MOST
        while len(subjects) < min(total, MOST):
            before = len(subjects)
            total = await _read(await self._reader.subjects(OPS, before), subjects)
            if len(subjects) == before:
                break
        # Each answer is in the order of UTF-8, which is Python's too: this only makes sure, and takes no time.
        subjects.sort()
        took = self._now() - begin
        return _List(subjects[:MOST], total <= MOST, state, begin + took + _WORTH * took)

    def _keep(self) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(_FORGET, self._drop)

    def _drop(self) -> None:
        self._list = None


async def _read(answer: bytes, subjects: list[str]) -> int:
    """Add what the server names; returns how many subjects there are in all."""
    total = 0
    for part in read(answer):
        if isinstance(part, int):
            total = part
        else:
            subjects += part
        await asyncio.sleep(0)  # others have their turn
    return total


async def _chosen(subjects: Sequence[str], wanted: Choose) -> list[str]:
    found: list[str] = []
    for begin in range(0, len(subjects), _PART):
        found += filter(wanted, subjects[begin : begin + _PART])
        await asyncio.sleep(0)
    return found
