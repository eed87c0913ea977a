"""Queries: a page of what came last, the subjects, an hour by a filter, while the stream grows a hundred times."""

from __future__ import annotations

import time
from typing import Any, Final

import aiohttp

from tests.bench import events
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale

SIZES: Final = (10_000, 100_000, 1_000_000)  # events in the stream, a quick run: of the first two
_SUBJECTS: Final = 100_000
_NAMESPACES: Final = 100
_FRESH: Final = 5_000  # events that are asked for as those of the last minute
_TIMES: Final = 20
_ALL: Final = "ops.>"
_ONE: Final = "ops.clusters.*.namespaces.ns-7.>"  # a namespace: one event of a hundred
_PODS: Final = "ops.clusters.*.namespaces.*.pods.*.events"

Parameters = dict[str, str | int]


async def measure(scale: Scale) -> list[Figure]:
    """One stream that grows; each figure is of 20 requests over HTTP, one after the other."""
    figures: list[Figure] = []
    stored = 0
    async with rig() as on, app_on(on, ROLES="ingress") as app, aiohttp.ClientSession() as http:
        for size in SIZES if scale.rounds > 1 else SIZES[:2]:
            await _store(on, stored, size - _FRESH)
            fresh = int(time.time() * 1000)
            await _store(on, size - _FRESH, size)
            stored = size
            figures += await _figures(_Asker(http, app), size, fresh)
    return figures


async def _figures(ask: _Asker, size: int, fresh: int) -> list[Figure]:
    first = [await ask.took("", {})]  # before anything else: nobody has asked since the last event came
    recent: Parameters = {"start_time": fresh}
    hour: Parameters = {"start_time": fresh - 3_600_000}
    middle: Parameters = {**hour, "page": size // 20}
    text: Parameters = {**hour, "search": "no such text"}
    return [
        Figure(f"{size:,} events: last minute", "ms", await _times(ask, _ALL, recent), at_most=100),
        Figure(f"{size:,}: its 400th page", "ms", await _times(ask, _ALL, {**recent, "page": 400})),
        Figure(f"{size:,}: of a namespace", "ms", await _times(ask, _ONE, recent), at_most=100),
        Figure(f"{size:,}: an hour of pods", "ms", await _times(ask, _PODS, hour), at_most=2_000),
        Figure(f"{size:,}: its middle page", "ms", await _times(ask, _PODS, middle), at_most=2_000),
        Figure(f"{size:,}: a text, in 2 s at most", "ms", await _times(ask, _PODS, text, 3)),
        Figure(f"{size:,}: subjects, first page", "ms", first, at_most=300),
        Figure(f"{size:,}: subjects with a text", "ms", [await ask.took("", {"search": "pod-7."})]),
    ]


async def _times(ask: _Asker, pattern: str, parameters: Parameters, times: int = _TIMES) -> list[float]:
    return [await ask.took(f"/{pattern}", parameters) for _ in range(times)]


class _Asker:
    """Asks the app, one question after the other."""

    def __init__(self, http: aiohttp.ClientSession, app: Program) -> None:
        self._http = http
        self._url = f"http://127.0.0.1:{app.port}/api/v1/events"

    async def took(self, path: str, parameters: Parameters) -> float:
        """Milliseconds until the answer was here.

        Raises:
            WrongError: it is none, or holds nothing where it should.
        """
        start = time.perf_counter()
        async with self._http.get(self._url + path, params=parameters) as response:
            answer: dict[str, Any] = await response.json()
        took = (time.perf_counter() - start) * 1000
        if response.status != 200 or not (answer["data"]["list"] or "search" in parameters):
            raise WrongError(f"{path} {parameters}: {response.status} {answer['message']}")
        return took


async def _store(on: Rig, first: int, end: int) -> None:
    stream = on.client.jetstream(publish_async_max_pending=4000)
    payload = events.message("query", 0).payload
    for number in range(first, end):
        await stream.publish_async(_subject(number), payload, headers={"Nats-Msg-Id": f"q{number}"})
    await stream.publish_async_completed()
    if (kept := await on.kept()) != end:
        raise WrongError(f"the stream holds {kept} events of {end} that were stored")


def _subject(number: int) -> str:
    place = number % _SUBJECTS
    return f"ops.clusters.default.namespaces.ns-{place % _NAMESPACES}.pods.pod-{place // _NAMESPACES}.events"
