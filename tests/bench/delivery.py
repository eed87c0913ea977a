"""Stream, match, webhook, ack: events a second, of a backlog."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tests.bench import hooks, programs
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, reset, rig, seen_by
from tests.bench.scale import Scale

Start = Callable[[Rig], AbstractAsyncContextManager[Program]]


async def measure(scale: Scale) -> list[Figure]:
    ours: list[float] = []
    floor: list[float] = []
    async with rig() as below, rig() as above, programs.sink(above.folder) as sink:
        url = f"http://127.0.0.1:{sink.port}/"
        async with app_on(above) as app:
            await hooks.create(app, [hooks.that_wants_all(url)])
        for number in range(scale.rounds):
            bare = _bare(url)
            floor.append(await _round(below, sink, bare, f"floor-{number}", scale.events))
            ours.append(await _round(above, sink, app_on, f"ours-{number}", scale.events))
    return [Figure("delivery", "events/s", ours, floor, at_least=0.75)]


def _bare(url: str) -> Start:
    return lambda on: programs.floor_of_delivery(on.folder, on.server.url, url)


async def _round(on: Rig, sink: Program, start: Start, run: str, count: int) -> float:
    """From the first delivery to the last ack; the start of the program is not in it."""
    await on.empty()
    await on.fill(run, count)
    await reset(sink)
    async with start(on):
        end = await on.drained()
    seen = await seen_by(sink)
    if seen.different != count:
        raise WrongError(f"{run}: {seen.different} events of {count} were delivered")
    if seen.received != count:
        print(f"  ! {run}: {seen.received - count} deliveries were repeats")
    return count / (end - seen.first)
