"""What metrics and traces cost the ingress: posts a second with them, beside the same app without (`blind.py`)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, NamedTuple

from aiohttp import web

from tests.bench.ingress import round_of
from tests.bench.programs import Program
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale
from tests.servers import free_port

_BLIND: Final = "blind"
_NONE: Final = "0"
_AIMED: Final = 0.01
_RATIOS: Final = (_NONE, "0.01", "0.1", "1")  # of traces that are recorded; a busy door records one in a hundred
_WITHIN: Final = 0.1  # aim: what metrics, and traces of one in a hundred, may cost
_ROUNDS: Final = 2  # of each kind in a round of the bench: the difference is small


class _Measured(NamedTuple):
    """One round of one door."""

    posts: float  # a second
    cpu: float  # microseconds of processor time for each post, of all threads


async def measure(scale: Scale) -> list[Figure]:
    """The front door alone, each way after the other in every round.

    On a machine that others use too, processor time tells more than posts a second do.
    """
    seen: dict[str, list[_Measured]] = {way: [] for way in (_BLIND, *_RATIOS)}
    async with rig() as on, _collector() as port, contextlib.AsyncExitStack() as running:
        doors = {
            way: await running.enter_async_context(app_on(on, _application(way), ROLES="ingress", **_traced(port, way)))
            for way in seen
        }
        for turn in range(scale.rounds * _ROUNDS):
            for way in _rotated([*doors], turn):  # what one leaves behind does not always burden the same next one
                seen[way].append(await _round(on, doors[way], scale))
    return [figure for ratio in _RATIOS for figure in _figures(ratio, seen[ratio], seen[_BLIND])]


def _application(way: str) -> str:
    return "tests.bench.blind:app" if way == _BLIND else "app.main:app"


def _rotated(ways: list[str], turn: int) -> list[str]:
    return ways[turn % len(ways) :] + ways[: turn % len(ways)]


async def _round(on: Rig, door: Program, scale: Scale) -> _Measured:
    before = door.cpu()
    posts = await round_of(on, door, scale)
    return _Measured(posts, (door.cpu() - before) / (scale.events + scale.warm) * 1e6)


def _figures(ratio: str, seen: list[_Measured], blind: list[_Measured]) -> Iterator[Figure]:
    name = "eyes: metrics" if ratio == _NONE else f"eyes: metrics, traces of {float(ratio):.0%}"
    has_aim = float(ratio) <= _AIMED
    posts, cpu = ([getattr(one, field) for one in seen] for field in _Measured._fields)
    floor_posts, floor_cpu = ([getattr(one, field) for one in blind] for field in _Measured._fields)
    yield Figure(name, "posts/s", posts, floor_posts, at_least=1 - _WITHIN if has_aim else None)
    yield Figure(f"{name}, CPU", "µs/post", cpu, floor_cpu, no_more_than=1 + _WITHIN if has_aim else None)


def _traced(port: int, ratio: str) -> Mapping[str, str]:
    if ratio in {_BLIND, _NONE}:
        return {}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": ratio,
    }


@contextlib.asynccontextmanager
async def _collector() -> AsyncIterator[int]:
    """Takes traces, and looks at none of them."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(content_type="application/x-protobuf")

    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/v1/traces", take)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()
