"""An endpoint that was down is back: how soon, and how fast, what was kept for it is delivered."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from streams.subjects import PARKED
from tests.bench import hooks, programs
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, ready, reset, rig, seen_by
from tests.bench.scale import Scale
from tests.servers import free_port

_DEADLINE: Final = 60.0
_DOWN_SECONDS: Final = 8.0  # long enough for probes to have slowed down as far as they do


async def measure(scale: Scale) -> list[Figure]:
    """The rate of a backlog that was parked, beside that of one which was not; and the time to the first delivery."""
    direct: list[float] = []
    drained: list[float] = []
    returned: list[float] = []
    count = scale.events // 2
    port = free_port()
    async with rig() as on:
        async with app_on(on) as app:
            await hooks.create(app, [hooks.that_wants_all(f"http://127.0.0.1:{port}/")])
        for number in range(scale.rounds):
            direct.append(await _direct(on, port, f"direct-{number}", count))
            rate, back = await _parked(on, port, f"parked-{number}", count)
            drained.append(rate)
            returned.append(back)
    return [
        Figure("drain", "events/s", drained, direct, at_least=0.8),
        Figure("back to first delivery", "s", returned, at_most=5.0),
    ]


async def _direct(on: Rig, port: int, run: str, count: int) -> float:
    await on.empty()
    await on.fill(run, count)
    async with programs.sink(on.folder, port) as sink:
        await reset(sink)
        async with app_on(on):
            return await _rate(sink, run, count)


async def _parked(on: Rig, port: int, run: str, count: int) -> tuple[float, float]:
    await on.empty()
    await on.fill(run, count)
    async with programs.app(on.folder, on.server.url) as app:  # it says in its log that the endpoint is down
        await ready(app)
        await on.drained()
        if (kept := (await on.client.jetstream().stream_info(PARKED)).state.messages) < count:
            raise WrongError(f"{run}: {kept} events of {count} are parked")
        await asyncio.sleep(_DOWN_SECONDS)
        async with programs.sink(on.folder, port) as sink:
            back = time.monotonic()
            rate = await _rate(sink, run, count)
            first = (await seen_by(sink)).first
    app.log.write_text("")
    await on.client.jetstream().purge_stream(PARKED)
    return rate, first - back


async def _rate(sink: Program, run: str, count: int) -> float:
    """From the first delivery to the last."""
    start = time.monotonic()
    while (seen := await seen_by(sink)).different < count:
        if time.monotonic() - start > _DEADLINE:
            raise WrongError(f"{run}: {seen.different} events of {count} were delivered")
        await asyncio.sleep(0.1)
    if seen.received != count:
        print(f"  ! {run}: {seen.received - count} deliveries were repeats")
    return count / (seen.last - seen.first)
