"""Changes on the side of the registry: put right where there is a custom resource, adopted where there is none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.hooks.hook import ORDERED_SINCE, parse
from app.hooks.registry import Registry
from app.hooks.resources import HookResources
from app.hooks.secrets.sealing import Sealing
from tests.kubernetes import EVENTHOOKS, ApiServer, running_api
from tests.server import buckets
from tests.server.buckets import revisions, until
from tests.server.mirrors import KEY, URL, resource, settled, side

TARGET = "hooks.ns.one"


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
