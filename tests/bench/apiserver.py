"""The Kubernetes API that is watched, a process of its own: the least that a watch needs, for it shares the machine.

python -m tests.bench.apiserver PORT EVENTS; `GET /observe?count=…&rate=…` makes so many updates, so many a second,
`GET /seen` tells what was asked and sent. It ends by itself after some minutes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import uvloop

from tests.bench import cluster
from tests.bench.connection import HEAD_END, whole
from tests.bench.events import OBJECTS

EVENTS: Final = "/apis/events.k8s.io/v1/events"

_GROUP: Final = "crd.chenshaowen.com/v1"
_CUSTOM: Final = {
    "hosts": "Host",
    "clusters": "Cluster",
    "tasks": "Task",
    "taskruns": "TaskRun",
    "pipelines": "Pipeline",
    "pipelineruns": "PipelineRun",
    "eventhooks": "EventHooks",
}
_KINDS: Final = {EVENTS: ("Event", "events.k8s.io/v1")} | {
    f"/apis/{_GROUP}/{plural}": (kind, _GROUP) for plural, kind in _CUSTOM.items()
}

_LIFE_SECONDS: Final = 600.0
_BOOKMARK_SECONDS: Final = 5.0
_MOST: Final = 100_000  # updates of one order

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server saw. Times are Unix seconds, as are those that NATS gives what it stores."""

    listed: float  # when the events were first asked for; 0: not yet
    watched: int  # watches of events that stand
    sent: int  # updates
    first: float  # when the first of them was sent
    last: float


class Api:
    """The world behind all connections. A watch is never ended: it asks for longer than a round takes."""

    def __init__(self, count: int) -> None:
        """Make so many events, observed just now."""
        now = time.time()
        self._items = [cluster.listed(number, now) for number in range(count)]
        self._watches: defaultdict[str, set[asyncio.Transport]] = defaultdict(set)
        self._listed = self._first = self._last = 0.0
        self._sent = 0
        self._observing: asyncio.Task[None] | None = None

    def answer(self, target: str, transport: asyncio.Transport) -> bytes:
        """What is answered to GET. Of a watch it is the beginning; the rest comes as it happens."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        if url.path == "/seen":
            seen = Seen(self._listed, len(self._watches[EVENTS]), self._sent, self._first, self._last)
            return _whole(json.dumps(asdict(seen)).encode())
        if url.path == "/observe":
            self._observing = asyncio.create_task(self._observe(min(int(query["count"]), _MOST), float(query["rate"])))
            return _whole(b"{}")
        if url.path not in _KINDS:
            return _NOT_FOUND
        if "watch" in query:
            self._watches[url.path].add(transport)
            return _OK + b"Transfer-Encoding: chunked\r\n\r\n"
        return _whole(self._page(url.path, query))

    def forget(self, transport: asyncio.Transport) -> None:
        for watches in self._watches.values():
            watches.discard(transport)

    async def bookmark(self) -> None:
        """Tell all watches now and then how far they are. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(_BOOKMARK_SECONDS)
            for path, (kind, api_version) in _KINDS.items():
                self._tell(path, cluster.bookmark(kind, api_version, self._version))

    @property
    def _version(self) -> str:
        return cluster.version_of(len(self._items) + self._sent - 1)

    def _page(self, path: str, query: Query) -> bytes:
        kind, api_version = _KINDS[path]
        items = self._items if path == EVENTS else []
        if path == EVENTS:
            self._listed = self._listed or time.time()
        start = int(query.get("continue") or 0)
        end = start + int(query.get("limit") or len(items))
        more = {"continue": str(end), "remainingItemCount": len(items) - end} if end < len(items) else {}
        metadata = json.dumps({"resourceVersion": self._version, **more})
        head = f'{{"kind":"{kind}List","apiVersion":"{api_version}","metadata":{metadata},"items":['
        return b"%b%b]}\n" % (head.encode(), b",".join(items[start:end]))

    async def _observe(self, count: int, rate: float) -> None:
        start = time.monotonic()
        self._first = time.time()
        for index in range(count):
            await asyncio.sleep(max(0.0, start + index / rate - time.monotonic()))
            number, now = len(self._items) + self._sent, time.time_ns()
            self._sent += 1
            self._tell(EVENTS, cluster.updated(number % OBJECTS, number, now / 1e9, now))
            self._last = now / 1e9

    def _tell(self, path: str, line: bytes) -> None:
        for transport in self._watches[path]:
            transport.write(b"%x\r\n%b\r\n" % (len(line), line))


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._transport: Any = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (length := whole(self._received)) is not None:
            request, self._received = self._received[:length], self._received[length:]
            self._transport.write(self._api.answer(_target(request), self._transport))

    def connection_lost(self, _: Exception | None) -> None:
        self._api.forget(self._transport)


def _target(request: bytes) -> str:
    return request[: request.index(HEAD_END)].split(b" ", 2)[1].decode()


def _whole(body: bytes) -> bytes:
    return b"%bContent-Length: %d\r\n\r\n%b" % (_OK, len(body), body)


async def main(port: int, count: int) -> None:
    api = Api(count)
    await asyncio.get_running_loop().create_server(lambda: Conversation(api), "127.0.0.1", port)
    with suppress(TimeoutError):
        await asyncio.wait_for(api.bookmark(), _LIFE_SECONDS)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
