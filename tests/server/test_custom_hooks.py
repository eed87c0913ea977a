"""Hooks over HTTP where there is Kubernetes: custom resources are written, and are in force when the answer comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from nats.aio.client import Client

from app.errors import ConflictError, InvalidResourceError, NotFoundError, UnavailableError
from app.hooks.kubernetes.resources import CustomHooks
from app.hooks.pauses import Pause
from tests import crd
from tests.kubernetes import EVENTHOOKS, ApiServer, Object, running_api
from tests.server.buckets import until
from tests.server.mirrors import URL, Side, change, resource, side
from tests.servers import NatsServer

MASKED = "http://ops:***@127.0.0.1:1/x"
TARGET = "hooks.ns.one"
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        crd.govern(server)
        yield server


@pytest.fixture
async def here(client: Client, api: ApiServer, tmp_path: Path) -> AsyncIterator[Side]:
    async with side(client, api, tmp_path) as one:
        yield one


@pytest.fixture
def hooks(here: Side) -> CustomHooks:
    return here.custom.resources


def posted(name: str = "one", subject: str = "ops.a", **spec: Any) -> dict[str, Any]:
    """A hook with a secret in it, as it is posted."""
    return {**resource(name, subject, **spec), "metadata": {"name": name}}


def read(told: Any) -> dict[str, Any]:
    """A hook as a client gets it."""
    document: dict[str, Any] = told.model_dump(mode="json", by_alias=True)
    return document


def kept(api: ApiServer, name: str = "one") -> Object:
    return api.get(EVENTHOOKS, "ns", name)


async def test_a_hook_is_a_custom_resource_and_in_force_when_the_answer_comes(
    api: ApiServer, here: Side, hooks: CustomHooks
) -> None:
    made = read(await hooks.create("ns", posted()))
    assert here.subject() == "ops.a"
    assert kept(api)["spec"] == posted()["spec"], "as it was posted, with its secret"
    assert {name: made["metadata"][name] for name in ("uid", "resourceVersion", "generation", "creationTimestamp")} == {
        name: kept(api)["metadata"][name] for name in ("uid", "resourceVersion", "generation", "creationTimestamp")
    }
    replaced = read(await hooks.replace("ns", "one", posted(subject="ops.b")))
    assert here.subject() == "ops.b"
    assert (replaced["metadata"]["generation"], kept(api)["spec"]["subject"]) == (2, "ops.b")
    await hooks.delete("ns", "one")
    assert here.subject() is None
    assert api.objects(EVENTHOOKS) == []


async def test_what_kubectl_writes_is_read_at_once(api: ApiServer, hooks: CustomHooks) -> None:
    api.hold_watches()  # the registry does not know yet
    for name in ("two", "one"):
        api.create(EVENTHOOKS, resource(name))
    api.create(EVENTHOOKS, resource("three", namespace="other"))

    assert [told.metadata.name for told in await hooks.list("ns", "")] == ["one", "two"]
    change(api, subject="ops.b")
    assert read(await hooks.get("ns", "one"))["spec"]["subject"] == "ops.b"
    assert [told.metadata.name for told in await hooks.list("ns", "OPS.B")] == ["one"]
    api.delete(EVENTHOOKS, "ns", "one")
    with pytest.raises(NotFoundError, match="one in namespace ns"):
        await hooks.get("ns", "one")
    api.release_watches()


async def test_secrets_go_in_and_never_out(api: ApiServer, hooks: CustomHooks) -> None:
    copy = f'{{"spec":{{"url":"{URL}"}}}}'
    applied = resource("applied", options={"secret": "letmein"})
    api.create(EVENTHOOKS, {**applied, "metadata": {**applied["metadata"], "annotations": {APPLIED: copy, "a": "b"}}})
    made = await hooks.create("ns", posted(options={"secret": "letmein"}))

    for told in (made, await hooks.get("ns", "one"), *await hooks.list("ns", "")):
        assert told.spec.url == MASKED
        assert told.spec.options == {"secret": "***"}
        assert APPLIED not in told.metadata.annotations
    for secret in ("hunter2", "letmein"):
        assert await hooks.list("ns", secret) == []


async def test_what_was_read_masked_keeps_what_is_stored_when_it_is_sent_back(
    api: ApiServer, hooks: CustomHooks
) -> None:
    made = read(await hooks.create("ns", posted(options={"secret": "letmein"})))
    replaced = read(await hooks.replace("ns", "one", {**made, "spec": {**made["spec"], "subject": "ops.b"}}))

    spec = kept(api)["spec"]
    assert (spec["subject"], spec["url"], spec["options"]) == ("ops.b", URL, {"secret": "letmein"})
    assert replaced["spec"]["url"] == MASKED
    with pytest.raises(InvalidResourceError, match=r"spec\.url: is masked"):
        await hooks.create("ns", {**made, "metadata": {"name": "two"}})
    elsewhere = {**replaced["spec"], "url": "http://elsewhere.example/"}
    with pytest.raises(InvalidResourceError, match=r"spec\.options\.secret: is masked"):
        await hooks.replace("ns", "one", {**replaced, "spec": elsewhere})


async def test_a_mistake_reaches_no_api_server(api: ApiServer, hooks: CustomHooks) -> None:
    made = await hooks.create("ns", posted())
    calls = len([call for call in api.calls if call.verb in {"create", "update"}])
    regex = {"matchType": "REGEX", "include": ["("]}
    with pytest.raises(InvalidResourceError, match=r"include\[0\] is no regular expression"):
        await hooks.create("ns", posted("two", keywords=regex))
    with pytest.raises(InvalidResourceError, match=r"spec\.subject"):
        await hooks.replace("ns", "one", posted(subject="elsewhere"))
    with pytest.raises(InvalidResourceError, match=r"metadata\.name"):
        await hooks.replace("ns", "one", posted("two"))
    assert len([call for call in api.calls if call.verb in {"create", "update"}]) == calls
    assert kept(api)["metadata"]["resourceVersion"] == made.metadata.resource_version


async def test_what_only_the_api_server_refuses_is_told_by_field(api: ApiServer, hooks: CustomHooks) -> None:
    many = {f"o{number}": "" for number in range(101)}

    with pytest.raises(InvalidResourceError, match=r"spec\.options"):
        await hooks.create("ns", posted(options=many))
    assert api.objects(EVENTHOOKS) == []


async def test_two_writers_cannot_overwrite_each_other(api: ApiServer, hooks: CustomHooks) -> None:
    first = read(await hooks.create("ns", posted()))
    with pytest.raises(ConflictError, match="exists already"):
        await hooks.create("ns", posted())
    change(api, subject="ops.b")
    with pytest.raises(ConflictError, match="read it again, then replace it"):
        await hooks.replace("ns", "one", {**first, "spec": {**first["spec"], "subject": "ops.c"}})
    assert kept(api)["spec"]["subject"] == "ops.b"
    await hooks.replace("ns", "one", posted(subject="ops.d"))
    assert kept(api)["spec"]["subject"] == "ops.d", "without a version it is for the one that is there"


async def test_a_status_that_was_written_meanwhile_is_no_conflict(api: ApiServer, hooks: CustomHooks) -> None:
    first = read(await hooks.create("ns", posted()))
    api.set_status(EVENTHOOKS, "ns", "one", {"delivered": 4})

    await hooks.replace("ns", "one", {**first, "spec": {**first["spec"], "subject": "ops.b"}})

    assert (kept(api)["spec"]["subject"], kept(api)["status"]["delivered"]) == ("ops.b", 4)


def before_each_update(api: ApiServer, happens: Callable[[], object]) -> None:
    """Something happens between the reading of a hook and its writing."""

    async def interrupt(request: web.Request) -> None:
        if request.method == "PUT":
            happens()

    api.interrupt = interrupt


async def test_a_status_that_is_written_in_between_is_written_over(api: ApiServer, hooks: CustomHooks) -> None:
    await hooks.create("ns", posted())
    statuses = [{"delivered": 4}]
    before_each_update(api, lambda: statuses and api.set_status(EVENTHOOKS, "ns", "one", statuses.pop()))

    await hooks.replace("ns", "one", posted(subject="ops.b"))

    assert (kept(api)["spec"]["subject"], kept(api)["status"]) == ("ops.b", {"delivered": 4})


async def test_a_spec_that_is_written_in_between_is_not(api: ApiServer, hooks: CustomHooks) -> None:
    await hooks.create("ns", posted())
    before_each_update(api, lambda: change(api, subject="ops.c"))

    with pytest.raises(ConflictError, match="was changed since it was read"):
        await hooks.replace("ns", "one", posted(subject="ops.b"))
    assert kept(api)["spec"]["subject"] == "ops.c"


async def test_one_that_is_made_anew_in_between_is_not_written_over(api: ApiServer, hooks: CustomHooks) -> None:
    await hooks.create("ns", posted())

    again = [resource(subject="ops.c")]

    def make_anew() -> None:
        if again:
            api.delete(EVENTHOOKS, "ns", "one")
            api.create(EVENTHOOKS, again.pop())

    before_each_update(api, make_anew)
    with pytest.raises(ConflictError, match="was changed since it was read"):
        await hooks.replace("ns", "one", posted(subject="ops.b"))
    assert kept(api)["spec"]["subject"] == "ops.c"


async def test_a_hook_whose_status_never_rests_is_given_up(api: ApiServer, hooks: CustomHooks) -> None:
    await hooks.create("ns", posted())
    before_each_update(api, lambda: api.set_status(EVENTHOOKS, "ns", "one", {"delivered": api.version}))

    with pytest.raises(ConflictError, match="written by others all the time"):
        await hooks.replace("ns", "one", posted(subject="ops.b"))


async def test_what_others_keep_on_a_resource_stays(api: ApiServer, hooks: CustomHooks) -> None:
    theirs: dict[str, Any] = {
        "labels": {"app.kubernetes.io/managed-by": "Helm", "team": "sre"},
        "annotations": {APPLIED: "{}", "meta.helm.sh/release-name": "ops"},
        "finalizers": ["example.com/wait"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "1"}],
    }
    api.create(EVENTHOOKS, {**resource(), "metadata": {**resource()["metadata"], **theirs}})
    metadata = {
        "name": "one",
        "labels": {"team": "core"},
        "annotations": {"note": "x", APPLIED: "mine", "events.chenshaowen.com/ordered-since": "never"},
        "finalizers": [],
    }
    told = read(await hooks.replace("ns", "one", {**posted(subject="ops.b"), "metadata": metadata}))

    now = kept(api)["metadata"]
    assert now["labels"] == {"app.kubernetes.io/managed-by": "Helm", "team": "core"} == told["metadata"]["labels"]
    assert now["annotations"] == {**theirs["annotations"], "note": "x"}
    assert told["metadata"]["annotations"] == {"meta.helm.sh/release-name": "ops", "note": "x"}
    assert now["finalizers"] == theirs["finalizers"]
    assert now["ownerReferences"] == theirs["ownerReferences"]


async def test_labels_and_annotations_are_kept_of_a_new_one_and_no_notes_of_ours(
    api: ApiServer, hooks: CustomHooks
) -> None:
    annotations = {"note": "x", APPLIED: "{}", "events.chenshaowen.com/resource-version": "9"}
    metadata = {"name": "one", "labels": {"team": "sre"}, "annotations": annotations, "uid": "mine", "generation": 7}
    await hooks.create("ns", {**posted(), "metadata": metadata, "status": {"delivered": 9}})

    now = kept(api)
    assert (now["metadata"]["labels"], now["metadata"]["annotations"]) == ({"team": "sre"}, {"note": "x"})
    assert (now["metadata"]["generation"], "status" in now) == (1, False)
    assert now["metadata"]["uid"] != "mine"


async def test_a_hook_that_breaks_a_rule_is_shown_with_its_condition_and_hides_no_other(
    api: ApiServer, here: Side, hooks: CustomHooks
) -> None:
    broken = resource("broken", "ops..a", options={"secret": "letmein", "team": "sre"}, keywords={"include": ["x"]})
    condition = {"type": "Ready", "status": "False", "reason": "Invalid", "message": "spec.subject: has an empty token"}
    api.create(EVENTHOOKS, {**broken, "status": {"conditions": [condition]}})
    await hooks.create("ns", posted())

    told = {hook["metadata"]["name"]: hook for hook in map(read, await hooks.list("ns", ""))}
    assert list(told) == ["broken", "one"]
    assert told["broken"] == read(await hooks.get("ns", "broken"))
    assert told["broken"]["spec"] == {
        "type": "webhook",
        "subject": "ops..a",
        "url": MASKED,
        "keywords": {"include": ["x"]},
        "additional": "",
        "options": {"secret": "***", "team": "sre"},
    }
    assert condition.items() <= told["broken"]["status"]["conditions"][0].items()
    assert [hook.metadata.name for hook in await hooks.list("ns", "ops..A")] == ["broken"]
    assert here.subject("broken") is None


async def test_a_hook_that_breaks_a_rule_is_mended_or_deleted_as_any_other(
    api: ApiServer, here: Side, hooks: CustomHooks
) -> None:
    for name in ("one", "two"):
        api.create(EVENTHOOKS, resource(name, "ops..a", options={"secret": "letmein"}))
    told = read(await hooks.get("ns", "one"))

    mended = await hooks.replace("ns", "one", {**told, "spec": {**told["spec"], "subject": "ops.a"}})
    assert (mended.spec.subject, here.subject()) == ("ops.a", "ops.a")
    assert kept(api)["spec"]["url"] == URL
    assert kept(api)["spec"]["options"] == {"secret": "letmein"}
    await hooks.delete("ns", "two")
    assert [hook.metadata.name for hook in await hooks.list("ns", "")] == ["one"]


async def test_a_mask_that_somebody_applied_is_no_secret(api: ApiServer, here: Side, hooks: CustomHooks) -> None:
    api.create(EVENTHOOKS, resource(options={"secret": "***"}))
    told = read(await hooks.get("ns", "one"))

    with pytest.raises(InvalidResourceError, match=r"spec\.options\.secret: is masked .* write the secret"):
        await hooks.replace("ns", "one", told)
    assert here.subject() is None


async def test_the_status_is_that_of_the_resource_and_the_pause_as_it_is_now(
    api: ApiServer, here: Side, hooks: CustomHooks
) -> None:
    await hooks.create("ns", posted())
    api.set_status(
        EVENTHOOKS, "ns", "one", {"state": "active", "delivered": 4, "parked": 2, "lastError": "no route", "x": 1}
    )
    await here.hooks.pauses.pause(TARGET, Pause(reason="they move", by="operator", since="", generation=1))

    status = read(await hooks.get("ns", "one"))["status"]
    assert (status["state"], status["reason"], status["by"]) == ("paused", "they move", "operator")
    assert (status["delivered"], status["parked"], status["lastError"], status["failed"]) == (4, 2, "no route", None)


async def test_a_status_that_cannot_be_read_hides_nothing(api: ApiServer, hooks: CustomHooks) -> None:
    conditions = [{"type": "Ready"}]
    api.create(EVENTHOOKS, {**resource(), "status": {"delivered": "many", "conditions": conditions, "failed": 1}})

    status = read(await hooks.get("ns", "one"))["status"]
    assert (status["delivered"], status["conditions"], status["failed"]) == (None, [], 1)


async def test_a_hook_that_is_deleted_takes_its_pause_along(here: Side, hooks: CustomHooks) -> None:
    await hooks.create("ns", posted())
    await here.hooks.pauses.pause(TARGET, Pause(reason="they move", by="operator", since="", generation=1))
    await hooks.delete("ns", "one")

    assert not here.hooks.pauses.paused(TARGET)


async def test_without_kubernetes_nothing_is_read_or_written_and_delivery_goes_on(
    api: ApiServer, here: Side, hooks: CustomHooks
) -> None:
    await hooks.create("ns", posted())
    await api.close()

    for asked in (hooks.list("ns", ""), hooks.get("ns", "one"), hooks.create("ns", posted("two"))):
        with pytest.raises(UnavailableError, match="does not answer"):
            await asked
    with pytest.raises(UnavailableError, match="does not answer"):
        await hooks.delete("ns", "one")
    assert here.subject() == "ops.a"
    await api.open()


async def test_a_hook_that_is_written_while_jetstream_is_away_comes_into_force_later(
    api: ApiServer, here: Side, hooks: CustomHooks, client: Client, nats_server: NatsServer
) -> None:
    await nats_server.kill()
    await until(lambda: not client.is_connected)
    await hooks.create("ns", posted())
    assert kept(api)["spec"]["subject"] == "ops.a"
    await nats_server.start()
    await here.until_in_force("ops.a")


async def test_a_right_that_is_missing_is_named(api: ApiServer, hooks: CustomHooks) -> None:
    api.forbid("create", EVENTHOOKS)
    with pytest.raises(UnavailableError, match=r"may not create eventhooks\.crd\.chenshaowen\.com in namespace ns"):
        await hooks.create("ns", posted())
