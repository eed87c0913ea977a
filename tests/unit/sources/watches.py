"""A watch in the hands of a test: a follower that notes what it is told, pauses that are noted and not waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from app.errors import UnavailableError
from app.jetstream.ending import end
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.resource import Resource
from app.sources.kubernetes.watch import Change, Object, Pacing, Watch
from tests.kubernetes import HOSTS, ApiServer, Interrupt, Kind

WITHIN = 10.0  # seconds for whatever is to happen

Said = Callable[[], list[str]]  # the fixture `said`

HOST = Resource(HOSTS.group, HOSTS.version, HOSTS.plural)


def resource_of(kind: Kind) -> Resource:
    return Resource(kind.group, kind.version, kind.plural)


def host(name: str, **status: object) -> dict[str, object]:
    return {"metadata": {"namespace": "ns", "name": name}, "spec": {"address": "10.0.0.1"}, "status": status}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not true():  # noqa: ASYNC110 -- of much that is waited for nobody gives an event
            await asyncio.sleep(0.005)


async def _go_on(_: str) -> None: ...


@dataclass
class Recorder:
    """A follower that notes each call as a line; it raises where it is made to."""

    version: str = ""  # what `since` answers
    told: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)  # the next calls of these beginnings raise, once for each
    error: Exception = field(default_factory=lambda: UnavailableError("JetStream is away"))
    before: Callable[[str], Awaitable[object]] = _go_on  # awaited before a call is noted
    objects: list[Object] = field(default_factory=list)

    async def since(self) -> str:
        await self._note("since")
        return self.version

    async def begin(self, *, known: bool) -> None:
        await self._note("begin known" if known else "begin")

    async def listed(self, objects: Sequence[Object], version: str) -> None:
        await self._note(" ".join([f"listed@{version}", *map(_name, objects)]))
        self.objects += objects

    async def synced(self, version: str) -> None:
        await self._note(f"synced@{version}")

    async def changed(self, change: Change) -> None:
        await self._note(f"{change.kind} {_name(change.object)}")
        self.objects.append(change.object)

    async def reached(self, version: str) -> None:
        await self._note(f"reached@{version}")

    @property
    def changes(self) -> list[str]:
        """The changes, without lists and bookmarks."""
        return [line for line in self.told if line.startswith(("ADDED", "MODIFIED", "DELETED"))]

    @property
    def lists(self) -> list[str]:
        return [line for line in self.told if line.startswith("begin")]

    async def until_told(self, line: str, times: int = 1) -> None:
        await until(lambda: self.told.count(line) >= times)

    async def _note(self, line: str) -> None:
        failing = next((beginning for beginning in self.failing if line.startswith(beginning)), None)
        if failing is not None:
            self.failing.remove(failing)
            raise self.error
        await self.before(line)
        self.told.append(line)


def _name(thing: Object) -> str:
    name: str = thing["metadata"]["name"]
    return name


@dataclass
class Time:
    """A clock that goes when told, and pauses that are over at once, up to a number of them."""

    now: float = 1_000.0
    pauses: list[float] = field(default_factory=list)  # those that were to be waited for; 0 is none
    turns: int = 0
    most: int = 1_000_000  # pauses; the next one does not end
    pacing: Pacing = field(init=False)

    def __post_init__(self) -> None:
        self.pacing = Pacing(sleep=self.sleep, clock=lambda: self.now, draw=max)

    async def sleep(self, seconds: float) -> None:
        self.turns += 1
        if seconds:
            self.pauses.append(seconds)
        if len(self.pauses) > self.most:
            await asyncio.Event().wait()
        await asyncio.sleep(0.001 if seconds else 0)


@dataclass
class Watched:
    """A watch that runs."""

    watch: Watch
    follower: Recorder
    time: Time
    task: asyncio.Task[object]

    async def until_live(self) -> None:
        await until(lambda: self.watch.state.live)

    async def until_reading(self, api: ApiServer, kind: Kind = HOSTS) -> None:
        """Wait until the watch stands on this side too: it tells of a bookmark."""
        async with asyncio.timeout(WITHIN):
            await api.until_watching(kind)
        api.advance()
        api.send_bookmarks()
        await self.follower.until_told(f"reached@{api.version}")

    async def until_paused(self, times: int = 1) -> None:
        await until(lambda: len(self.time.pauses) >= times)


@asynccontextmanager
async def following(
    connection: Connection,
    follower: Recorder | None = None,
    time: Time | None = None,
    resources: Sequence[Resource] = (HOST,),
    **pacing: Any,
) -> AsyncIterator[Watched]:
    """Run a watch of hosts, or of other resources, for the time of a test."""
    follower, time = follower or Recorder(), time or Time()
    watch = Watch("Hosts", connection, resources, follower, replace(time.pacing, **pacing))
    task: asyncio.Task[object] = asyncio.create_task(watch.run())
    try:
        yield Watched(watch, follower, time, task)
    finally:
        await end([task])


def listing(api: ApiServer) -> list[str]:
    """The queries of the lists of hosts, as they came."""
    return [call.query.get("resourceVersion", "") for call in api.calls if call.verb == "list"]


def watched_from(api: ApiServer) -> list[str]:
    """The versions from which hosts were watched, as they came."""
    return [call.query["resourceVersion"] for call in api.calls if call.verb == "watch"]


def line(kind: str, name: str, version: int = 500, **more: object) -> bytes:
    thing = {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": f"{version}"}, **more}
    return json.dumps({"type": kind, "object": thing}).encode() + b"\n"


def streaming(*chunks: bytes, cut: bool = False, stays: bool = False) -> Interrupt:
    """An interruption that answers a watch with these bytes, then ends it, cuts it off, or leaves it open."""

    async def interrupt(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0.001)
        if stays:
            await asyncio.Event().wait()
        if cut and request.transport is not None:
            request.transport.close()
        return response

    return interrupt
