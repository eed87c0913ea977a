"""EventHooks custom resources in the registry: the same on both sides, whoever changes what, in whatever order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.hooks.hook import MIRRORED, ORDERED_SINCE, parse
from app.hooks.pauses import Pause
from app.hooks.registry import Registry
from app.hooks.resources import HookResources
from app.hooks.sealing import Sealing
from tests.kubernetes import EVENTHOOKS, ApiServer, Gate, answering, asking, running_api
from tests.server import buckets
from tests.server.buckets import revisions, until
from tests.server.mirrors import KEY, URL, change, resource, settled, side, written
from tests.servers import NatsServer

TARGET = "hooks.ns.one"
LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


async def make_over_http(client: Client, *names: str, **spec: Any) -> None:
    """Hooks that somebody made while there was no Kubernetes."""
    async with buckets.following(Registry(lambda: client, Sealing([KEY]))) as registry:
        for name in names:
            resources = HookResources(registry, pauses=_no_pauses())  # type: ignore[arg-type]
            await resources.create("ns", resource(name, **spec))


def _no_pauses() -> object:
    class NoPauses:
        def get(self, _: str) -> None:
            return None

    return NoPauses()


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


@pytest.mark.parametrize("how", ["delete", "purge", "nonsense", "another"])
async def test_what_somebody_does_to_the_registry_is_put_right(
    client: Client, api: ApiServer, tmp_path: Path, how: str
) -> None:
    async with side(client, api, tmp_path) as here, side(client, api, tmp_path):
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        before = await settled(client, api, lambda: here.until_in_force("ops.a"))
        bucket = await client.jetstream().key_value("ops-hooks")
        if how == "nonsense":
            await bucket.put("ns.one", b"nonsense")
        elif how == "another":
            other = parse(resource(subject="ops.z", url="http://127.0.0.1:1/"), "ns", "one")
            await bucket.put("ns.one", other.model_dump_json(by_alias=True).encode())
        else:
            await (bucket.delete if how == "delete" else bucket.purge)("ns.one")
        await until(lambda: here.hooks.registry.revision("ns.one") > before + 1)
        assert here.subject() == "ops.a"
        assert await settled(client, api, lambda: here.until_in_force("ops.a")) == before + 2


async def test_a_hook_made_over_http_becomes_a_custom_resource_once_with_its_secrets(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    await make_over_http(client, "one", options={"ordered": "true", "secret": "letmein"}, keywords={"include": ["x"]})
    async with side(client, api, tmp_path) as here, side(client, api, tmp_path):
        await until(lambda: len(api.objects(EVENTHOOKS)) == 1)
        adopted = api.get(EVENTHOOKS, "ns", "one")
        assert adopted["spec"] == {
            "type": "webhook",
            "subject": "ops.a",
            "url": URL,
            "keywords": {"include": ["x"]},
            "options": {"ordered": "true", "secret": "letmein"},
        }
        assert "annotations" not in adopted["metadata"]
        uid = adopted["metadata"]["uid"]
        await until(lambda: here.hooks.registry.get("ns", "one").metadata.uid == uid)
        assert await settled(client, api, lambda: here.until_in_force("ops.a")) == 2
        assert sum(call.verb == "create" for call in api.calls) <= 2
    first, second = map(json.loads, await revisions(client.jetstream(), "ops-hooks", "ns.one"))
    assert first["metadata"]["annotations"][ORDERED_SINCE] == second["metadata"]["annotations"][ORDERED_SINCE]


async def test_a_custom_resource_is_taken_before_a_hook_of_its_name_made_over_http(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    await make_over_http(client, "one", "two")
    api.create(EVENTHOOKS, resource(subject="ops.b"))
    async with side(client, api, tmp_path) as here:
        await here.until_in_force("ops.b")
        await until(lambda: len(api.objects(EVENTHOOKS)) == 2)


async def test_what_the_api_does_not_take_goes_on_and_is_told_once(
    client: Client, api: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await make_over_http(client, "one", "two")
    api.validate = lambda _, given: [("spec.url", "no")] if given["metadata"]["name"] == "one" else []
    async with side(client, api, tmp_path) as here:
        await until(lambda: len(api.objects(EVENTHOOKS)) == 1)
        api.drop_watches()
        api.forget_history()
        assert await settled(client, api, lambda: here.until_in_force("ops.a")) == 3
        assert here.subject() == "ops.a"
    told = [record.getMessage() for record in caplog.records if "custom resource: " in record.getMessage()]
    assert len(told) == 1
    assert "ns.one" in told[0]
    assert "hunter2" not in caplog.text


async def test_without_the_right_to_make_them_hooks_go_on(
    client: Client, api: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await make_over_http(client, "one")
    api.forbid("create", EVENTHOOKS)
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource("two"))
        await here.until_in_force("ops.a", "two")
        await settled(client, api, lambda: here.until_in_force("ops.a", "two"))
        assert here.subject() == "ops.a"
        assert sum(call.verb == "create" for call in api.calls) == 1
    assert "may not create" in caplog.text


async def test_a_locked_hook_is_not_adopted(client: Client, api: ApiServer, tmp_path: Path) -> None:
    await make_over_http(client, "one")
    async with side(client, api, tmp_path, keys=[Fernet.generate_key().decode()]) as here:
        api.create(EVENTHOOKS, resource("two"))
        await here.until_in_force("ops.a", "two")
        await settled(client, api, lambda: here.until_in_force("ops.a", "two"))
        assert [one["metadata"]["name"] for one in api.objects(EVENTHOOKS)] == ["two"]
        assert here.hooks.registry.locked(TARGET)


async def test_hooks_whose_key_was_lost_get_their_secrets_from_the_custom_resource(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
    async with side(client, api, tmp_path, keys=[Fernet.generate_key().decode()]) as here:
        await until(lambda: not here.hooks.registry.locked(TARGET))
        assert here.hooks.registry.target(TARGET) is not None


async def test_processes_with_different_keys_do_not_write_for_ever(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with (
        side(client, api, tmp_path) as here,
        side(client, api, tmp_path, keys=[Fernet.generate_key().decode()]),
    ):
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        assert await settled(client, api, lambda: here.until_in_force("ops.a")) <= 3


async def test_only_the_hooks_of_the_namespace_that_is_watched_are_anybodys_business(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as everywhere:
        api.create(EVENTHOOKS, resource("mirrored", namespace="other"))
        await everywhere.until_in_force("ops.a", "mirrored", "other")
    await make_over_http(client, "here")
    async with buckets.following(Registry(lambda: client, Sealing([KEY]))) as registry:
        await registry.create(parse(resource("there", namespace="other"), "other"))
    api.delete(EVENTHOOKS, "other", "mirrored")
    async with side(client, api, tmp_path, namespace="ns") as one:
        await until(lambda: len(api.objects(EVENTHOOKS)) == 1)
        await settled(client, api, lambda: one.until_in_force("ops.a", "here"))
        await one.custom.mirroring.apply(api.create(EVENTHOOKS, resource("more", namespace="other")))
        await one.custom.mirroring.gone("other.there")
        assert one.subject("mirrored", "other") == "ops.a"
        assert one.subject("there", "other") == "ops.a"
        assert one.subject("more", "other") is None


async def test_a_write_is_in_force_before_the_watch_tells_of_it_and_stays_so(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        api.hold_watches()
        change(api, subject="ops.b")
        await here.custom.mirroring.apply(change(api, subject="ops.c"))
        assert here.subject() == "ops.c"
        await here.custom.mirroring.apply(await here.objects.create("ns", resource("two")))
        assert here.subject("two") == "ops.a"
        api.delete(EVENTHOOKS, "ns", "one")
        await here.custom.mirroring.gone("ns.one")
        assert here.subject() is None
        before = await written(client)
        api.release_watches()
        api.create(EVENTHOOKS, resource("last"))
        assert await settled(client, api, lambda: here.until_in_force("ops.a", "last")) == before + 1
        assert here.subject() is None


async def test_a_deletion_that_is_told_late_spares_what_was_made_anew(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here, side(client, api, tmp_path) as there:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        await there.until_in_force("ops.a")
        api.delete(EVENTHOOKS, "ns", "one")
        api.create(EVENTHOOKS, resource(subject="ops.b"))
        await here.until_in_force("ops.b")
        before = await settled(client, api, lambda: there.until_in_force("ops.b"))
        await there.custom.mirroring.gone("ns.one")
        assert there.subject() == "ops.b"
        assert await settled(client, api, lambda: there.until_in_force("ops.b")) == before


async def test_what_another_process_knows_earlier_is_not_taken_back(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    """The one that is behind is told nothing by its watch, but sees the bucket."""
    async with side(client, api, tmp_path) as behind:
        api.create(EVENTHOOKS, resource())
        api.create(EVENTHOOKS, resource("gone"))
        await behind.until_in_force("ops.a")
        await behind.until_in_force("ops.a", "gone")
        api.hold_watches()
        changed = change(api, subject="ops.b")
        made = api.create(EVENTHOOKS, resource("two"))
        api.delete(EVENTHOOKS, "ns", "gone")
        async with side(client, api, tmp_path) as ahead:
            await ahead.custom.mirroring.apply(changed)
            await ahead.custom.mirroring.apply(made)
            await ahead.until_in_force("ops.b")
            await ahead.until_in_force(None, "gone")
            total = await settled(client, api, lambda: behind.until_in_force("ops.b"))
            assert (behind.subject(), behind.subject("two"), behind.subject("gone")) == ("ops.b", "ops.a", None)
            assert total == 5
        api.release_watches()
        assert await settled(client, api, lambda: behind.until_in_force("ops.b")) == 5


async def test_a_cluster_restored_from_a_backup_is_believed(client: Client, api: ApiServer, tmp_path: Path) -> None:
    for _ in range(50):
        api.advance()
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        api.create(EVENTHOOKS, resource("later"))
        await here.until_in_force("ops.a")
        await here.until_in_force("ops.a", "later")
        uid = api.get(EVENTHOOKS, "ns", "one")["metadata"]["uid"]
        await api.close()
        restored = ApiServer(port=api.port)
        older = resource(subject="ops.before")
        restored.create(EVENTHOOKS, {**older, "metadata": {**older["metadata"], "uid": uid}})
        await restored.open()
        try:
            await restored.until_watching(EVENTHOOKS)
            restored.expire_watches()
            await here.until_in_force("ops.before")
            await here.until_in_force(None, "later")
        finally:
            await restored.close()


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


async def test_changes_while_jetstream_is_away_are_in_force_when_it_is_back(
    client: Client, api: ApiServer, tmp_path: Path, nats_server: NatsServer
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        api.create(EVENTHOOKS, resource("two"))
        await here.until_in_force("ops.a")
        await here.until_in_force("ops.a", "two")
        await nats_server.kill()
        await until(lambda: not client.is_connected)
        change(api, subject="ops.b")
        api.delete(EVENTHOOKS, "ns", "two")
        await here.custom.mirroring.apply(api.create(EVENTHOOKS, resource("three")))
        await nats_server.start()
        await here.until_in_force("ops.b")
        await here.until_in_force(None, "two")
        await here.until_in_force("ops.a", "three")


async def test_nothing_is_deleted_before_the_api_has_listed_everything(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
    gate = Gate()
    api.fail_next(gate, aim=asking("list", EVENTHOOKS))
    entering = side(client, api, tmp_path)
    opened = asyncio.create_task(entering.__aenter__())
    await gate.held.wait()
    assert not opened.done()
    assert await settled(client, api, gate.held.wait) == 1
    gate.opened.set()
    here = await opened
    assert await settled(client, api, lambda: here.until_in_force("ops.a")) == 1
    await entering.__aexit__(None, None, None)


async def test_while_the_api_cannot_be_asked_what_is_in_doubt_is_left(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        api.fail_next(answering(500, "etcd is away"), times=1000, aim=asking("get", EVENTHOOKS))
        await here.custom.mirroring.gone("ns.one")
        assert here.subject() == "ops.a"
