"""The client that posts events, a process of its own: `flood` as fast as 64 connections take it, `steady` at a rate.

`batches` is the same flood in batches of 500 over a few connections.

python -m tests.bench.load flood|steady|batches --port PORT …; prints what it saw as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import uvloop

from tests.bench.connection import Connection, batch, connect, request
from tests.bench.events import BATCH

CONNECTIONS: Final = 64
_WITH_BATCHES: Final = 4  # connections
_GIVE_UP: Final = 120.0  # seconds for the whole of a load


@dataclass(frozen=True, slots=True)
class Seen:
    """What the client saw."""

    statuses: dict[str, int]
    seconds: float

    @property
    def acknowledged(self) -> int:
        return self.statuses.get("200", 0)

    @property
    def others(self) -> dict[str, int]:
        """Answers that are no 200."""
        return {status: count for status, count in self.statuses.items() if status != "200"}


class Flood:
    """Each connection sends its next request when it has the answer to the last."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.statuses: Counter[str] = Counter()
        self._requests = iter(requests)
        self._open = len(requests)
        self._done = asyncio.Event()

    async def run(self, connections: Sequence[Connection]) -> None:
        if self._open == 0:
            return
        for connection in connections:
            connection.answered = self._answered
            self._next(connection)
        await self._done.wait()

    def _answered(self, connection: Connection, status: int) -> None:
        self.statuses[str(status)] += 1
        self._open -= 1
        if self._open == 0 or status == 0:
            self._done.set()
        else:
            self._next(connection)

    def _next(self, connection: Connection) -> None:
        if waiting := next(self._requests, None):
            connection.send(waiting)


class Steady:
    """Sends when a request is due, whatever became of the ones before."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.statuses: Counter[str] = Counter()
        self._idle = deque(connections)
        self._late: deque[bytes] = deque()
        self._open = 0
        self._done = asyncio.Event()
        for connection in connections:
            connection.answered = self._answered

    async def run(self, rate: float, seconds: float) -> None:
        self._open = round(rate * seconds)
        for tick in _paced(self._open, rate):
            await asyncio.sleep(max(0, tick.due - time.monotonic()))
            self._send(request(tick.index, time.monotonic_ns()))
        await self._done.wait()

    def _send(self, due: bytes) -> None:
        if self._idle:
            self._idle.popleft().send(due)
        else:
            self._late.append(due)

    def _answered(self, connection: Connection, status: int) -> None:
        self.statuses[str(status)] += 1
        self._open -= 1
        if self._open == 0 or status == 0:
            self._done.set()
        elif self._late:
            connection.send(self._late.popleft())
        else:
            self._idle.append(connection)


@dataclass(frozen=True, slots=True)
class _Tick:
    index: int
    due: float


def _paced(count: int, rate: float) -> Iterator[_Tick]:
    start = time.monotonic()
    return (_Tick(index, start + index / rate) for index in range(count))


async def flood(port: int, count: int, warm: int) -> Seen:
    """Post `warm` events to warm up, then `count` against the clock."""
    return await _flooded(port, CONNECTIONS, [request(n) for n in range(warm + count)], warm)


async def batches(port: int, count: int, warm: int) -> Seen:
    """The same in batches; `count` and `warm` are whole numbers of them in events."""
    run = uuid.uuid4().hex
    given = [batch(run, first) for first in range(0, warm + count, BATCH)]
    return await _flooded(port, _WITH_BATCHES, given, warm // BATCH)


async def _flooded(port: int, number: int, requests: Sequence[bytes], warm: int) -> Seen:
    connections = await connect(port, number)
    before, after = Flood(requests[:warm]), Flood(requests[warm:])
    await before.run(connections)
    start = time.monotonic()
    await after.run(connections)
    seconds = time.monotonic() - start
    return Seen(dict(before.statuses + after.statuses), seconds)


async def steady(port: int, rate: float, seconds: float) -> Seen:
    """Post events at a rate, each with the time in its body."""
    load = Steady(await connect(port, CONNECTIONS))
    start = time.monotonic()
    await load.run(rate, seconds)
    return Seen(dict(load.statuses), time.monotonic() - start)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["flood", "steady", "batches"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--warm", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    given = parser.parse_args()
    async with asyncio.timeout(_GIVE_UP):
        if given.kind == "flood":
            seen = await flood(given.port, given.count, given.warm)
        elif given.kind == "batches":
            seen = await batches(given.port, given.count, given.warm)
        else:
            seen = await steady(given.port, given.rate, given.seconds)
    print(json.dumps(asdict(seen)))


if __name__ == "__main__":
    uvloop.run(main())
