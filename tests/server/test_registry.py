"""The registry on a real bucket: every process sees every change, whatever happens to the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from nats.aio.client import Client

from app.errors import ConflictError, NotFoundError, UnavailableError
from app.hooks.hook import Hook, parse
from app.hooks.registry import Registry
from tests.app import hook
from tests.servers import NatsServer


def a_hook(name: str, subject: str = "ops.a") -> Hook:
    return parse(hook(name, "http://127.0.0.1:1/x", subject), "default")


@contextlib.asynccontextmanager
async def following(client: Client) -> AsyncIterator[Registry]:
    registry = Registry(lambda: client)
    task = asyncio.create_task(registry.follow())
    try:
        async with asyncio.timeout(10):
            await registry.complete()
        yield registry
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(reached: Callable[[], bool], seconds: float = 1) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 -- another process's change gives no event here
            await asyncio.sleep(0.01)


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
