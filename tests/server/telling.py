"""Receivers that are told in a test: through the channels of the room, without the rest of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from app.delivery.delivery import Delivery, Received, delivery_of
from app.delivery.egress.policy import Policy
from app.delivery.outcome import Outcome
from app.events.cloudevent import CloudEvent
from app.jetstream.publish import JetStreamPublisher
from app.notifications.receivers import PREFIX, target_of
from app.notifications.routing import configuration
from app.notifications.routing.configuration import Receiver
from app.notifications.service import NotificationService
from app.telemetry.metrics import Metrics

OPEN = Policy.parse("", "", loopback=True)

TYPICAL: Mapping[str, Any] = {
    "title": "disk full",
    "message": "the disk of node-a is full",
    "key": "node-a/disk",
    "link": "https://ops.example.com/nodes/node-a?tab=disk&x=1",
    "cluster": "prod",
    "host": "node-a",
}


def receiver(written: str, more: str = "") -> Receiver:
    """A receiver of a destination, as people write them."""
    text = f"receivers: [{{name: r, destination: {written}{more}}}]"
    return configuration.parse(text.encode()).receivers[0]


def delivery(one: Receiver, data: Mapping[str, Any], severity: str = "error") -> Delivery:
    """The delivery of a notification to a receiver."""
    subject = f"ops.notifications.providers.ksyun.channels.disk.severities.{severity}"
    event = CloudEvent[Any](id="1", type="Notification", subject=subject, data=dict(data))
    return delivery_of(Received(event, b"", subject=subject), target_of(one))


async def tell(
    session: aiohttp.ClientSession, one: Receiver, data: Mapping[str, Any] = TYPICAL, policy: Policy = OPEN
) -> Outcome:
    """Tell a receiver once."""
    room = NotificationService(lambda: None, JetStreamPublisher(), Metrics(), "default")
    room.receivers._by_key = {PREFIX + one.name: one}
    sent = delivery(one, data)
    return await room.channels(session, policy)[sent.target.channel].send(sent)
