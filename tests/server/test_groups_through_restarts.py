"""What groups, rates and silences know lies in NATS: all replicas end and others begin, in the middle of each."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from nats.aio.client import Client

from tests.receiver import Receiver
from tests.server.notifying import Clock, Notifier, notify, quiet, replicas, routes, titles, until
from tests.servers import NatsServer

HOUR = 3600


async def told(receiver: Receiver, number: int) -> None:
    await receiver.wait_for(lambda: len(receiver.calls) >= number)
    await quiet()
    assert len(receiver.calls) == number, titles(receiver)


async def test_an_interval_goes_on(client: Client, nats_server: NatsServer, receiver: Receiver) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 0s, interval: 1h"))
        await notify(client, title="first")
        await told(receiver, 1)
        await notify(client, title="second")
        await quiet()
    async with replicas(nats_server.url, clock):
        await notify(client, title="third")
        await told(receiver, 1)
        clock.ahead = HOUR
        await told(receiver, 2)
    assert titles(receiver) == ["first", "2 notifications: 2 error"]


async def test_what_was_told_is_remembered_until_its_repeat(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, repeat: 2h"))
        await notify(client, title="full", key="disk")
        await told(receiver, 1)
    clock.ahead = HOUR
    async with replicas(nats_server.url, clock):
        await notify(client, title="full", key="disk")
        await told(receiver, 1)
        clock.ahead = 2 * HOUR + 1
        await told(receiver, 2)  # a reminder, though nothing came
    assert titles(receiver) == ["full", "still so: full"]


async def test_a_change_is_one_from_what_was_told_before(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, changes: true"))
        await notify(client, title="full", key="disk")
        await told(receiver, 1)
    async with replicas(nats_server.url, clock):
        await notify(client, title="full", key="disk")
        await told(receiver, 1)
        await notify(client, title="full", key="disk", status="resolved")
        await told(receiver, 2)
    async with replicas(nats_server.url, clock):
        await notify(client, title="full", key="disk", status="resolved")
        await told(receiver, 2)
    assert [json.loads(call.body)["status"] for call in receiver.calls] == ["firing", "resolved"]
    assert (await client.jetstream().stream_info("ops-pending")).state.messages == 0


async def test_a_window_of_a_rate_goes_on(client: Client, nats_server: NatsServer, receiver: Receiver) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, rate="limit: 2, per: 1d"))
        for number in range(4):
            await notify(client, title=f"disk {number}")
        await told(receiver, 2)
    async with replicas(nats_server.url, clock):
        for number in range(4, 6):
            await notify(client, title=f"disk {number}")
        await told(receiver, 2)
        clock.ahead = 24 * HOUR
        await told(receiver, 3)
    assert titles(receiver)[2] == "4 notifications held back (at most 2 in 1d): 4 error"


def accounted_for(receiver: Receiver) -> int:
    """Notifications that were told, by themselves or among those of a summary."""
    return sum(int(title.split()[0]) if "held back" in title else 1 for title in titles(receiver))


async def test_each_window_of_a_rate_has_its_summary(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    async with replicas(nats_server.url, Clock()) as (one, _):
        await one.configure(routes(receiver, rate="limit: 1, per: 2s"))
        for burst in (10, 20):
            for number in range(10):
                await notify(client, title=f"disk {number}")
            await receiver.wait_for(lambda burst=burst: accounted_for(receiver) >= burst)  # type: ignore[misc]
        await quiet()
    assert accounted_for(receiver) == 20
    assert len([title for title in titles(receiver) if "held back" in title]) >= 2


def silence(clock: Clock, begins: float, ends: float, **more: Any) -> dict[str, Any]:
    """One of cluster `a`, from and to so many seconds from now."""
    now = dt.datetime.fromtimestamp(clock(), dt.UTC)
    times = {"from": now + dt.timedelta(seconds=begins), "to": now + dt.timedelta(seconds=ends)}
    written = {name: moment.isoformat() for name, moment in times.items()}
    return {
        "match": {"data": {"cluster": "a"}},
        **written,
        "author": "me",
        "reason": "work",
        "noticeBefore": "0s",
        **more,
    }


async def silenced(one: Notifier, other: Notifier, number: int) -> None:
    await until(lambda: sum(each.count("ops_notifications_silenced") for each in (one, other)) == number)


async def test_a_silence_begins_and_ends_in_its_time(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver))
        await one.notifications.administration.create_silence(silence(clock, HOUR, 2 * HOUR))
        await notify(client, title="before", cluster="a")
        await told(receiver, 1)
    clock.ahead = HOUR + 1
    async with replicas(nats_server.url, clock) as (one, other):
        await notify(client, title="meanwhile", cluster="a")
        await silenced(one, other, 1)
        clock.ahead = 2 * HOUR + 1
        await notify(client, title="after", cluster="a")
        await told(receiver, 2)
    assert titles(receiver) == ["before", "after"]


async def test_a_group_is_silenced_when_it_is_told_and_not_when_it_comes(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "by: [cluster], wait: 2h"))
        await one.notifications.administration.create_silence(silence(clock, HOUR, 3 * HOUR))
        for cluster in ("a", "b"):
            await notify(client, title=f"disk of {cluster}", cluster=cluster)
        await quiet()
    async with replicas(nats_server.url, clock) as (one, other):
        clock.ahead = 2 * HOUR + 1
        await told(receiver, 1)
        await silenced(one, other, 1)
    assert titles(receiver) == ["disk of b"]
    assert (await client.jetstream().stream_info("ops-pending")).state.messages == 0


async def test_that_a_silence_ends_is_told_once_before(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver))
        given = silence(clock, 0, 2 * HOUR, noticeBefore="30m")
        await one.notifications.administration.create_silence(given)
        await quiet()
        assert receiver.calls == []
    async with replicas(nats_server.url, clock):
        clock.ahead = 1.6 * HOUR
        await told(receiver, 1)
        clock.ahead = 3 * HOUR
        await told(receiver, 1)
    (title,) = titles(receiver)
    assert title == "a silence of me ends in 23m"
    assert (await client.jetstream().stream_info("ops-pending")).state.messages == 0
