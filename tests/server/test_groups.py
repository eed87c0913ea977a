"""Groups of notifications: one message for many, once, whatever happens meanwhile."""

from __future__ import annotations

import datetime as dt
import json

from nats.aio.client import Client

from tests.receiver import Receiver
from tests.server.notifying import Clock, notifier, notify, quiet, replicas, routes, titles, until
from tests.servers import NatsServer


async def test_two_replicas_make_one_message_of_a_group(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "by: [cluster], wait: 1h, interval: 1h"))
        for number in range(40):
            await notify(client, title=f"disk {number}", cluster="a" if number % 2 else "b")
        await quiet()
        assert receiver.calls == []
        clock.ahead = 3600
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        await quiet()
    assert sorted(titles(receiver)) == [
        "20 notifications, cluster a: 20 error",
        "20 notifications, cluster b: 20 error",
    ]


async def test_what_comes_later_waits_for_the_interval(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "by: [cluster], wait: 0s, interval: 1h"))
        await notify(client, title="first")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await notify(client, title="second")
        await notify(client, title="third")
        await quiet()
        assert titles(receiver) == ["first"]
        clock.ahead = 3601
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        await quiet()
    assert titles(receiver) == ["first", "2 notifications, cluster : 2 error"]


async def test_what_was_told_is_not_told_again_before_its_repeat(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, repeat: 1h"))
        for _ in range(5):
            await notify(client, title="full", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await quiet()
        assert len(receiver.calls) == 1
        await notify(client, "critical", title="full", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 2)


async def test_somebody_is_reminded_of_what_is_still_so(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, repeat: 1h"))
        await notify(client, title="full", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        clock.ahead = 3601
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        clock.ahead = 7203
        await receiver.wait_for(lambda: len(receiver.calls) == 3)
        await notify(client, title="full", key="disk", status="resolved")
        await receiver.wait_for(lambda: len(receiver.calls) == 4)
        clock.ahead = 20_000
        await quiet()
    assert titles(receiver) == ["full", "still so: full", "still so: full", "full"]
    assert [json.loads(call.body)["status"] for call in receiver.calls] == ["firing"] * 3 + ["resolved"]


async def test_only_changes_and_the_recovery_are_told(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, changes: true"))
        for severity, status in [
            ("error", ""),
            ("error", ""),
            ("critical", ""),
            ("critical", "ok"),
            ("critical", "ok"),
        ]:
            await notify(client, severity, title="full", key="disk", status=status)
            await quiet(0.5)
        told = [(json.loads(call.body)["severity"], json.loads(call.body)["status"]) for call in receiver.calls]
    assert told == [("error", "firing"), ("critical", "firing"), ("critical", "resolved")]


async def test_a_silence_mutes_what_waits_and_what_goes_at_once(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    async with notifier(nats_server.url) as one:
        await one.notifications.administration.create_silence(
            {"match": {"data": {"cluster": "a"}}, **_around_now(), "author": "me", "reason": "work"}
        )
        await one.configure(routes(receiver))
        await notify(client, title="muted", cluster="a")
        await notify(client, title="told", cluster="b")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await one.configure(routes(receiver, "by: [cluster], wait: 0s"))
        await notify(client, title="muted too", cluster="a")
        await notify(client, title="told too", cluster="b")
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        await quiet()
        assert one.count("ops_notifications_silenced") == 2
    assert titles(receiver) == ["told", "told too"]


def _around_now() -> dict[str, str]:
    now = dt.datetime.now(dt.UTC)
    return {"from": (now - dt.timedelta(hours=1)).isoformat(), "to": (now + dt.timedelta(hours=1)).isoformat()}


async def test_beyond_its_rate_a_receiver_gets_a_summary(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, rate="limit: 5, per: 1h"))
        for number in range(30):
            await notify(client, title=f"disk {number}")
        await receiver.wait_for(lambda: len(receiver.calls) == 5)
        await quiet()
        assert len(receiver.calls) == 5
        clock.ahead = 3600
        await receiver.wait_for(lambda: len(receiver.calls) == 6)
        await quiet()
    assert titles(receiver)[5:] == ["25 notifications held back (at most 5 in 1h): 25 error"]


async def test_a_group_whose_process_died_is_told_by_another(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(routes(receiver, "by: [cluster], wait: 1h"))
        for number in range(10):
            await notify(client, title=f"disk {number}")
        await until(lambda: one.count("ops_notifications_grouped") == 10)
    clock.ahead = 3600
    async with notifier(nats_server.url, clock):
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await quiet()
    assert titles(receiver) == ["10 notifications, cluster : 10 error"]


async def test_nothing_is_left_of_what_was_told(client: Client, nats_server: NatsServer, receiver: Receiver) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(routes(receiver, "wait: 1s"))
        for number in range(10):
            await notify(client, title=f"disk {number}")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await quiet()
        assert (await client.jetstream().stream_info("ops-pending")).state.messages == 0
        consumer = await client.jetstream().consumer_info("ops-pending", "groups")
        assert (consumer.num_ack_pending, consumer.num_pending) == (0, 0)
