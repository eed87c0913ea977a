"""Posts that are acknowledged, a second, over 64 connections."""

from __future__ import annotations

from tests.bench import load, programs
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale


async def measure(scale: Scale) -> list[Figure]:
    """The front door alone, as the floor is; and everything in one process, where the matcher reads what comes in."""
    alone: list[float] = []
    together: list[float] = []
    floor: list[float] = []
    async with (
        rig() as below,
        rig() as beside,
        rig() as above,
        programs.floor_of_ingress(below.folder, below.server.url) as bare,
        app_on(beside, ROLES="ingress") as door,
        app_on(above) as app,
    ):
        for _ in range(scale.rounds):
            floor.append(await round_of(below, bare, scale))
            alone.append(await round_of(beside, door, scale))
            together.append(await round_of(above, app, scale))
            await above.drained()
    return [
        Figure("ingress", "posts/s", alone, floor, at_least=0.8),
        Figure("ingress, all roles", "posts/s", together, floor),
    ]


async def round_of(on: Rig, program: Program, scale: Scale) -> float:
    """Posts a second that were acknowledged, onto an empty stream."""
    await on.empty()
    seen = load.Seen(**await programs.load("flood", program.port, count=scale.events, warm=scale.warm))
    await check(on, program.name, seen)
    return scale.events / seen.seconds


async def check(on: Rig, name: str, seen: load.Seen) -> None:
    """Every answer was 200, and the stream holds as many events.

    Raises:
        WrongError: not so.
    """
    kept = await on.kept()
    if seen.others or kept != seen.acknowledged:
        raise WrongError(f"{name}: {seen.acknowledged} posts acknowledged, {kept} kept, other answers {seen.others}")
