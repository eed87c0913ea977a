"""Notifications that are odd: forged, huge, too many, at strange addresses. They stop nobody, and reach somebody."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from nats.aio.client import Client

from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.notifications.groups import collecting
from tests.receiver import Receiver
from tests.server.notifying import notifier, notify, quiet, routes, titles
from tests.servers import NatsServer

ADDRESS = "ops.notifications.providers.ksyun.channels.disk.severities.error"


async def publish(
    client: Client, data: Any, subject: str = ADDRESS, kind: str = "Notification", **headers: str
) -> None:
    event = CloudEvent[Any](id=cloudevent.random_id(), type=kind, subject=subject, data=data)
    await client.jetstream().publish(
        subject, cloudevent.encode(event), headers={**cloudevent.headers(event.id), **headers}
    )


@pytest.mark.parametrize("address", [ADDRESS, "ops.notifications.groups.operators"])
@pytest.mark.parametrize(
    "data", [{"title": "forged"}, {"title": "forged", "items": 5, "count": "x"}, None, "forged", []]
)
@pytest.mark.parametrize("group", ["", "wait: 0s"])
async def test_who_calls_an_event_a_group_s_message_stops_nobody(
    client: Client, nats_server: NatsServer, receiver: Receiver, address: str, data: Any, group: str
) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, group))
        await publish(client, data, address, "NotificationGroup")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)


@pytest.mark.parametrize(
    "address",
    [
        "ops.notifications.providers.%ED%A0%80.channels.%FF%.severities.%",
        "ops.notifications.providers",
        "ops.notifications.providers.a.channels.b.severities.c.d.e.f",
        "ops.notifications.x",
        "ops.notifications.providers.a.providers.b",
    ],
)
async def test_an_odd_address_is_routed_like_others(
    client: Client, nats_server: NatsServer, receiver: Receiver, address: str
) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "by: [provider, channel, severity], wait: 0s"))
        await publish(client, {"title": "odd"}, address)
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert titles(receiver) == ["odd"]


async def test_what_is_no_event_is_counted_and_stops_nothing(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "wait: 0s"))
        await client.jetstream().publish(ADDRESS, b"hello")
        await notify(client, title="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        assert one.count("ops_messages_unreadable") == 1
    assert titles(receiver) == ["disk"]


@pytest.mark.parametrize("rate", ["", "limit: 1, per: 1h"])
async def test_what_is_too_large_to_wait_goes_at_once(
    client: Client, nats_server: NatsServer, receiver: Receiver, rate: str
) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "" if rate else "wait: 1h", rate))
        if rate:
            await notify(client, title="the only one of its hour")
            await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await publish(client, {"title": "huge", "text": "x" * (client.max_payload - 420)})
        await receiver.wait_for(lambda: titles(receiver)[-1:] == ["huge"])


async def test_headers_that_leave_no_room_for_ours_go_at_once(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "by: [cluster], wait: 1h"))
        headers = {"ce-specversion": "1.0", "ce-id": "a", "ce-type": "Notification", "ce-source": "me"}
        data = json.dumps({"title": "much above it", "cluster": "ä" * 1000}).encode()
        await client.jetstream().publish(ADDRESS, data, headers={**headers, "ce-more": "x" * 64_500})
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert titles(receiver) == ["much above it"]


async def test_a_group_by_a_huge_value_is_told(client: Client, nats_server: NatsServer, receiver: Receiver) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "by: [cluster, host], key: [cluster], wait: 0s"))
        await publish(
            client, {"title": "a", "cluster": "\x01" * 100_000, "host": "ä" * 50_000, "link": "https://" * 9999}
        )
        await receiver.wait_for(lambda: len(receiver.calls) == 1)


async def test_more_than_one_message_takes_comes_with_the_next(
    client: Client, nats_server: NatsServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "MOST", 10)
    monkeypatch.setattr(collecting, "_PAGE", 5)
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "wait: 1s, interval: 1s"))
        for number in range(25):
            await notify(client, title=f"disk {number}")
        await receiver.wait_for(lambda: len(receiver.calls) == 3, 50)
        await quiet()
        assert (await client.jetstream().stream_info("ops-pending")).state.messages == 0
    assert [int(title.split()[0]) for title in titles(receiver)] == [10, 10, 5]


async def test_what_is_not_told_does_not_stay(client: Client, nats_server: NatsServer, receiver: Receiver) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, changes: true"))
        for _ in range(10):
            await notify(client, title="full", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)

        async def is_empty() -> bool:
            return (await client.jetstream().stream_info("ops-pending")).state.messages == 0

        async with asyncio.timeout(20):
            while not await is_empty():  # noqa: ASYNC110 -- another process's work
                await asyncio.sleep(0.05)
    assert len(receiver.calls) == 1
