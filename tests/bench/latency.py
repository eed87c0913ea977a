"""From a post to the receiver's first byte, at 300 events a second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.bench import hooks, load, programs
from tests.bench.ingress import check
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, reset, rig, seen_by
from tests.bench.scale import Scale
from tests.bench.sink import Seen

RATE: Final = 300.0
_AIM: Final = 50.0  # milliseconds
_WARM_SECONDS: Final = 1.0


async def measure(scale: Scale) -> list[Figure]:
    """The floor is the floors of ingress and delivery, one behind the other."""
    ours: list[Seen] = []
    floor: list[Seen] = []
    async with rig() as below, rig() as above, programs.sink(above.folder) as sink:
        url = f"http://127.0.0.1:{sink.port}/"
        async with _floors(below, url) as bare, app_on(above) as app:
            await hooks.create(app, [hooks.that_wants_all(url)])
            for _ in range(scale.rounds):
                floor.append(await _round(below, bare, sink, scale))
                ours.append(await _round(above, app, sink, scale))
    return [
        Figure("latency p50", "ms", [seen.p50 for seen in ours], [seen.p50 for seen in floor]),
        Figure("latency p99", "ms", [seen.p99 for seen in ours], [seen.p99 for seen in floor], at_most=_AIM),
    ]


@asynccontextmanager
async def _floors(on: Rig, url: str) -> AsyncIterator[Program]:
    async with (
        programs.floor_of_delivery(on.folder, on.server.url, url),
        programs.floor_of_ingress(on.folder, on.server.url) as bare,
    ):
        yield bare


async def _round(on: Rig, program: Program, sink: Program, scale: Scale) -> Seen:
    await _posted(on, program, _WARM_SECONDS)
    await reset(sink)
    acknowledged = await _posted(on, program, scale.steady_seconds)
    seen = await seen_by(sink)
    if seen.different != acknowledged:
        raise WrongError(f"{program.name}: {seen.different} events of {acknowledged} were delivered")
    return seen


async def _posted(on: Rig, program: Program, seconds: float) -> int:
    await on.empty()
    seen = load.Seen(**await programs.load("steady", program.port, rate=RATE, seconds=seconds))
    await check(on, program.name, seen)
    await on.drained()
    return seen.acknowledged
