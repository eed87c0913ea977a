"""A process that replays, in parts: for tests beside it, and as a program of its own that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import nats
from nats.aio.client import Client

from app.delivery import records
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.hooks.hook import parse
from app.hooks.matching.judge import Judge
from app.hooks.registry import Registry
from app.hooks.replays.copying import Desk
from app.hooks.replays.pace import Pace
from app.hooks.replays.replay import Replay
from app.hooks.replays.replaying import Replayer
from app.hooks.replays.replays import Replays
from app.hooks.targets import HookTargets
from app.jetstream.ending import end
from app.jetstream.publish import JetStreamPublisher
from app.jetstream.read import StreamReader
from tests.app import hook
from tests.server.buckets import following, until


@dataclass
class Process:
    """What one process knows of replays; `working` is its part in the work."""

    client: Client
    registry: Registry
    replays: Replays
    reader: StreamReader
    publisher: JetStreamPublisher
    woken: list[str] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def working(
        self, clock: Callable[[], float] = time.monotonic, pace: Callable[[int], Pace] = Pace
    ) -> AsyncIterator[Replayer]:
        """Take up replays until the end of the block, then hand over what is under way."""
        wants = HookTargets(self.registry, 1, Judge()).wants
        desk = Desk(self.registry, self.reader, self.publisher, wants, self.woken.append, pace)
        replayer = Replayer(self.replays, desk, clock)
        async with running(replayer.run()):
            yield replayer


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await end((task,))


@contextlib.asynccontextmanager
async def process(client: Client) -> AsyncIterator[Process]:
    reader, publisher = StreamReader(lambda: client), JetStreamPublisher()
    await publisher.listen(client)
    registry = Registry(lambda: client)
    replays = Replays(lambda: client, registry, reader)
    async with following(registry), following(replays):
        yield Process(client, registry, replays, reader, publisher)


async def parked(client: Client, number: int, seconds: float = 30) -> None:
    """Wait until so many events are parked."""
    async with asyncio.timeout(seconds):
        while (await client.jetstream().stream_info("ops-parked")).state.messages < number:  # noqa: ASYNC110 -- only the server knows
            await asyncio.sleep(0.02)


async def messages(client: Client, stream: str, subject: str) -> list[tuple[dict[str, str], bytes]]:
    """Everything that a stream holds on a subject: headers and payload, in order."""
    context = client.jetstream()
    info = await context.stream_info(stream)
    found = []
    for sequence in range(max(info.state.first_seq, 1), info.state.last_seq + 1):
        with contextlib.suppress(nats.js.errors.NotFoundError):
            message = await context.get_msg(stream, sequence)
            if message.subject == subject:
                found.append((dict(message.headers or {}), message.data or b""))
    return found


def sequences(copies: list[tuple[dict[str, str], bytes]]) -> list[int]:
    """The events in `ops` that copies were made of."""
    return [int(headers[records.SEQUENCE]) for headers, _ in copies]


async def over(here: Process, replay: Replay, seconds: float = 30) -> Replay:
    """The replay, once it is over."""
    return await reached(here, replay, lambda found: found.is_over, seconds)


async def reached(here: Process, replay: Replay, wanted: Callable[[Replay], bool], seconds: float = 30) -> Replay:
    """The replay, once it is as wanted."""
    await until(lambda: wanted(here.replays.get(replay.namespace, replay.hook, replay.id)), seconds)
    return here.replays.get(replay.namespace, replay.hook, replay.id)


async def keep(here: Process, subject: str = "ops.a", **keywords: Any) -> None:
    """Make the hook `one`."""
    await here.registry.create(parse(hook("one", "http://127.0.0.1:1/x", subject, keywords=keywords), "default"))


async def publish(client: Client, number: int, subject: str = "ops.a", text: str = "event") -> None:
    context = client.jetstream()
    for place in range(number):
        event = CloudEvent[Any](id=f"{subject}-{text}-{place}", type="Default", subject=subject, data={text: place})
        headers = {**cloudevent.headers(event.id), "X-Own": "kept"}
        await context.publish_async(subject, cloudevent.encode(event), headers=headers)
    await context.publish_async_completed()


def unhurried(_: int) -> Pace:
    """No rate: for tests that are not about it."""
    return Pace(1e9)


async def main(url: str) -> None:
    client = await nats.connect(url)
    async with process(client) as here, here.working():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
