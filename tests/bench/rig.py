"""The servers of a bench: a nats-server of its own with the product's streams, and a sink."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import nats
from nats.aio.client import Client

from streams.subjects import HOOKS_MATCHER, OPS
from tests.bench import events, programs, sink
from tests.bench.programs import Program, WrongError
from tests.servers import NatsServer, running_nats

_READY_SECONDS: Final = 30.0
_DRAIN_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Rig:
    """A provisioned NATS, on which a floor or ours runs."""

    folder: Path
    server: NatsServer
    client: Client

    async def fill(self, run: str, count: int) -> None:
        """Store a backlog of events."""
        stream = self.client.jetstream(publish_async_max_pending=4000)
        stored = [events.message(run, number) for number in range(count)]
        for message in stored:
            await stream.publish_async(message.subject, message.payload, headers=message.headers)
        await stream.publish_async_completed()
        if (kept := await self.kept()) != count:
            raise WrongError(f"the stream holds {kept} events of {count} that were stored")

    async def kept(self) -> int:
        """How many events the stream holds."""
        return (await self.client.jetstream().stream_info(OPS)).state.messages

    async def empty(self) -> None:
        await self.client.jetstream().purge_stream(OPS)

    async def backlog(self) -> int:
        """How many events the consumer has yet to hand out or to see acknowledged."""
        info = await self.client.jetstream().consumer_info(OPS, HOOKS_MATCHER)
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def drained(self, every: float = 0.03) -> float:
        """Wait for the last ack; returns when that was, by the monotonic clock."""
        start = time.monotonic()
        while left := await self.backlog():
            if time.monotonic() - start > _DRAIN_SECONDS:
                raise WrongError(f"{left} events are left after {_DRAIN_SECONDS:.0f} s")
            await asyncio.sleep(every)
        return time.monotonic()


@contextlib.asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    """A fresh one, gone at the end with all it kept."""
    with tempfile.TemporaryDirectory(prefix="ops-bench-") as name:
        folder = Path(name)
        async with running_nats(folder / "nats") as server:
            await programs.output_of("-m", "streams", "apply", "--server", server.url)
            client = await nats.connect(server.url)
            try:
                yield Rig(folder, server, client)
            finally:
                await client.close()


@contextlib.asynccontextmanager
async def app_on(on: Rig, application: str = "app.main:app", **environment: str) -> AsyncIterator[Program]:
    """Ours, from when it is ready. What it writes to its log is shown: normal operation writes nothing."""
    async with programs.app(on.folder, on.server.url, application, **environment) as app:
        await ready(app)
        yield app
    if written := app.log.read_text():
        print(f"  ! the app's log:\n{written[-3000:]}")
        app.log.write_text("")


async def ready(app: Program) -> None:
    """Wait until a program of ours can work."""
    async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession(f"http://127.0.0.1:{app.port}") as session:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get("/readyz") as answer:
                    if answer.ok:
                        return
            await asyncio.sleep(0.02)


async def seen_by(receiver: Program) -> sink.Seen:
    return sink.Seen(**await _asked(receiver, "/seen"))


async def reset(receiver: Program) -> None:
    await _asked(receiver, "/reset")


async def _asked(receiver: Program, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{receiver.port}{path}") as answer:
        return await answer.json(content_type=None) if await answer.read() else {}
