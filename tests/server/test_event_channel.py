"""The channel `event` on a real server: what a forwarded event is there, and that a repeat is none."""

from __future__ import annotations

import dataclasses

import pytest
from nats.aio.client import Client

from app.delivery.channels.event import Event
from app.delivery.delivery import Delivery, Received, Target, delivery_of
from app.delivery.outcome import Delivered, Impossible, TryLater
from app.events import cloudevent
from app.jetstream.publish import JetStreamPublisher
from tests.servers import NatsServer

PAYLOAD = b'{"specversion":"1.0","id":"1","source":"/s","type":"T","subject":"ops.a.events","data":{"n":1}}'


@pytest.fixture
async def channel(client: Client) -> Event:
    publisher = JetStreamPublisher()
    await publisher.listen(client)
    return Event(publisher)


def delivery(payload: bytes = PAYLOAD, to: str = "alerts") -> Delivery:
    received = Received(cloudevent.read(payload), payload, subject="ops.a.events")
    return delivery_of(received, Target("hooks.ns.h", "event", to, "", {}))


async def count(client: Client) -> int:
    return (await client.jetstream().stream_info("ops")).state.messages


async def test_a_forwarded_event_is_an_event_like_any_other(client: Client, channel: Event) -> None:
    assert await channel.send(delivery()) == Delivered()

    stored = await client.jetstream().get_last_msg("ops", "ops.a.alerts")
    event = cloudevent.read(stored.data or b"", stored.headers)
    assert (event.subject, event.type, event.data) == ("ops.a.alerts", "T", {"n": 1})
    assert stored.headers is not None
    assert stored.headers["Nats-Msg-Id"] == event.id != "1"


async def test_a_repeat_is_stored_once_and_a_replay_once_more(client: Client, channel: Event) -> None:
    for _ in range(3):
        assert await channel.send(delivery()) == Delivered()
    assert await count(client) == 1

    for _ in range(2):
        assert await channel.send(dataclasses.replace(delivery(), replay="r-1")) == Delivered()
    assert await count(client) == 2


async def test_an_event_that_only_fits_without_its_new_envelope_is_impossible(client: Client, channel: Event) -> None:
    payload = PAYLOAD.replace(b'"n":1', b'"n":"%s"' % (b"x" * (client.max_payload - len(PAYLOAD) - 10)))

    assert isinstance(await channel.send(delivery(payload)), Impossible)
    assert await count(client) == 0


async def test_a_server_that_is_away_is_tried_later(channel: Event, nats_server: NatsServer) -> None:
    await nats_server.kill()
    outcome = await channel.send(delivery())

    assert isinstance(outcome, TryLater)
    assert "not stored" in outcome.reason
