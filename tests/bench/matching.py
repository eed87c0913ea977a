"""Events that no hook wants: events a second, of a backlog, with one hook and with a thousand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from tests.bench import hooks
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale

_LONGER: Final = 2  # matching alone is so fast that a round of the usual size would be short


async def measure(scale: Scale) -> list[Figure]:
    """The one hook is of the kind that costs most: it sees every event, and reads it to find that it wants none."""
    thousand: list[float] = []
    one: list[float] = []
    async with rig() as below, rig() as above:
        await _prepare(below, [hooks.that_sees_and_wants_none(0)])
        await _prepare(above, hooks.thousand_that_want_none())
        for number in range(scale.rounds):
            one.append(await _round(below, f"one-{number}", _LONGER * scale.events))
            thousand.append(await _round(above, f"thousand-{number}", _LONGER * scale.events))
    return [Figure("matching, 1,000 hooks : 1", "events/s", thousand, one, at_least=0.7)]


async def _prepare(on: Rig, wanted: Sequence[hooks.Hook]) -> None:
    async with app_on(on) as app:
        await hooks.create(app, wanted)


async def _round(on: Rig, run: str, count: int) -> float:
    """From the first progress that is seen to the last ack."""
    await on.empty()
    await on.fill(run, count)
    watching = asyncio.create_task(_watch(on, count))
    async with app_on(on):
        return await watching


async def _watch(on: Rig, count: int) -> float:
    while (left := await on.backlog()) == count:  # noqa: ASYNC110 -- the server has nothing to tell us when it begins
        await asyncio.sleep(0.01)
    start = time.monotonic()
    return left / (await on.drained(0.02) - start)
