"""A hundred hooks on one stream of events, and one endpoint that hangs: whether the others notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.bench import hooks, load, programs
from tests.bench.ingress import check
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, ready, reset, rig, seen_by
from tests.bench.scale import Scale
from tests.servers import free_port

HOOKS: Final = 100
RATE: Final = 20.0  # events a second, each to all of them
_NOT_MORE: Final = 1.2  # of the time without it


async def measure(scale: Scale) -> list[Figure]:
    alone: list[float] = []
    beside: list[float] = []
    async with (
        rig() as calm,
        rig() as troubled,
        programs.sink(calm.folder) as sink,
        _hanging() as url,
        app_on(calm) as one,
        programs.app(troubled.folder, troubled.server.url) as other,
    ):
        await ready(other)
        await hooks.create(one, _working(sink, HOOKS))
        await hooks.create(other, [*_working(sink, HOOKS - 1), hooks.that_wants_all(url, "hangs")])
        for _ in range(scale.rounds):
            alone.append(await _p99(calm, one, sink, scale.steady_seconds, HOOKS))
            beside.append(await _p99(troubled, other, sink, scale.steady_seconds, HOOKS - 1))
    return [Figure("p99 beside one that hangs", "ms", beside, alone, no_more_than=_NOT_MORE)]


def _working(sink: Program, count: int) -> list[hooks.Hook]:
    return [hooks.that_wants_all(f"http://127.0.0.1:{sink.port}/{number}", f"h{number}") for number in range(count)]


@asynccontextmanager
async def _hanging() -> AsyncIterator[str]:
    """An endpoint that takes connections and never answers."""
    port = free_port()
    released = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        released.set()
        server.close()


async def _p99(on: Rig, app: Program, sink: Program, seconds: float, deliveries: int) -> float:
    await reset(sink)
    seen = load.Seen(**await programs.load("steady", app.port, rate=RATE, seconds=seconds))
    await check(on, app.name, seen)
    await on.drained()
    arrived = await seen_by(sink)
    if arrived.different != seen.acknowledged * deliveries:
        raise WrongError(f"{arrived.different} of {seen.acknowledged * deliveries} deliveries arrived")
    await on.empty()
    return arrived.p99
