"""The readers of tails, a process of its own: connections that read what comes and note how late it is.

python -m tests.bench.readers PORT APP COUNT; `GET /seen` tells what came since the last `GET /reset`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from array import array
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any, Final

import uvloop

from tests.bench.connection import HEAD_END, whole

_MARK: Final = re.compile(rb"#(\d{8})@(\d{19})#")
_LONGEST: Final = 64  # bytes: more than a mark has


@dataclass(frozen=True, slots=True)
class Seen:
    """What came to all readers."""

    readers: int  # whose stream has begun
    ended: int  # whose stream has ended
    received: int
    p50: float  # milliseconds from post to reader
    p99: float
    worst: float


class Counted:
    """What came since it was last forgotten."""

    readers = 0
    ended = 0
    latencies = array("q")  # nanoseconds

    @classmethod
    def seen(cls) -> Seen:
        cuts = quantiles(cls.latencies, n=100) if len(cls.latencies) > 1 else [0.0] * 99
        worst = max(cls.latencies, default=0)
        return Seen(cls.readers, cls.ended, len(cls.latencies), cuts[49] / 1e6, cuts[98] / 1e6, worst / 1e6)


class Reader(asyncio.Protocol):
    """One tail."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def connection_made(self, transport: Any) -> None:
        transport.write(b"GET /api/v1/events/ops.%3E/tail HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if not self._begun and b"retry:" in data:
            self._begun = True
            Counted.readers += 1
        text, end = self._rest + data, 0
        for found in _MARK.finditer(text):
            Counted.latencies.append(now - int(found[2]))
            end = found.end()
        self._rest = text[max(end, len(text) - _LONGEST) :]

    def connection_lost(self, _: Exception | None) -> None:
        Counted.ended += 1


class Control(asyncio.Protocol):
    """Who asks what was seen."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if whole(data) is None:
            return
        body = b""
        if data.startswith(b"GET /seen "):
            body = json.dumps(asdict(Counted.seen())).encode()
        else:
            Counted.latencies = array("q")
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d%b%b" % (len(body), HEAD_END, body))


async def main(port: int, app: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.create_connection(Reader, "127.0.0.1", app)
    server = await loop.create_server(Control, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:4])))
