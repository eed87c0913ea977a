"""EventHooks custom resources in the registry: in force as they are made, changed and deleted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from app.hooks.hook import MIRRORED
from app.hooks.pauses import Pause
from tests.kubernetes import EVENTHOOKS, ApiServer, running_api
from tests.server.buckets import revisions, until
from tests.server.mirrors import change, resource, settled, side, written

TARGET = "hooks.ns.one"
LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


def pause(since: str) -> Pause:
    return Pause(reason="maintenance", by="operator", since=since, generation=1)


async def test_a_custom_resource_is_in_force_as_it_is_made_changed_and_deleted(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        made = api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        kept = here.hooks.registry.get("ns", "one").metadata
        assert (kept.uid, kept.generation) == (made["metadata"]["uid"], 1)
        assert kept.creation_timestamp == made["metadata"]["creationTimestamp"]
        change(api, subject="ops.b")
        await here.until_in_force("ops.b")
        assert here.hooks.registry.generation(TARGET) == 2
        api.delete(EVENTHOOKS, "ns", "one")
        await here.until_in_force(None)
        assert await written(client) == 3


async def test_labels_and_annotations_are_kept_and_what_kubectl_applied_is_not(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    given = resource()
    given["metadata"] |= {
        "labels": {"team": "blue"},
        "annotations": {"note": "x", "kubectl.kubernetes.io/last-applied-configuration": json.dumps(given)},
    }
    async with side(client, api, tmp_path) as here:
        made = api.create(EVENTHOOKS, given)
        await here.until_in_force("ops.a")
        copy = here.hooks.registry.copy("ns.one")
        assert copy is not None
        assert copy.hook.metadata.labels == {"team": "blue"}
        assert copy.hook.metadata.annotations == {"note": "x", MIRRORED: made["metadata"]["resourceVersion"]}
        assert here.hooks.registry.get("ns", "one").metadata.annotations == {"note": "x"}, "the mark is not shown"
    assert all(b"hunter2" not in value for value in await revisions(client.jetstream(), "ops-hooks", "ns.one"))


async def test_fields_that_are_null_are_not_there(client: Client, api: ApiServer, tmp_path: Path) -> None:
    given = resource(keywords=None, additional=None, options=None)
    given["status"] = None
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, given)
        await here.until_in_force("ops.a")


async def test_an_invalid_one_leaves_the_last_valid_one_in_force_until_it_is_mended(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        change(api, subject="nonsense")
        api.create(EVENTHOOKS, resource("two", "ops.b"))
        await here.until_in_force("ops.b", "two")
        assert here.subject() == "ops.a"
        change(api, subject="ops.c")
        await here.until_in_force("ops.c")
        assert here.hooks.registry.generation(TARGET) == 3


async def test_what_was_never_valid_is_not_in_force_and_a_mask_is_no_secret(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource("broken", "nonsense"))
        api.create(EVENTHOOKS, resource("masked", url="http://ops:***@127.0.0.1:1/x"))
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        assert (here.spec("broken"), here.spec("masked")) == (None, None)


async def test_an_invalid_one_made_anew_does_not_keep_what_was_deleted(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
    api.delete(EVENTHOOKS, "ns", "one")
    api.create(EVENTHOOKS, resource(subject="nonsense"))
    async with side(client, api, tmp_path) as here:
        await here.until_in_force(None)


async def test_a_change_of_the_status_alone_is_not_written(client: Client, api: ApiServer, tmp_path: Path) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        for number in range(5):
            api.set_status(EVENTHOOKS, "ns", "one", {"delivered": number})
        api.create(EVENTHOOKS, resource("two"))
        await here.until_in_force("ops.a", "two")
        assert await written(client) == 2


async def test_two_processes_write_each_change_once(client: Client, api: ApiServer, tmp_path: Path) -> None:
    names = [f"h{number}" for number in range(20)]
    async with side(client, api, tmp_path) as here, side(client, api, tmp_path) as there:

        async def reached(subject: str | None) -> None:
            for name in names:
                await here.until_in_force(subject, name)
                await there.until_in_force(subject, name)

        for name in names:
            api.create(EVENTHOOKS, resource(name))
        assert await settled(client, api, lambda: reached("ops.a")) == len(names)
        for name in names:
            change(api, name, subject="ops.b")
        assert await settled(client, api, lambda: reached("ops.b")) == 2 * len(names)
        for name in names:
            api.delete(EVENTHOOKS, "ns", name)
        assert await settled(client, api, lambda: reached(None)) == 3 * len(names)


async def test_a_restart_writes_nothing(client: Client, api: ApiServer, tmp_path: Path) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        api.create(EVENTHOOKS, resource("ordered", options={"ordered": "true"}))
        await here.until_in_force("ops.a")
        await here.until_in_force("ops.a", "ordered")
    api.set_status(EVENTHOOKS, "ns", "one", {"delivered": 1})
    async with side(client, api, tmp_path) as here:
        assert await settled(client, api, lambda: here.until_in_force("ops.a")) == 2


async def test_what_was_changed_and_deleted_while_nobody_watched_is_made_up_for(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        for name in ("one", "two", "anew"):
            api.create(EVENTHOOKS, resource(name))
            await here.until_in_force("ops.a", name)
    api.delete(EVENTHOOKS, "ns", "one")
    change(api, "two", subject="ops.b")
    api.delete(EVENTHOOKS, "ns", "anew")
    api.create(EVENTHOOKS, resource("anew", "ops.c"))
    api.forget_history()
    async with side(client, api, tmp_path) as here:
        await here.until_in_force(None, "one")
        await here.until_in_force("ops.b", "two")
        await here.until_in_force("ops.c", "anew")
        assert here.hooks.registry.generation("hooks.ns.anew") == 1


async def test_a_list_that_lacks_what_was_known_is_believed(client: Client, api: ApiServer, tmp_path: Path) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        await api.close()
        api.delete(EVENTHOOKS, "ns", "one")
        api.forget_history()
        await api.open()
        await here.until_in_force(None)


async def test_a_deleted_hook_loses_its_pause(client: Client, api: ApiServer, tmp_path: Path) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        await here.hooks.pauses.pause(TARGET, pause(LONG_AGO))
        change(api, subject="ops.b")
        await here.until_in_force("ops.b")
        assert here.hooks.pauses.paused(TARGET)
        api.delete(EVENTHOOKS, "ns", "one")
        await until(lambda: not here.hooks.pauses.paused(TARGET))


async def test_a_pause_that_was_left_behind_is_not_for_the_next_of_that_name(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        await here.hooks.pauses.pause(TARGET, pause(LONG_AGO))
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        assert not here.hooks.pauses.paused(TARGET)


async def test_a_hook_whose_copy_was_deleted_by_mistake_stays_paused(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        await here.hooks.pauses.pause(TARGET, pause("2100-01-01T00:00:00Z"))
        await (await client.jetstream().key_value("ops-hooks")).delete("ns.one")
        await until(lambda: here.hooks.registry.revision("ns.one") == 3)
        assert here.hooks.pauses.paused(TARGET)


async def test_a_hook_stays_ordered_since_it_became_so(client: Client, api: ApiServer, tmp_path: Path) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource(options={"ordered": "true"}))
        await here.until_in_force("ops.a")
        since = here.hooks.registry.ordered[TARGET]
        change(api, subject="ops.b")
        await here.until_in_force("ops.b")
        assert here.hooks.registry.ordered[TARGET] == since
        change(api, options={})
        await until(lambda: not here.hooks.registry.ordered)
        change(api, options={"ordered": "true"})
        await until(lambda: TARGET in here.hooks.registry.ordered)
        assert here.hooks.registry.ordered[TARGET] > since
