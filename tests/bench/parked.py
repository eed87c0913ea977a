"""A thousand hooks whose endpoints are down, each with an event that waits: what the process does meanwhile."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from streams.subjects import PARKED
from tests.bench import events, hooks, programs
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import ready, rig
from tests.bench.scale import Scale
from tests.servers import free_port

HOOKS: Final = 1000
_SETTLE_SECONDS: Final = 15.0  # until every breaker is open
_AIM: Final = 5.0  # percent of a core


async def measure(scale: Scale) -> list[Figure]:
    down = f"http://127.0.0.1:{free_port()}/"
    async with rig() as on, programs.app(on.folder, on.server.url) as app:
        namespace = f"ops.clusters.default.namespaces.{events.NAMESPACE}"
        wanted = [hooks.that_wants(f"{namespace}.targets.t{n}.alerts", down, f"t{n}") for n in range(HOOKS)]
        await ready(app)
        await hooks.create(app, wanted)
        stream = on.client.jetstream()
        for number in range(HOOKS):
            await stream.publish(f"{namespace}.targets.t{number}.alerts", events.message("parked", number).payload)
        await on.drained()
        await asyncio.sleep(_SETTLE_SECONDS)
        if (kept := (await stream.stream_info(PARKED)).state.messages) < HOOKS:
            raise WrongError(f"{kept} events of {HOOKS} are parked")
        busy = [await _busy(app, scale.steady_seconds) for _ in range(scale.rounds)]
        await stream.purge_stream(PARKED)
    return [Figure("1,000 that wait, CPU", "% of a core", busy, at_most=_AIM)]


async def _busy(app: Program, seconds: float) -> float:
    before, start = app.cpu(), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (app.cpu() - before) / (time.monotonic() - start)
