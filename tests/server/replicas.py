"""Replicas with the real hooks: registry, pauses, matcher and delivery together, with a channel that has a script."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import nats
from faststream.nats.message import NatsBatchMessage
from nats.aio.client import Client

from app.delivery.channels.base import Channel
from app.delivery.service import DeliveryService
from app.hooks.service import HookService
from app.jetstream.ending import end
from app.jetstream.publish import JetStreamPublisher
from app.jetstream.pull import Pull
from app.telemetry.metrics import Metrics
from tests.app import hook

NAMESPACE = "ns"


@dataclass
class Replica:
    """One process, without its HTTP."""

    client: Client
    hooks: HookService
    delivery: DeliveryService

    async def keep(self, subject: str = "ops.a", name: str = "one", *, ordered: bool = True, **keywords: Any) -> None:
        """Make a hook, or put another in its place."""
        options = {"ordered": "true"} if ordered else {}
        resource = hook(name, "http://127.0.0.1:1/x", subject, keywords=keywords, options=options)
        if name in {known.metadata.name for known in self.hooks.registry.hooks(NAMESPACE)}:
            await self.hooks.resources.replace(NAMESPACE, name, resource)
        else:
            await self.hooks.resources.create(NAMESPACE, resource)

    async def match(self) -> None:
        """Hand on every event, until cancelled."""
        matcher = self.hooks.matcher(self.delivery.dispatcher, self.delivery.settlement, Metrics())
        pull = Pull(self.client, "ops", "hooks")
        await pull.open()
        try:
            while True:
                await matcher(cast("NatsBatchMessage", SimpleNamespace(raw_message=await pull.batch())))
        finally:
            await pull.close()


@contextlib.asynccontextmanager
async def replica(client: Client, channel: Channel) -> AsyncIterator[Replica]:
    """A replica on a connection of its own, once it knows all hooks; at the end it hands over what it has."""
    own = await nats.connect(client.connected_url.geturl() if client.connected_url else "")
    publisher = JetStreamPublisher()
    await publisher.listen(own)
    hooks = HookService(lambda: own, 1)
    following = [asyncio.create_task(work) for _, work in hooks.following()]
    async with asyncio.timeout(10):
        await hooks.registry.complete()
        await hooks.pauses.complete()
        await hooks.replays.complete()
    delivery = DeliveryService(hooks.surroundings(publisher, {"webhook": channel}, Metrics()))
    hooks.registry.subscribe(delivery.drains.changed_all)
    hooks.pauses.subscribe(delivery.drains.changed_all)
    one = Replica(own, hooks, delivery)
    work = [asyncio.create_task(task, name=name) for name, task in delivery.work(own, drains=True)]
    matching = asyncio.create_task(one.match())
    try:
        yield one
        assert not any(task.done() for task in (*work, *following, matching)), "what runs beside does not end"
    finally:
        await end([matching])
        await delivery.stop(1)
        await end([*work, *following])
        await own.close()
