"""Secrets of hooks on a real bucket: sealed there, used here, and lost events for nobody who lacks the key."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.delivery.secrets.masks import Masks
from app.errors import ConfigurationError, InvalidResourceError
from app.hooks.hook import Hook, parse
from app.hooks.pauses import Pause, Pauses
from app.hooks.registry import Registry
from app.hooks.resources import HookResources
from app.hooks.secrets import keys
from app.hooks.secrets.sealing import Sealing
from tests.app import hook
from tests.server import buckets
from tests.server.buckets import revisions, until
from tests.servers import NatsServer

KEY, OTHER = Fernet.generate_key().decode(), Fernet.generate_key().decode()
URL = "http://ops:hunter2@127.0.0.1:1/x?token=t0ken-t0ken"
HOOK = "hooks.default.one"


def a_resource(name: str = "one", **spec: Any) -> dict[str, Any]:
    return hook(name, URL, "ops.a", **{"options": {"secret": "letmein-letmein"}, **spec})


def a_hook(**spec: Any) -> Hook:
    return parse(a_resource(**spec), "default")


def following(client: Client, *with_keys: str) -> AbstractAsyncContextManager[Registry]:
    return buckets.following(Registry(lambda: client, Sealing(with_keys)))


async def raw(client: Client) -> list[bytes]:
    """Everything that the bucket holds, the history too."""
    return await revisions(client.jetstream(), "ops-hooks", "default.one")


async def put_in_plain_sight(client: Client) -> None:
    """As it was written before there were keys."""
    bucket = await client.jetstream().key_value("ops-hooks")
    await bucket.put("default.one", a_hook().model_dump_json(by_alias=True).encode())


async def test_what_the_bucket_holds_shows_no_secret_and_what_delivery_gets_is_whole(
    client: Client, nats_server: NatsServer
) -> None:
    async with following(client, KEY) as registry:
        made = await registry.create(a_hook())
        await registry.replace(a_hook(additional="!"), int(made.metadata.resource_version))
        target = registry.target(HOOK)
        assert target is not None
        assert (target.url, target.options) == (URL, {"secret": "letmein-letmein"})
    values = await raw(client)
    assert [json.loads(value)["spec"]["additional"] for value in values] == ["", "!"]
    await nats_server.stop()
    stored = b"".join(file.read_bytes() for file in sorted(nats_server.store.rglob("*")) if file.is_file())
    assert b"default.one" in stored
    for secret in (b"hunter2", b"t0ken", b"letmein"):
        assert secret not in b"".join(values) + stored


async def test_another_process_with_the_key_reads_what_one_has_written(client: Client) -> None:
    async with following(client, KEY) as here, following(client, OTHER, KEY) as there:
        await here.create(a_hook())
        await until(lambda: there.target(HOOK) is not None)
        assert there.target(HOOK) == here.target(HOOK)


async def test_with_the_wrong_key_the_hook_is_matched_and_paused_and_not_gone(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(client, KEY) as registry:
        await registry.create(a_hook())
    async with following(client, OTHER) as registry:
        pauses = Pauses(lambda: client, registry.generation, registry.locked)
        assert [found.hook.key for found in registry.index.find("ops.a").always] == ["default.one"]
        assert registry.target(HOOK) is None
        assert not registry.is_gone(HOOK)
        assert pauses.paused(HOOK)
        pause = pauses.get(HOOK)
        assert pause is not None
        assert (pause.by, pause.generation) == ("secrets", 1)
        assert "SECRETS_KEY" in pause.reason
        assert not pauses.paused("hooks.default.other")
    told = [record.getMessage() for record in caplog.records if "secrets of the hook" in record.getMessage()]
    assert len(told) == 1
    assert "default.one" in told[0]
    assert "SECRETS_KEY" in told[0]


async def test_an_operators_pause_is_shown_before_the_want_of_a_key(client: Client) -> None:
    async with following(client, KEY) as registry:
        await registry.create(a_hook())
    async with following(client, OTHER) as registry:
        pauses = Pauses(lambda: client, registry.generation, registry.locked)
        async with buckets.following(pauses):
            theirs = Pause(reason="maintenance", by="operator", since="2026-11-23T04:50:41Z", generation=1)
            await pauses.pause(HOOK, theirs)
            assert pauses.get(HOOK) == theirs
            await pauses.resume(HOOK)
            assert pauses.paused(HOOK)


async def test_a_locked_hook_is_mended_by_writing_its_secrets_anew(client: Client) -> None:
    async with following(client, KEY) as registry:
        await registry.create(a_hook())
    async with following(client, OTHER) as registry:
        resources = HookResources(registry, Pauses(lambda: client, registry.generation, registry.locked))
        read = (await resources.get("default", "one")).model_dump(mode="json", by_alias=True)
        with pytest.raises(InvalidResourceError, match="cannot be read"):
            await resources.replace("default", "one", read)
        replaced = await resources.replace("default", "one", a_resource())
        assert replaced.metadata.generation == 2
        assert registry.locked(HOOK) == ""
        assert (target := registry.target(HOOK)) is not None
        assert target.url == URL


async def test_keys_are_rotated_by_putting_the_new_one_first(client: Client) -> None:
    async with following(client, OTHER) as registry:
        made = await registry.create(a_hook())
    async with following(client, KEY, OTHER) as registry:
        assert registry.target(HOOK) == made.target
        await registry.seal_anew()
        assert registry.target(HOOK) == made.target
        assert registry.generation(HOOK) == 1
        before = registry.get("default", "one").metadata.resource_version
        await registry.seal_anew()
        assert registry.get("default", "one").metadata.resource_version == before, "there is nothing more to do"
    async with following(client, KEY) as registry:
        assert registry.target(HOOK) == made.target
    assert len(await raw(client)) == 1, "what the old key opens is gone"


async def test_hooks_in_plain_sight_are_read_and_sealed_by_one_of_the_processes(client: Client) -> None:
    await put_in_plain_sight(client)
    async with following(client, KEY) as here, following(client, KEY) as there:
        assert here.target(HOOK) == a_hook().target
        await asyncio.gather(here.seal_anew(), there.seal_anew())
        assert here.target(HOOK) == a_hook().target
    (value,) = await raw(client)
    assert b"hunter2" not in value


async def test_sealing_anew_leaves_what_it_cannot_open_alone(client: Client) -> None:
    async with following(client, KEY) as registry:
        await registry.create(a_hook())
    async with following(client, OTHER) as registry:
        await registry.seal_anew()
    async with following(client, KEY) as registry:
        assert registry.target(HOOK) == a_hook().target


async def test_processes_that_make_a_key_at_once_agree_on_one_and_tell_it_once(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    made = await asyncio.gather(*(keys.in_nats((), lambda: client) for _ in range(8)))
    assert len(set(made)) == 1
    assert await keys.in_nats((), lambda: client) == made[0]
    told = [record.getMessage() for record in caplog.records if "SECRETS_KEY is not set" in record.getMessage()]
    assert len(told) == 1
    assert "not against who may read all of NATS" in told[0]
    assert made[0][0] not in caplog.text


async def test_a_key_that_is_given_comes_first_and_the_one_in_nats_still_opens(client: Client) -> None:
    assert await keys.in_nats((KEY,), lambda: client) == (KEY,)
    (made,) = await keys.in_nats((), lambda: client)
    assert await keys.in_nats((KEY,), lambda: client) == (KEY, made)


async def test_a_bucket_that_holds_something_else_than_a_key_is_not_written_over(client: Client) -> None:
    await (await client.jetstream().key_value("ops-keys")).put("secrets", b"hunter2")
    with pytest.raises(ConfigurationError, match="ops-keys") as caught:
        await keys.in_nats((), lambda: client)
    assert "hunter2" not in str(caught.value)


async def test_the_key_is_waited_for_while_nats_is_away(client: Client, nats_server: NatsServer) -> None:
    await nats_server.stop()
    await until(lambda: not client.is_connected, 5)
    asked = asyncio.create_task(keys.in_nats((), lambda: client))
    await nats_server.start()
    assert len(await asyncio.wait_for(asked, 10)) == 1


async def test_a_client_reads_masks_and_searches_nothing_else(client: Client, tmp_path: Path) -> None:
    sealing = Sealing(await keys.in_folder((), tmp_path))
    async with buckets.following(Registry(lambda: client, sealing)) as registry:
        resources = HookResources(registry, Pauses(lambda: client, registry.generation, registry.locked))
        made = await resources.create("default", a_resource())
        replaced = await resources.replace(
            "default", "one", made.model_dump(mode="json", by_alias=True) | {"status": {}}
        )
        assert replaced.metadata.generation == 1, "what was sent back as it was read changes nothing"
        for seen in (made, replaced, await resources.get("default", "one"), *await resources.list("default", "")):
            assert seen.spec.url == "http://ops:***@127.0.0.1:1/x?token=***"
            assert seen.spec.options == {"secret": "***"}
        assert registry.target(HOOK) == a_hook().target
        assert [found.metadata.name for found in await resources.list("default", "127.0.0.1:1/X")] == ["one"]
        for secret in ("hunter2", "t0ken", "letmein"):
            assert await resources.list("default", secret) == []
        with pytest.raises(InvalidResourceError, match=r"spec\.url: is masked"):
            await resources.create(
                "default", {**made.model_dump(mode="json", by_alias=True), "metadata": {"name": "b"}}
            )


async def test_texts_are_masked_with_the_secrets_of_today_and_of_before(client: Client) -> None:
    registry = Registry(lambda: client, Sealing([KEY]))
    masks = Masks(registry)
    async with buckets.following(registry):
        made = await registry.create(a_hook())
        assert masks(HOOK, "401 for hunter2") == "401 for ***"
        assert masks("hooks.default.other", "401 for hunter2") == "401 for hunter2"
        url = URL.replace("hunter2", "correct-horse")
        await registry.replace(parse(hook("one", url, "ops.a"), "default"), int(made.metadata.resource_version))
        assert masks(HOOK, "hunter2, then correct-horse") == "***, then ***"
        await registry.delete("default", "one")
        assert masks(HOOK, "hunter2, then correct-horse") == "***, then ***"
