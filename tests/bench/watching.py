"""A watch of Kubernetes: how fast it publishes what is there at first, and how it keeps up with what happens then."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import aiohttp
from nats.aio.msg import Msg

from tests.bench import events, programs
from tests.bench.apiserver import Seen
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, rig
from tests.bench.scale import Scale
from tests.bench.stored import stored

RATE: Final = 1000  # updates a second

_CONTROLLERS: Final = 8  # events that tell that a watch is ready
_DEADLINE: Final = 30.0
_UNPACED: Final = 1.05  # times as long as it should: the API server was held up itself


@dataclass(frozen=True, slots=True)
class _Observation:
    """An event on the stream. Times are Unix seconds."""

    number: int
    sent: float
    stored: float


@dataclass(frozen=True, slots=True)
class _Round:
    listed: float  # events a second, of the initial list
    floor: float  # events a second
    share: float  # of a core, in percent, at `RATE`
    p99: float  # milliseconds from update to stream
    behind: float  # seconds from the last update until all were stored
    peak: float  # MiB


async def measure(scale: Scale) -> list[Figure]:
    """A first start before a cluster that is full of fresh events, and then updates at a rate."""
    rounds = [await _round(scale) for _ in range(scale.rounds)]
    at_rate = f"watching, {RATE:,} updates/s"
    return [
        Figure(
            *("watching, initial list", "events/s"),
            [one.listed for one in rounds],
            [one.floor for one in rounds],
            at_least=0.5,
        ),
        Figure(f"{at_rate}, CPU", "% of a core", [one.share for one in rounds], at_most=100),
        Figure(f"{at_rate}, p99", "ms", [one.p99 for one in rounds]),
        Figure(f"{at_rate}, behind", "s", [one.behind for one in rounds], at_most=1),
        Figure("watching, peak memory", "MiB", [one.peak for one in rounds], at_most=250),
    ]


async def _round(scale: Scale) -> _Round:
    """Servers of its own: what is on the stream, and how far it says that a watch has come, makes no first start."""
    count, updates = scale.events, scale.events // 2
    async with rig() as below, rig() as above, programs.apiserver(above.folder, count) as cluster:
        config = _kubeconfig(above.folder, cluster)
        settings = {"ROLES": "watch", "KUBECONFIG": str(config)}
        async with programs.app(above.folder, above.server.url, **settings) as app:
            await _published(above, app, count)
            listed = _rate(await _seen(cluster), await _observations(above, count))
            floor = await _floor(below, above, count)
            share = await _observe(above, app, cluster, count, updates)
            behind, p99 = _kept_up(await _seen(cluster), (await _observations(above, count, updates))[count:])
            peak = app.resident("VmHWM")
        _show(app)
    return _Round(listed, floor, share, p99, behind, peak)


def _rate(seen: Seen, observations: Sequence[_Observation]) -> float:
    """From the first request for a page to the last event on the stream."""
    return len(observations) / (max(one.stored for one in observations) - seen.listed)


async def _floor(on: Rig, above: Rig, count: int) -> float:
    seconds = await programs.floor_of_watching(above.server.url, on.server.url)
    if (kept := await on.kept()) != count:
        raise WrongError(f"the floor stored {kept} events of {count}")
    return count / seconds


async def _observe(on: Rig, app: Program, cluster: Program, count: int, updates: int) -> float:
    """Have events updated, and wait until that is published; returns the share of a core that it took, in percent."""
    before = app.cpu()
    await _asked(cluster, f"/observe?count={updates}&rate={RATE}")
    await _published(on, app, count + updates)
    return 100 * (app.cpu() - before) * RATE / updates


def _kept_up(seen: Seen, observations: Sequence[_Observation]) -> tuple[float, float]:
    """Seconds from the last update until all were stored, and the p99 of the milliseconds that each took."""
    if (taken := seen.last - seen.first) > _UNPACED * len(observations) / RATE:
        print(f"  ! the API server sent {len(observations) / taken:.0f} updates a second only")
    waited = [(one.stored - one.sent) * 1000 for one in observations]
    return max(one.stored for one in observations) - seen.last, quantiles(waited, n=100)[98]


async def _published(on: Rig, app: Program, count: int) -> None:
    """Wait until the stream holds so many events."""
    start = time.monotonic()
    while (kept := await on.kept() - _CONTROLLERS) < count:
        if time.monotonic() - start > _DEADLINE:
            log = app.log.read_text()[-2000:]
            raise WrongError(f"{kept} events of {count} were published within {_DEADLINE:.0f} s; the app's log: {log}")
        await asyncio.sleep(0.1)


async def _observations(on: Rig, listed: int, updates: int = 0) -> list[_Observation]:
    """What is on the stream, by number: the events that were listed at first, then the updates.

    Raises:
        WrongError: it is not each of so many once, or the updates of one are not in their order.
    """
    found = [_observation(message) for message in await stored(on.client)]
    by_number = sorted(found, key=lambda one: one.number)
    if [one.number for one in by_number] != list(range(listed + updates)):
        missing = listed + updates - len({one.number for one in found})
        raise WrongError(f"the stream holds {len(found)} events of {listed + updates}, {missing} are missing")
    if late := next(_late(one.number for one in found if one.number >= listed), None):
        raise WrongError(f"update {late} lies behind a later one of the same event")
    return by_number


def _late(updates: Iterable[int]) -> Iterator[int]:
    """Updates that come behind a later one of the same event."""
    last: dict[int, int] = {}
    for number in updates:
        if last.get(number % events.OBJECTS, number) > number:
            yield number
        last[number % events.OBJECTS] = number


def _observation(message: Msg) -> _Observation:
    number, sent = events.read_mark(message.data)
    return _Observation(number, sent / 1e9, message.metadata.timestamp.timestamp())


def _kubeconfig(folder: Path, cluster: Program) -> Path:
    """Where the API is, as kubectl keeps it; JSON is YAML too."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{cluster.port}"}}],
        "users": [{"name": "bench", "user": {"token": "bench"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    return path


def _show(app: Program) -> None:
    """What it wrote to its log: normal operation writes nothing."""
    if written := app.log.read_text():
        print(f"  ! the app's log:\n{written[-3000:]}")


async def _seen(cluster: Program) -> Seen:
    return Seen(**await _asked(cluster, "/seen"))


async def _asked(cluster: Program, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{cluster.port}{path}") as answer:
        document: dict[str, Any] = await answer.json()
        return document
