"""Replicas that route notifications, in the test's own process: real JetStream and HTTP, a clock that can be moved."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.background import Background
from app.delivery.channels.base import Channel
from app.delivery.channels.http import make_session
from app.delivery.egress.policy import Policy
from app.delivery.rooms import Rooms
from app.delivery.service import DeliveryService
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.hooks.service import HookService
from app.jetstream.broker import make_broker
from app.jetstream.publish import JetStreamPublisher
from app.notifications.routing import configuration
from app.notifications.service import NotificationService, Readers
from app.telemetry.metrics import Metrics
from streams.access import Access
from tests.receiver import Receiver

KEY = Fernet.generate_key().decode()
LOOK = 0.1  # seconds between two looks at what waits: a test moves the clock, and does not want to wait for its minute


@dataclass
class Clock:
    """Real time, which a test can move on. Replicas may share one."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Notifier:
    """One replica."""

    notifications: NotificationService
    delivery: DeliveryService
    publisher: JetStreamPublisher
    metrics: Metrics
    readers: Readers
    peers: list[Notifier] = field(default_factory=list)  # the other replicas of the test

    async def configure(self, text: str) -> None:
        """Put routes in force, and wait until every replica knows."""
        kept = await self.notifications.receivers.keep(configuration.parse(text.encode()))
        await until(lambda: all(peer.knows(kept.revision) for peer in self.peers))

    def knows(self, revision: int) -> bool:
        current = self.notifications.receivers.kept()
        return current is not None and current.revision >= revision

    def count(self, name: str) -> float:
        """What a counter says."""
        lines = self.metrics.exposition().decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name}_total")).split()[1])


@asynccontextmanager
async def notifier(url: str, clock: Clock | None = None, look: float = LOOK) -> AsyncIterator[Notifier]:
    """A replica, on a server that holds what `streams/` says."""
    broker = make_broker(Access(url))
    publisher, metrics, channels = JetStreamPublisher(), Metrics(), dict[str, Channel]()
    hooks = HookService(lambda: broker.client, 1)
    notifications = NotificationService(
        lambda: broker.client, publisher, metrics, "default", clock or Clock(), lambda _: look
    )
    around = hooks.surroundings(publisher, channels, metrics)
    targets = Rooms({"notifications": notifications.targets})
    delivery = DeliveryService(replace(around, targets=targets, mask=lambda _, text: text))
    channels.update(notifications.reroute(delivery))
    readers = notifications.readers(broker, delivery, 1)
    faults: list[str] = []
    background = Background(faults.append)

    async def begin(client: Client) -> None:
        notifications.sealing.use([KEY])
        background.start_all((*hooks.following(), *notifications.following(None)))
        await hooks.complete()
        await notifications.complete()
        notifications.receivers.subscribe(delivery.drains.changed_all)
        background.start_all(delivery.work(client, drains=True))

    broker.steps = (publisher.listen, begin)
    async with make_session() as session:
        channels.update(notifications.channels(session, Policy.parse("", "", loopback=True)))
        await broker.start()
        await until(lambda: broker.not_connected() is None)
        try:
            yield Notifier(notifications, delivery, publisher, metrics, readers)
        finally:
            await readers.stop()
            await delivery.stop(1.0)
            await background.stop()
            await broker.stop()
            hooks.close()
            assert faults == []


@asynccontextmanager
async def replicas(url: str, clock: Clock, number: int = 2) -> AsyncIterator[list[Notifier]]:
    """So many of them, which share a clock."""
    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(notifier(url, clock)) for _ in range(number)]
        for one in found:
            one.peers = found
        yield found


ROUTES: Final = """
receivers:
  - name: operators
    destination: {{type: webhook, url: "{url}"}}
    {rate}
routes:
  - receivers: [operators]
    {group}
"""


def routes(receiver: Receiver, group: str = "", rate: str = "") -> str:
    """One receiver of everything, with a group and a rate or without."""
    return ROUTES.format(
        url=receiver.url, group=f"group: {{{group}}}" if group else "", rate=f"rate: {{{rate}}}" if rate else ""
    )


def titles(receiver: Receiver) -> list[str]:
    return [json.loads(call.body)["title"] for call in receiver.calls]


async def quiet(seconds: float = 1.0) -> None:
    """Let happen what must not."""
    await asyncio.sleep(seconds)


async def until(reached: Any, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 -- a test asks from outside
            await asyncio.sleep(0.01)


async def notify(client: Client, severity: str = "error", **data: Any) -> None:
    """Publish a notification, as anybody may."""
    subject = f"ops.notifications.providers.ksyun.channels.disk.severities.{severity}"
    event = CloudEvent[Any](id=cloudevent.random_id(), type="Notification", subject=subject, data=data)
    await client.jetstream().publish(subject, cloudevent.encode(event), headers=cloudevent.headers(event.id))
