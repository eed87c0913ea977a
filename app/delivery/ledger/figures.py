"""The figures of all hooks, kept up to date: cheap where there are many, of which few do anything.

`hooks/kubernetes/reporter.py` looks every few seconds. A look asks only for what was counted since the last one, and
for what waits of the targets that are owed something; nothing is left behind on the server. `statistics.py` tells more
of one hook, as of this moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from app.delivery.ledger import counts
from app.delivery.ledger.counts import Counted, LastError
from app.delivery.ledger.statistics import Backlog
from app.jetstream.read import StreamReader
from streams.subjects import COUNTS, PARKED

_BATCH: Final = 500  # totals in one answer
_BACKLOGS: Final = 50  # targets of which one look asks what waits; those first of which it is known least recently


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a hook's deliveries, over all processes. Times are Unix seconds."""

    delivered: int = 0
    failed: int = 0  # attempts
    dead_letters: int = 0
    delivered_at: float | None = None  # when one last succeeded, or a few seconds after
    last_error: LastError | None = None
    parked: int = 0  # events that wait; of an ordered hook also those that it has not had of the stream yet
    oldest: float | None = None  # when the oldest of them was stored


@dataclass(slots=True)
class _Totals:
    by_kind: dict[str, Counted] = field(default_factory=dict)
    last_error: LastError | None = None

    def add(self, counted: Counted) -> None:
        self.by_kind[counted.kind] = counted
        self.last_error = counted.last_error or self.last_error

    def __getitem__(self, kind: counts.Kind) -> int:
        counted = self.by_kind.get(kind)
        return counted.total if counted else 0

    @property
    def delivered_at(self) -> float | None:
        counted = self.by_kind.get("delivered")
        return counted.at if counted else None


class FiguresReader:
    """Looks, and remembers."""

    def __init__(self, reader: StreamReader, backlog: Callable[[str], Awaitable[Backlog]]) -> None:
        """Know nothing yet; `backlog` tells what waits for a target."""
        self._reader = reader
        self._backlog = backlog
        self._totals: dict[str, _Totals] = {}
        self._position = 0  # sequence of the newest total that is known
        self._backlogs: dict[str, Backlog] = {}  # the one that was asked for longest ago first
        self._owed: Collection[str] = ()  # targets for which something may wait
        self._looked = False

    def of(self, target: str) -> Figures | None:
        """As of the last look; None where nobody has looked yet."""
        backlog = self._backlogs.get(target)
        if not self._looked or (backlog is None and target in self._owed):
            return None
        totals = self._totals.get(target, _Totals())
        return Figures(
            delivered=totals["delivered"],
            failed=totals["failed"],
            dead_letters=totals["dead-letters"],
            delivered_at=totals.delivered_at,
            last_error=totals.last_error,
            parked=backlog.number if backlog else 0,
            oldest=backlog.oldest if backlog else None,
        )

    async def look(self, ordered: Collection[str]) -> None:
        """Ask what is new; `ordered` are the targets of ordered hooks.

        Raises:
            UnavailableError: JetStream does not answer; what is known is as it was, or newer.
        """
        await self._read_totals()
        await self._read_backlogs(ordered)
        self._looked = True

    async def _read_totals(self) -> None:
        found = await self._more()
        if not found and await self._is_emptied():
            self._totals, self._position = {}, 0
            found = await self._more()
        while found:
            found = await self._more()

    async def _more(self) -> list[Counted]:
        found = await counts.counted(self._reader, self._position + 1, _BATCH)
        for one in found:
            self._totals.setdefault(one.target, _Totals()).add(one)
            self._position = one.sequence
        return found

    async def _is_emptied(self) -> bool:
        """Whether the newest total is not there any more: then somebody has begun to count anew."""
        return self._position > 0 and await self._reader.get(COUNTS, self._position) is None

    async def _read_backlogs(self, ordered: Collection[str]) -> None:
        parked = await self._reader.numbers(PARKED, f"{PARKED}.hooks.>")
        self._owed = {*(subject.removeprefix(f"{PARKED}.") for subject in parked), *ordered}
        self._backlogs = {target: known for target, known in self._backlogs.items() if target in self._owed}
        unknown = [target for target in self._owed if target not in self._backlogs]
        asked = [*unknown, *self._backlogs][:_BACKLOGS]
        for target, backlog in zip(asked, await asyncio.gather(*map(self._backlog, asked)), strict=True):
            self._backlogs.pop(target, None)
            self._backlogs[target] = backlog
