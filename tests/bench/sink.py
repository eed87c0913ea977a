"""The receiver of webhooks, a process of its own: answers 200 to everything and counts what came.

python -m tests.bench.sink PORT; `GET /seen` tells what came since the last `GET /reset`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from statistics import quantiles
from typing import Any

import uvloop

from tests.bench import events
from tests.bench.connection import HEAD_END, whole


@dataclass(frozen=True, slots=True)
class Seen:
    """What came to the sink. Times are the monotonic clock's, which all processes of a machine share."""

    received: int
    different: int  # events, each counted once for each path that it came to
    first: float  # seconds
    last: float
    p50: float  # milliseconds from post to first byte
    p99: float


@dataclass(slots=True)
class Counted:
    received: int = 0
    first: int = 0
    last: int = 0
    latencies: dict[tuple[bytes, int], int] = field(default_factory=dict)  # by path and number, nanoseconds

    def add(self, path: bytes, body: bytes, began: int) -> None:
        number, sent = events.read_mark(body)
        self.received += 1
        self.first = self.first or began
        self.last = began
        self.latencies[path, number] = began - sent

    def seen(self) -> Seen:
        cuts = quantiles(self.latencies.values(), n=100) if self.received > 1 else [0.0] * 99
        return Seen(
            self.received, len(self.latencies), self.first / 1e9, self.last / 1e9, cuts[49] / 1e6, cuts[98] / 1e6
        )


class Sink(asyncio.Protocol):
    """One connection."""

    counted = Counted()

    def __init__(self) -> None:
        self._transport: Any = None
        self._received = b""
        self._began = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._received:
            self._began = time.monotonic_ns()
        self._received += data
        while (length := whole(self._received)) is not None:
            request, self._received = self._received[:length], self._received[length:]
            self._transport.write(_answer(self._take(request)))

    def _take(self, request: bytes) -> bytes:
        if request.startswith(b"GET /seen "):
            return json.dumps(asdict(Sink.counted.seen())).encode()
        if request.startswith(b"GET /reset "):
            Sink.counted = Counted()
        else:
            Sink.counted.add(request[: request.index(b" HTTP/")], request[request.index(HEAD_END) :], self._began)
        return b""


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
