"""Groups when things go wrong: faults in the middle, silences, receivers that go, events that are odd."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from nats.aio.client import Client

from app.errors import UnavailableError
from app.jetstream.bucket import Bucket
from app.jetstream.publish import JetStreamPublisher
from app.notifications.groups import keeper
from app.notifications.unrouted import UNROUTED
from tests.receiver import Receiver
from tests.server.notifying import Clock, Notifier, notifier, notify, quiet, replicas, routes, titles, until
from tests.servers import NatsServer

HOUR = 3600.0

Work = Callable[..., Awaitable[Any]]


def has(receiver: Receiver, number: int) -> bool:
    return len(receiver.calls) == number


class Faults:
    """Has the writes of a group's message fail, the one at a place, before it is done or behind it."""

    def __init__(self, place: int, *, behind: bool) -> None:
        self.place = place
        self.behind = behind
        self.count = 0

    def at(self, work: Work, is_one: Callable[..., bool]) -> Work:
        async def done(*args: Any, **kwargs: Any) -> Any:
            if not is_one(*args):
                return await work(*args, **kwargs)
            self.count += 1
            fails = self.count == self.place
            if fails and not self.behind:
                raise UnavailableError("a fault of this test")
            result = await work(*args, **kwargs)
            if fails:
                raise UnavailableError("a fault of this test")
            return result

        return done


def _is_of_a_message(_: Any, subject: str, *__: Any) -> bool:
    return subject.startswith(("ops-parked.", "ops-pending.reminders."))


def _is_of_a_group(bucket: Bucket, *_: Any) -> bool:
    return bucket.name == "ops-groups"


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("place", [1, 2, 3, 4])  # written down, handed over, to be reminded of, crossed out
async def test_a_fault_at_any_write_neither_loses_nor_doubles_a_message(
    client: Client,
    nats_server: NatsServer,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    place: int,
    behind: bool,  # noqa: FBT001 -- a parameter
) -> None:
    faults, clock = Faults(place, behind=behind), Clock()
    monkeypatch.setattr(keeper, "_FAULT", 0.1)
    monkeypatch.setattr(JetStreamPublisher, "__call__", faults.at(JetStreamPublisher.__call__, _is_of_a_message))
    monkeypatch.setattr(Bucket, "update", faults.at(Bucket.update, _is_of_a_group))
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 1h, repeat: 1h"))
        for number in range(5):
            await notify(client, title=f"disk {number}", key=f"{number}")
        await until(lambda: one.count("ops_notifications_grouped") + _.count("ops_notifications_grouped") == 5)
        clock.ahead = HOUR
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await until(lambda: faults.count >= 4)
        await quiet()
        assert titles(receiver) == ["5 notifications: 5 error"]
        clock.ahead = 2 * HOUR + 60
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        await quiet()
    assert titles(receiver) == ["5 notifications: 5 error", "still so: 5 notifications: 5 error"]


async def test_what_is_said_again_meanwhile_takes_no_reminder_away(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, _):
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, repeat: 1h"))
        await notify(client, title="full", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await notify(client, title="full", key="disk")
        await notify(client, title="well", key="another", status="resolved")
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        await quiet()
        clock.ahead = HOUR + 60
        await receiver.wait_for(lambda: len(receiver.calls) == 3)
    assert titles(receiver) == ["full", "well", "still so: full"]


async def test_a_replica_whose_clock_is_ahead_reminds_too(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock(ahead=20.0)  # the server's time is another
    async with notifier(nats_server.url, clock) as one:
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, repeat: 1m"))
        await notify(client, title="full", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        for turn in (1, 2, 3):
            clock.ahead = 20.0 + 61 * turn
            await receiver.wait_for(partial(has, receiver, turn + 1))
        await quiet()
    assert len(receiver.calls) == 4


def _from_now(clock: Clock, seconds: float) -> dict[str, str]:
    now = dt.datetime.fromtimestamp(clock(), dt.UTC)
    return {"from": now.isoformat(), "to": (now + dt.timedelta(seconds=seconds)).isoformat()}


async def _silence(one: Notifier, clock: Clock, seconds: float, **match: Any) -> str:
    given = {"match": match, **_from_now(clock, seconds), "author": "me", "reason": "work", "noticeBefore": 0}
    made = await one.notifications.administration.create_silence(given)
    return str(made["id"])


async def test_a_silence_that_begins_while_a_group_waits_mutes_it_and_leaves_nothing(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(routes(receiver, "by: [cluster], wait: 1h"))
        for number in range(5):
            await notify(client, title=f"disk {number}", cluster="a", labels={"team": "x"})
            await notify(client, title=f"disk {number}", cluster="b")
        await until(lambda: one.count("ops_notifications_grouped") == 10)
        await _silence(one, clock, 2 * HOUR, data={"labels.team": "x"})
        clock.ahead = HOUR
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await quiet()
        assert one.count("ops_notifications_silenced") == 5
        assert (await client.jetstream().stream_info("ops-pending")).state.messages == 0
    assert titles(receiver) == ["5 notifications, cluster b: 5 error"]


async def test_a_reminder_waits_for_the_end_of_a_silence(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, repeat: 1h"))
        await notify(client, title="full", key="disk", labels={"team": "x"})
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await _silence(one, clock, 2 * HOUR, data={"labels.team": "x"})
        clock.ahead = HOUR + 60
        await quiet()
        assert len(receiver.calls) == 1
        clock.ahead = 2 * HOUR + 60
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
    assert titles(receiver) == ["full", "still so: full"]


async def test_after_a_recovery_that_was_silenced_the_next_failure_is_news(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(routes(receiver, "wait: 0s, interval: 0s, repeat: 1h, changes: true"))
        await notify(client, title="full", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        silence = await _silence(one, clock, HOUR, data={"key": "disk"})
        await notify(client, title="full", key="disk", status="resolved")
        await until(lambda: one.count("ops_notifications_silenced") == 1)
        await one.notifications.administration.delete_silence(silence)
        await notify(client, title="full again", key="disk")
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
    assert titles(receiver) == ["full", "full again"]


async def test_what_waits_for_a_receiver_that_is_removed_is_kept_as_unrouted(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(routes(receiver, "wait: 1h"))
        for number in range(3):
            await notify(client, title=f"disk {number}")
        await until(lambda: one.count("ops_notifications_grouped") == 3)
        await one.configure(routes(receiver).replace("operators", "renamed"))
        clock.ahead = HOUR
        await until(lambda: one.count("ops_notifications_unrouted") == 3)
        letters, total = await one.delivery.letters.page(UNROUTED.key, 0, 10)
        assert (total, letters[0].reason) == (3, "its receiver operators is gone")
        await one.delivery.letters.redrive(UNROUTED.key, [])
        await receiver.wait_for(lambda: len(receiver.calls) == 3)
    assert sorted(titles(receiver)) == ["disk 0", "disk 1", "disk 2"]


async def test_jetstream_away_in_the_middle_of_a_wait_loses_nothing(
    client: Client, nats_server: NatsServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_FAULT", 0.2)
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(routes(receiver, "wait: 1h"))
        for number in range(10):
            await notify(client, title=f"disk {number}")
        await until(lambda: one.count("ops_notifications_grouped") == 10)
        await nats_server.kill()
        clock.ahead = HOUR
        await nats_server.start()
        await receiver.wait_for(lambda: len(receiver.calls) == 1, 60)
        await quiet()
    assert titles(receiver) == ["10 notifications: 10 error"]
