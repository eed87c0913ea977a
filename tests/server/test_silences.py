"""Silences in their bucket: what is forgotten, replicas that lag behind, and notices of their ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from nats.aio.client import Client

from app.errors import NotFoundError
from app.notifications.notification import Notification
from app.notifications.silences.registry import KeptSilence, Silence, Silences, parse
from tests.receiver import Receiver
from tests.server.buckets import following
from tests.server.notifying import Clock, notifier, quiet, replicas, until
from tests.servers import NatsServer

DEFAULT = 'default: operators\nreceivers:\n- {{name: operators, destination: {{type: webhook, url: "{url}"}}}}\n'


def silence(begins: float = -60, ends: float = 3600, **changes: Any) -> Silence:
    now = dt.datetime.now(dt.UTC)
    times = {"from": now + dt.timedelta(seconds=begins), "to": now + dt.timedelta(seconds=ends)}
    given = {name: time.isoformat() for name, time in times.items()}
    return parse({"match": {"data": {"cluster": "a"}}, **given, "author": "me", "reason": "work", **changes})


def silences(client: Client) -> Silences:
    return Silences(lambda: client)


async def test_of_many_only_the_active_ones_mute_and_changes_count_at_once(client: Client) -> None:
    async with following(silences(client)) as one:
        said, now = Notification(data={"cluster": "a"}), dt.datetime.now(dt.UTC).timestamp()
        assert not one.mutes(said, now)
        kept = await one.create(silence(begins=10, ends=20))
        assert [one.mutes(said, now + after) for after in (0, 11, 21, 12, 0)] == [False, True, False, True, False]
        await one.replace(kept.id, silence(match={"data": {"cluster": "b"}}, begins=10, ends=20))
        assert not one.mutes(said, now + 11)
        await one.delete(kept.id)
        assert not one.mutes(Notification(data={"cluster": "b"}), now + 11)


async def test_the_notice_of_its_own_end_is_not_muted(client: Client) -> None:
    async with following(silences(client)) as one:
        kept = await one.create(silence(match={"severity": "info"}))
        now = dt.datetime.now(dt.UTC).timestamp()
        notice = Notification("ops", "silences", "info", {"silence": kept.id})
        assert not one.mutes(notice, now)
        assert one.mutes(Notification("ops", "silences", "info", {"silence": "another"}), now)
        assert one.mutes(Notification("other", "silences", "info", {"silence": kept.id}), now)


async def test_old_silences_and_the_markers_of_deleted_ones_are_forgotten(client: Client) -> None:
    async with following(silences(client)) as one:
        old = await one.create(silence(begins=-7200, ends=-3600))
        new = await one.create(silence())
        now = dt.datetime.now(dt.UTC).timestamp()
        await one.forget_old(now)
        assert [kept.id for kept in one.all()] == [new.id]
        stream = await client.jetstream().stream_info("KV_ops-silences")
        assert stream.state.messages == 2  # the marker is younger
        await one.forget_old(now + 60)
        stream = await client.jetstream().stream_info("KV_ops-silences", subjects_filter=">")
        assert [*(stream.state.subjects or {})] == [f"$KV.ops-silences.{new.id}"]
        assert await one.confirm_gone(old.id)
        assert not await one.confirm_gone(new.id)


async def test_a_replica_that_has_not_heard_of_a_silence_yet_drops_no_notice(
    client: Client, nats_server: NatsServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    get = Silences.get

    def get_later(of: Silences, identity: str) -> KeptSilence:
        asked.append(identity)
        if len(asked) <= 3:
            raise NotFoundError("it has not arrived yet")
        return get(of, identity)

    async with notifier(nats_server.url) as one:
        await one.configure(DEFAULT.format(url=receiver.url))
        kept = await one.notifications.silences.create(silence(ends=600, noticeBefore="10m"))
        monkeypatch.setattr(Silences, "get", get_later)
        await one.notifications.endings.expect(kept)
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert len(asked) == 4


async def test_two_replicas_tell_of_an_end_once_also_after_it_was_moved(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with replicas(nats_server.url, clock) as (one, other):
        await one.configure(DEFAULT.format(url=receiver.url))
        given = silence(ends=3600, noticeBefore="15m").model_dump(mode="json", by_alias=True, exclude_none=True)
        made = await one.notifications.administration.create_silence(given)
        await until(other.notifications.silences.all)
        moved = silence(ends=7200, noticeBefore="15m").model_dump(mode="json", by_alias=True, exclude_none=True)
        await other.notifications.administration.replace_silence(made["id"], moved)
        clock.ahead = 3000
        await quiet()
        assert receiver.calls == []
        clock.ahead = 7200 - 600
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await quiet()
        assert len(receiver.calls) == 1


async def test_of_a_silence_that_was_ended_nothing_is_told(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(DEFAULT.format(url=receiver.url))
        given = silence(ends=3600).model_dump(mode="json", by_alias=True, exclude_none=True)
        made = await one.notifications.administration.create_silence(given)
        await one.notifications.administration.delete_silence(made["id"])
        clock.ahead = 3000
        await quiet(2)
    assert receiver.calls == []
