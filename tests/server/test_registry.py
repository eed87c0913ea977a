"""The registry on a real bucket: every process sees every change, whatever happens to the server."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from nats.aio.client import Client

from app.errors import ConflictError, NotFoundError, UnavailableError
from app.hooks.hook import MIRRORED, Hook, parse
from app.hooks.registry import Registry
from tests.app import hook
from tests.server import buckets
from tests.server.buckets import until
from tests.servers import NatsServer


def a_hook(name: str, subject: str = "ops.a", **spec: Any) -> Hook:
    return parse(hook(name, "http://127.0.0.1:1/x", subject, **spec), "default")


def following(client: Client) -> AbstractAsyncContextManager[Registry]:
    return buckets.following(Registry(lambda: client))


def names(registry: Registry) -> list[str]:
    return [one.metadata.name for one in registry.hooks("default")]


async def test_who_writes_reads_what_was_written(client: Client) -> None:
    async with following(client) as registry:
        made = await registry.create(a_hook("one"))
        assert registry.get("default", "one") == made
        assert made.metadata.resource_version == "1"
        assert [found.hook.metadata.name for found in registry.index.find("ops.a").always] == ["one"]
        replaced = await registry.replace(a_hook("one", "ops.b"), revision=1)
        assert registry.get("default", "one") == replaced
        assert not registry.index.find("ops.a")
        assert registry.index.find("ops.b")
        await registry.delete("default", "one")
        assert not registry.index.find("ops.b")
        with pytest.raises(NotFoundError):
            registry.get("default", "one")
        await registry.create(a_hook("one"))


async def test_every_process_sees_a_change_within_a_second(client: Client) -> None:
    async with following(client) as here, following(client) as there:
        await here.create(a_hook("one"))
        await until(lambda: names(there) == ["one"])
        await there.replace(a_hook("one", "ops.b"), revision=1)
        await until(lambda: bool(here.index.find("ops.b")))
        await here.delete("default", "one")
        await until(lambda: names(there) == [])


async def test_a_process_that_starts_later_reads_the_whole_bucket(client: Client) -> None:
    async with following(client) as registry:
        for number in range(600):  # more than one batch
            await registry.create(a_hook(f"h{number:03}"))
        await registry.delete("default", "h005")
    async with following(client) as registry:
        assert names(registry) == [f"h{number:03}" for number in range(600) if number != 5]


async def test_two_writers_cannot_overwrite_each_other(client: Client) -> None:
    async with following(client) as registry:
        await registry.create(a_hook("one"))
        await registry.replace(a_hook("one", "ops.b"), revision=1)
        with pytest.raises(ConflictError):
            await registry.replace(a_hook("one", "ops.c"), revision=1)
        with pytest.raises(ConflictError):
            await registry.create(a_hook("one"))
        assert registry.get("default", "one").spec.subject == "ops.b"


async def test_changes_are_seen_after_the_server_was_killed(client: Client, nats_server: NatsServer) -> None:
    async with following(client) as registry:
        await registry.create(a_hook("before"))
        await nats_server.kill()
        with pytest.raises(UnavailableError):
            await registry.create(a_hook("lost"))
        assert registry.index.find("ops.a"), "matching goes on with what was known"
        await nats_server.start()
        await until(lambda: client.is_connected, 10)
        bucket = await client.jetstream().key_value("ops-hooks")
        await bucket.put("default.after", a_hook("after").model_dump_json(by_alias=True).encode())
        await bucket.delete("default.before")
        await until(lambda: names(registry) == ["after"], 10)


async def test_a_value_that_is_no_hook_hides_no_other(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    bucket = await client.jetstream().key_value("ops-hooks")
    await bucket.put("default.broken", b"nonsense")
    async with following(client) as registry:
        await registry.create(a_hook("good"))
        assert names(registry) == ["good"]
        assert "default.broken" in caplog.text


async def test_the_reader_leaves_no_consumer_that_outlives_it_for_long(client: Client) -> None:
    async with following(client):
        consumers = await client.jetstream().consumers_info("KV_ops-hooks")
        assert [info.config.inactive_threshold for info in consumers] == [60]


async def test_a_value_under_another_hooks_name_is_no_hook(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    bucket = await client.jetstream().key_value("ops-hooks")
    await bucket.put("default.two", a_hook("one").model_dump_json(by_alias=True).encode())
    async with following(client) as registry:
        assert names(registry) == []
        assert not registry.is_gone("hooks.default.two")
    assert "it is the hook default.one" in caplog.text


async def test_delivery_finds_a_hook_by_the_key_of_its_target(client: Client) -> None:
    async with following(client) as registry:
        made = await registry.create(a_hook("a.b"))
        key = made.target.key
        assert registry.target(key) == made.target
        assert (compiled := registry.compiled(key)) is not None
        assert compiled.hook.key == "default.a.b"
        assert registry.generation(key) == 1
        assert (registry.target("default.a.b"), registry.target("notifications.default.a.b")) == (None, None)


async def test_a_hook_is_gone_only_where_that_is_sure(client: Client) -> None:
    bucket = await client.jetstream().key_value("ops-hooks")
    await bucket.put("default.unreadable", b"nonsense")
    unread = Registry(lambda: client)
    assert not unread.is_gone("hooks.default.one"), "nothing is known yet"
    async with following(client) as registry:
        await registry.create(a_hook("one"))
        assert not registry.is_gone("hooks.default.one")
        assert not registry.is_gone("hooks.default.unreadable")
        assert not registry.is_gone("notifications.default.one"), "that is not for hooks to say"
        assert not await registry.confirm_gone("hooks.default.one")
        await registry.delete("default", "one")
        assert registry.is_gone("hooks.default.one")
        assert registry.is_gone("hooks.default.never-there")
        assert await registry.confirm_gone("hooks.default.one")
        assert not await registry.confirm_gone("notifications.default.one")


async def test_ordered_hooks_are_told_and_since_when_they_are(client: Client) -> None:
    async with following(client) as registry:
        await registry.create(a_hook("free"))
        made = await registry.create(a_hook("ordered", options={"ordered": "true"}))
        assert registry.ordered == {"hooks.default.ordered": registry.since("hooks.default.ordered")}
        first = registry.since("hooks.default.ordered")
        await registry.replace(a_hook("ordered"), int(_revision(made)))
        assert registry.ordered == {}
        assert registry.since("hooks.default.ordered") > first
        assert registry.since("hooks.default.never-there") == 0


async def test_who_subscribes_hears_of_each_change_when_it_is_in_effect(client: Client) -> None:
    async with following(client) as registry:
        told: list[tuple[set[str], bool]] = []
        registry.subscribe(lambda targets: told.append((set(targets), bool(registry.index.find("ops.a")))))
        made = await registry.create(a_hook("one"))
        await registry.replace(a_hook("one", "ops.b"), int(_revision(made)))
        await registry.delete("default", "one")
    assert told == [({"hooks.default.one"}, True), ({"hooks.default.one"}, False), ({"hooks.default.one"}, False)]


async def test_a_copy_takes_the_place_of_whatever_lies_at_a_revision(client: Client) -> None:
    bucket = await client.jetstream().key_value("ops-hooks")
    await bucket.put("default.unreadable", b"nonsense")
    async with following(client) as registry:
        assert registry.revision("default.one") == 0
        await registry.keep(a_hook("one"), 0)
        await registry.keep(a_hook("unreadable"), registry.revision("default.unreadable"))
        assert sorted(registry.keys()) == ["default.one", "default.unreadable"]
        await registry.drop("default.one", registry.revision("default.one"))
        assert registry.copy("default.one") is None
        await registry.keep(a_hook("one", "ops.b"), registry.revision("default.one"))
        assert registry.index.find("ops.b")


async def test_neither_is_a_copy_written_nor_dropped_that_was_changed_since(client: Client) -> None:
    async with following(client) as here, following(client) as there:
        await here.keep(a_hook("one"), 0)
        await until(lambda: names(there) == ["one"])
        await here.keep(a_hook("one", "ops.b"), 1)
        with pytest.raises(ConflictError):
            await there.keep(a_hook("one", "ops.c"), 1)
        with pytest.raises(ConflictError):
            await there.drop("default.one", 1)
        await there.passed("default.one", 1)
        assert there.get("default", "one").spec.subject == "ops.b"


async def test_of_which_version_a_copy_is_nobody_is_shown(client: Client) -> None:
    given = hook("one", "http://127.0.0.1:1/x", "ops.a")
    marked = {**given, "metadata": {"name": "one", "annotations": {MIRRORED: "7", "note": "x"}}}
    async with following(client) as registry:
        await registry.keep(parse(marked, "default"), 0)
        assert registry.get("default", "one").metadata.annotations == {"note": "x"}
        assert [one.metadata.annotations for one in registry.hooks("default")] == [{"note": "x"}]
        assert (copy := registry.copy("default.one")) is not None
        assert copy.mark == "7"


def _revision(hook: Hook) -> str:
    return hook.metadata.resource_version
