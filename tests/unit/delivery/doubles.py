"""What stands in for the server, the clock and the endpoints in the tests of delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from nats.aio.client import Client
from nats.aio.msg import Msg

from app.delivery.channels.base import Channel
from app.delivery.delivery import Delivery, Received, Target, delivery_of
from app.delivery.outcome import Delivered, Outcome
from app.delivery.records import Attempt
from app.events import cloudevent
from app.events.cloudevent import CloudEvent

PROMPTLY = 10.0  # seconds: far more than anything here takes, so that a fault ends a test


class FakeMessage(Msg):
    """A JetStream message that notes what it is told instead of sending it."""

    def __init__(
        self,
        delivered: int = 1,
        *,
        error: Exception | None = None,
        reply: str | None = None,
        sequence: int = 7,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> None:
        place = f"$JS.ACK.ops.hooks.{delivered}.{sequence}.7.1795409366582186000.0"
        super().__init__(
            cast("Client", None), "ops.a", reply=place if reply is None else reply, data=data, headers=headers
        )
        self.error = error
        self.acks = 0
        self.naks: list[float | None] = []
        self.progress = 0
        self._told = asyncio.Condition()

    async def ack(self) -> None:
        self.acks += 1
        await self._tell()

    async def nak(self, delay: float | None = None) -> None:
        self.naks.append(delay)
        await self._tell()

    async def in_progress(self) -> None:
        self.progress += 1
        await self._tell()

    async def _tell(self) -> None:
        async with self._told:
            self._told.notify_all()
        if self.error:
            raise self.error

    @property
    def settled(self) -> bool:
        return bool(self.acks or self.naks)

    async def until_settled(self) -> None:
        async with asyncio.timeout(PROMPTLY), self._told:
            await self._told.wait_for(lambda: self.settled)

    async def until_in_progress(self, times: int) -> None:
        async with asyncio.timeout(PROMPTLY), self._told:
            await self._told.wait_for(lambda: self.progress >= times)


class Gate:
    """A channel whose endpoint answers when it is let: each `release` lets attempts end."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.inside = 0
        self.most = 0
        self.entered = 0
        self.cancelled = 0
        self._outcome = outcome or Delivered()
        self._tickets = asyncio.Semaphore(0)
        self._changed = asyncio.Condition()

    async def send(self, delivery: Delivery) -> Outcome:
        del delivery
        await self._move(1)
        try:
            await self._tickets.acquire()
        except asyncio.CancelledError:
            self.cancelled += 1
            await self._notify()
            raise
        await self._move(-1)
        return self._outcome

    def release(self, count: int) -> None:
        for _ in range(count):
            self._tickets.release()

    async def until_inside(self, count: int) -> None:
        async with asyncio.timeout(PROMPTLY), self._changed:
            await self._changed.wait_for(lambda: self.inside == count)

    async def until_entered(self, count: int) -> None:
        async with asyncio.timeout(PROMPTLY), self._changed:
            await self._changed.wait_for(lambda: self.entered >= count)

    async def until_cancelled(self, count: int) -> None:
        async with asyncio.timeout(PROMPTLY), self._changed:
            await self._changed.wait_for(lambda: self.cancelled == count)

    async def _move(self, by: int) -> None:
        self.inside += by
        self.entered += max(by, 0)
        self.most = max(self.most, self.inside)
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Broken:
    """A channel with a fault of its own."""

    async def send(self, delivery: Delivery) -> Outcome:
        raise LookupError(delivery.id)


class ByTarget:
    """A channel that hands each target's deliveries to another."""

    def __init__(self, **channels: Channel) -> None:
        self._channels = channels

    async def send(self, delivery: Delivery) -> Outcome:
        return await self._channels[delivery.target.key].send(delivery)


class Notebook:
    """A ledger that keeps every line."""

    def __init__(self) -> None:
        self.lines: list[Attempt] = []

    def record(self, attempt: Attempt) -> None:
        self.lines.append(attempt)


def target(key: str = "hooks.ns.h", *, url: str = "http://receiver.example/", **changes: Any) -> Target:
    return Target(**{"key": key, "channel": "webhook", "url": url, "additional": "", "options": {}, **changes})


def received(event_id: str = "1", data: Any = "hello") -> Received:
    event = CloudEvent[Any](id=event_id, type="Default", subject="ops.a", data=data)
    return Received(event, cloudevent.encode(event))


def delivery(key: str = "hooks.ns.h", event_id: str = "1", **changes: Any) -> Delivery:
    return delivery_of(received(event_id), target(key, **changes))


@asynccontextmanager
async def background(*tasks: asyncio.Task[Any]) -> AsyncIterator[None]:
    """Tasks that end with the block."""
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
