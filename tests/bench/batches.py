"""Events that are acknowledged, a second: batches over 4 connections, against a post for each of them over 64."""

from __future__ import annotations

from tests.bench import ingress, load, programs
from tests.bench.events import BATCH
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale


async def measure(scale: Scale) -> list[Figure]:
    """The front door alone, on a NATS of its own for either."""
    batches: list[float] = []
    single: list[float] = []
    async with (
        rig() as below,
        rig() as above,
        app_on(below, ROLES="ingress") as bare,
        app_on(above, ROLES="ingress") as app,
    ):
        for _ in range(scale.rounds):
            single.append(await ingress.round_of(below, bare, scale))
            batches.append(await _round(above, app, scale))
    return [Figure(f"ingress, batches of {BATCH}", "events/s", batches, single, at_least=3)]


async def _round(on: Rig, program: Program, scale: Scale) -> float:
    await on.empty()
    seen = load.Seen(**await programs.load("batches", program.port, count=scale.events, warm=scale.warm))
    kept = await on.kept()
    if seen.others or kept != seen.acknowledged * BATCH:
        raise WrongError(f"{seen.acknowledged} batches acknowledged, {kept} events kept, other answers {seen.others}")
    return scale.events / seen.seconds
