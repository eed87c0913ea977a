"""The app's resident memory: idle, and the most while events are posted and delivered as fast as it goes."""

from __future__ import annotations

import asyncio

from tests.bench import hooks, load, programs
from tests.bench.ingress import check
from tests.bench.programs import WrongError
from tests.bench.report import Figure
from tests.bench.rig import app_on, rig, seen_by
from tests.bench.scale import Scale


async def measure(scale: Scale) -> list[Figure]:
    async with rig() as on, programs.sink(on.folder) as sink, app_on(on) as app:
        await asyncio.sleep(1)
        idle = app.resident()
        await hooks.create(app, [hooks.that_wants_all(f"http://127.0.0.1:{sink.port}/")])
        seen = load.Seen(**await programs.load("flood", app.port, count=scale.events))
        await check(on, app.name, seen)
        await on.drained()
        delivered = (await seen_by(sink)).different
        if delivered != seen.acknowledged:
            raise WrongError(f"{delivered} events of {seen.acknowledged} were delivered")
        return [
            Figure("memory, idle", "MiB", [idle], at_most=150),
            Figure("memory, peak", "MiB", [app.resident("VmHWM")]),
        ]
