"""Notifications: a burst over 20 routes, the same beside a receiver that hangs, a group that becomes one message."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from streams.subjects import NOTIFICATIONS_MATCHER
from tests.bench import programs
from tests.bench.connection import whole
from tests.bench.programs import WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale
from tests.servers import free_port

ROUTES: Final = 20
_BURST: Final = 0.5  # of the scale's events: 10,000
_GROUP: Final = 0.25  # 5,000
_WAIT: Final = 2.0  # seconds that a group waits
_ROUTED_WITHIN: Final = 5.0  # seconds
_NOT_MORE: Final = 1.2  # of the time beside a receiver that answers
_OTHERS: Final = frozenset({"/hangs", "/answers"})  # not among those that are counted
_PATIENCE: Final = 60.0


@dataclass
class Receivers:
    """Endpoints that count what comes to each path; one of them never answers."""

    port: int = field(default_factory=free_port)
    calls: Counter[str] = field(default_factory=Counter)
    last: float = 0.0  # monotonic seconds
    bodies: list[bytes] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def sum(self) -> int:
        return sum(count for path, count in self.calls.items() if path not in _OTHERS)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = b""
        while data := await reader.read(65_536):
            received += data
            while (length := whole(received)) is not None:
                request, received = received[:length], received[length:]
                self._take(request)
                if not request.startswith(b"POST /hangs"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    def _take(self, request: bytes) -> None:
        self.calls[request.split(b" ", 2)[1].decode()] += 1
        self.last = time.monotonic()
        self.bodies.append(request) if len(self.bodies) < 10 else None


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receivers]:
    found = Receivers()
    server = await asyncio.start_server(found.serve, "127.0.0.1", found.port)
    try:
        yield found
    finally:
        server.close()


async def measure(scale: Scale) -> list[Figure]:
    burst, group = int(scale.events * _BURST), int(scale.events * _GROUP)
    floor, alone, well, ill = [], [], [], []
    for _ in range(scale.rounds):
        floor.append(await _floor(burst))
        alone.append(await _burst(burst))
        well.append(await _burst(burst, "answers"))
        ill.append(await _burst(burst, "hangs"))
    grouped = [await _group(group) for _ in range(scale.rounds)]
    return [
        Figure(f"{burst:,} notifications, {ROUTES} routes: all there after", "s", alone, floor, at_most=_ROUTED_WITHIN),
        Figure("the same beside one that hangs; floor: that answers", "s", ill, well, no_more_than=_NOT_MORE),
        Figure(f"a group of {group:,}: its message, after its wait", "s", grouped, at_most=_ROUTED_WITHIN),
    ]


async def _floor(count: int) -> float:
    """Seconds in which a bare pull loop POSTs as many to one address as they are."""
    async with rig() as on, receiving() as receivers:
        url = receivers.url("floor")
        async with programs.floor_of_delivery(on.folder, on.server.url, url, NOTIFICATIONS_MATCHER):
            await publish(on, 1, ["warm"])
            await until(lambda: receivers.sum() == 1)
            began = time.monotonic()
            await publish(on, count, ["disk"])
            await until(lambda: receivers.sum() > count)
            return receivers.last - began


async def _burst(count: int, *others: str) -> float:
    """Seconds from the first of a burst until the last was told; beside it as many for each of the others."""
    async with rig() as on, receiving() as receivers:
        routes = [{"match": {"channel": f"c{number}"}, "receivers": [f"r{number}"]} for number in range(ROUTES)]
        names = [*(f"r{number}" for number in range(ROUTES)), *others]
        routes += [{"match": {"channel": other}, "receivers": [other]} for other in others]
        async with app_on(on, **environment(on, receivers, names, routes)):
            began = time.monotonic()
            await publish(on, count, [*(f"c{number}" for number in range(ROUTES)), *others])
            await until(lambda: receivers.sum() >= count)
            if receivers.sum() != count:
                raise WrongError(f"{receivers.sum()} of {count} notifications were told")
            return receivers.last - began


async def _group(count: int) -> float:
    """Seconds after its wait until a group's message is there."""
    async with rig() as on, receiving() as receivers:
        routes = [{"receivers": ["r"], "group": {"by": ["cluster"], "wait": _WAIT}}]
        async with app_on(on, **environment(on, receivers, ["r"], routes)):
            began = time.monotonic()
            await publish(on, count, ["disk"])
            await until(lambda: bool(receivers.calls))
            took = receivers.last - began - _WAIT
            await asyncio.sleep(_WAIT + 1)
    if receivers.sum() != 1 or f"{count} notifications".encode() not in receivers.bodies[0]:
        raise WrongError(f"a group of {count} became {receivers.sum()} messages")
    return took


def environment(on: Rig, receivers: Receivers, names: list[str], routes: list[Any]) -> dict[str, str]:
    destinations = [{"name": name, "destination": {"type": "webhook", "url": receivers.url(name)}} for name in names]
    file = on.folder / "routes.yaml"
    file.write_text(json.dumps({"receivers": destinations, "routes": routes}))
    return {"NOTIFICATIONS_FILE": str(file)}


async def publish(on: Rig, count: int, channels: list[str], groups: int = 1) -> None:
    """Store so many for the routes, spread evenly, and as many as each of them gets for the others.

    They are of so many groups, where those are made by `cluster`.
    """
    stream = on.client.jetstream(publish_async_max_pending=4000)
    total = count * len(channels) // ROUTES if len(channels) > ROUTES else count
    for number in range(total):
        subject = f"ops.notifications.providers.bench.channels.{channels[number % len(channels)]}.severities.error"
        data = {
            "title": f"disk {number}",
            "message": "it is full",
            "cluster": f"prod-{number % groups}",
            "padding": "x" * 200,
        }
        event = CloudEvent[Any](id=cloudevent.random_id(), type="Notification", subject=subject, data=data)
        await stream.publish_async(subject, cloudevent.encode(event), headers=cloudevent.headers(event.id))
    await stream.publish_async_completed()


async def until(reached: Any) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not reached():  # noqa: ASYNC110 -- the receivers count beside it
            await asyncio.sleep(0.005)
