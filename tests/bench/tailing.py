"""Tails: from a post to each of 50 readers at 500 events a second, what that costs, and what 500 idle ones do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from tests.bench import load, programs
from tests.bench.ingress import check
from tests.bench.programs import Program, WrongError
from tests.bench.readers import Seen
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale
from tests.servers import free_port

RATE: Final = 500.0
READERS: Final = 50
_IDLE: Final = 500
_AIM: Final = 50.0  # milliseconds
_WARM_SECONDS: Final = 1.0
_WAIT_SECONDS: Final = 30.0


async def measure(scale: Scale) -> list[Figure]:
    """The front door alone, with and without readers: what they cost is the difference."""
    seen: list[Seen] = []
    with_readers: list[float] = []
    without: list[float] = []
    async with rig() as on, app_on(on, ROLES="ingress") as app:
        await _posted(on, app, _WARM_SECONDS)
        before = app.resident()
        async with _readers(on, app, _IDLE):
            idle = app.resident() - before
        for _ in range(scale.rounds):
            without.append((await _posted(on, app, scale.steady_seconds))[1])
            one, share = await _round(on, app, scale)
            seen.append(one)
            with_readers.append(share)
    return [
        Figure("tail p50", "ms", [one.p50 for one in seen]),
        Figure("tail p99", "ms", [one.p99 for one in seen], at_most=_AIM),
        Figure("tail, 50 readers", "% of a core", with_readers, without),
        Figure("memory, 500 idle tails", "MiB", [idle]),
    ]


async def _round(on: Rig, app: Program, scale: Scale) -> tuple[Seen, float]:
    async with _readers(on, app, READERS) as readers:
        await _posted(on, app, _WARM_SECONDS)
        await _asked(readers, "/reset")
        posted, share = await _posted(on, app, scale.steady_seconds)
        seen = await _until(readers, received=posted * READERS)
        if seen.received != posted * READERS or seen.ended:
            raise WrongError(f"{seen.received} events of {posted} came to {READERS} readers; {seen.ended} ended")
    return seen, share


async def _posted(on: Rig, app: Program, seconds: float) -> tuple[int, float]:
    """Post at the rate; how many were acknowledged, and the app's share of a core meanwhile in percent."""
    await on.empty()
    used = app.cpu()
    seen = load.Seen(**await programs.load("steady", app.port, rate=RATE, seconds=seconds))
    share = (app.cpu() - used) / seconds * 100
    await check(on, app.name, seen)
    return seen.acknowledged, share


@asynccontextmanager
async def _readers(on: Rig, app: Program, number: int) -> AsyncIterator[Program]:
    port = free_port()
    arguments = ("-m", "tests.bench.readers", str(port), str(app.port), str(number))
    async with programs.running("readers", on.folder, *arguments, port=port) as readers:
        await _until(readers, readers=number)
        yield readers


async def _until(program: Program, **wanted: int) -> Seen:
    """What the readers have seen, as soon as it is what is wanted, or after a while."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while True:
            seen = Seen(**await _asked(program, "/seen"))
            if all(getattr(seen, name) >= number for name, number in wanted.items()):
                return seen
            await asyncio.sleep(0.1)


async def _asked(readers: Program, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{readers.port}{path}") as answer:
        return await answer.json(content_type=None) if await answer.read() else {}
