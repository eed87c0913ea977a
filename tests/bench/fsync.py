"""Events that are acknowledged, a second, by how often the server syncs its files; floor: one server, as it comes.

One at a time is what a lone source does, 64 at once what ingress does, and batches what `POST /api/v1/events` and the
watches do. Published without HTTP, so that the disk is what differs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import nats
from nats.aio.client import Client

from app.jetstream.batch import publish_all
from app.jetstream.publish import JetStreamPublisher, Stored
from streams import live
from streams.subjects import OPS
from tests.bench import events
from tests.bench.programs import WrongError
from tests.bench.report import Figure
from tests.bench.scale import Scale
from tests.cluster import running_cluster
from tests.servers import running_nats

_CHOICES: Final = ("2m", "1s", "always")  # the first is the server's default
_SERVERS: Final = (1, 3)
_SECONDS: Final = 2.0  # of a round of one way of publishing
_AT_ONCE: Final = 64

Publishing = Callable[["Place"], Awaitable[int]]


@dataclass
class Place:
    """Where events are stored, and what has been sent there."""

    client: Client
    publisher: JetStreamPublisher
    stored: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def message(self) -> events.Message:
        return events.message("fsync", next(self.numbers))


async def measure(scale: Scale) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ops-bench-") as name:
        async with _place(Path(name) / "floor", 1, _CHOICES[0]) as floor:
            for servers, choice in itertools.product(_SERVERS, _CHOICES):
                async with _place(Path(name) / f"{servers}-{choice}", servers, choice) as ours:
                    title = f"R{servers}, sync_interval {choice}"
                    figures += [await _figure(title, how, ours, floor, scale.rounds) for how in _WAYS]
    return figures


async def _figure(title: str, how: str, ours: Place, floor: Place, rounds: int) -> Figure:
    pairs = [(await _round(ours, _WAYS[how]), await _round(floor, _WAYS[how])) for _ in range(rounds)]
    return Figure(f"{title}, {how}", "events/s", [ours for ours, _ in pairs], [least for _, least in pairs])


async def _round(place: Place, publish: Publishing) -> float:
    begin, sent = time.monotonic(), 0
    while (seconds := time.monotonic() - begin) < _SECONDS:
        sent += await publish(place)
    place.stored += sent
    kept = (await place.client.jetstream(timeout=30).stream_info(OPS)).state.messages
    if kept != place.stored:
        raise WrongError(f"{place.stored} events acknowledged, {kept} kept")
    return sent / seconds


async def _one(place: Place) -> int:
    message = place.message()
    await place.publisher(message.subject, message.payload, message.headers)
    return 1


async def _many(place: Place) -> int:
    await asyncio.gather(*(_one(place) for _ in range(_AT_ONCE)))
    return _AT_ONCE


async def _batch(place: Place) -> int:
    outcomes = await publish_all(place.publisher, [place.message() for _ in range(events.BATCH)])
    if not all(isinstance(outcome, Stored) for outcome in outcomes):
        raise WrongError("a batch was not stored whole")
    return len(outcomes)


_WAYS: Final[dict[str, Publishing]] = {
    "one at a time": _one,
    f"{_AT_ONCE} at once": _many,
    f"batches of {events.BATCH}": _batch,
}


@contextlib.asynccontextmanager
async def _place(folder: Path, servers: int, choice: str) -> AsyncIterator[Place]:
    options = ("--config", _configuration(folder, choice))
    serving = running_cluster(folder, *options, size=servers) if servers > 1 else running_nats(folder, *options)
    async with serving as server:
        client = await nats.connect(server.url.split(","))
        assert await live.provision(client.jetstream(timeout=30), servers) == ()
        publisher = JetStreamPublisher()
        await publisher.listen(client)
        yield Place(client, publisher)
        await client.close()


def _configuration(folder: Path, choice: str) -> str:
    folder.mkdir()
    path = folder / "nats-server.conf"
    path.write_text(f"jetstream {{ sync_interval: {choice} }}\n")
    return str(path)
