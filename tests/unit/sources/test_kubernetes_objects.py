"""Single objects over real HTTP: what the API refuses becomes an error that says how to mend it, and shows no value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from app.errors import ConflictError, InvalidResourceError, NotFoundError, UnavailableError
from app.hooks.kubernetes.api import HookObjects
from app.sources.kubernetes import objects as room
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.objects import KubernetesObjects
from app.sources.kubernetes.resource import Resource
from tests import crd
from tests.kubernetes import EVENTHOOKS, ApiServer, answering, failure
from tests.kubernetes.statuses import expired_continue
from tests.unit.hooks.resources import NAMESPACE, resource

HOOKS = Resource("crd.chenshaowen.com", "v1", "eventhooks")
HERE = f"/apis/crd.chenshaowen.com/v1/namespaces/{NAMESPACE}/eventhooks"
NAME = "pod-errors"


@pytest.fixture
def objects(api: ApiServer, connection: Connection) -> HookObjects:
    crd.govern(api)
    return KubernetesObjects(connection, HOOKS)


def named(name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    return {**resource(), "metadata": {"name": name, "namespace": namespace}}


def fields(caught: pytest.ExceptionInfo[InvalidResourceError]) -> dict[str, str]:
    return {problem.field: problem.why for problem in caught.value.problems}


async def test_an_object_is_made_read_replaced_and_deleted(api: ApiServer, objects: HookObjects) -> None:
    made = await objects.create(NAMESPACE, resource())
    assert made == api.get(EVENTHOOKS, NAMESPACE, NAME)
    assert await objects.get(NAMESPACE, NAME) == made
    replaced = await objects.replace(NAMESPACE, NAME, {**made, "spec": {**made["spec"], "subject": "ops.a"}})
    assert (replaced["spec"]["subject"], replaced["metadata"]["generation"]) == ("ops.a", 2)
    assert replaced == api.get(EVENTHOOKS, NAMESPACE, NAME)
    await objects.delete(NAMESPACE, NAME)
    assert api.objects(EVENTHOOKS) == []
    assert api.requests == [f"POST {HERE}", f"GET {HERE}/{NAME}", f"PUT {HERE}/{NAME}", f"DELETE {HERE}/{NAME}"]


async def test_an_object_that_somebody_looks_at_first_is_deleted_later(api: ApiServer, objects: HookObjects) -> None:
    api.create(EVENTHOOKS, {**resource(), "metadata": {**resource()["metadata"], "finalizers": ["example.com/wait"]}})

    await objects.delete(NAMESPACE, NAME)

    assert (await objects.get(NAMESPACE, NAME))["metadata"]["deletionTimestamp"]


async def test_a_long_list_is_read_in_pages(
    api: ApiServer, objects: HookObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PAGE", 10)
    for number in range(25):
        api.create(EVENTHOOKS, named(f"h{number:02}"))
    api.create(EVENTHOOKS, named("h", "elsewhere"))

    assert [found["metadata"]["name"] for found in await objects.list(NAMESPACE)] == [f"h{n:02}" for n in range(25)]
    assert len(api.requests) == 3
    assert len(await objects.list("")) == 26
    assert await objects.list("nowhere") == []


async def test_a_list_that_is_forgotten_between_two_pages_is_begun_anew(
    api: ApiServer, objects: HookObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PAGE", 2)
    for number in range(4):
        api.create(EVENTHOOKS, named(f"h{number}"))

    async def forget_after_a_page(request: web.Request) -> None:
        if "continue" in request.query and len(api.requests) == 2:
            api.create(EVENTHOOKS, named("h4"))
            api.forget_history()

    api.interrupt = forget_after_a_page
    assert [found["metadata"]["name"] for found in await objects.list(NAMESPACE)] == [f"h{n}" for n in range(5)]


async def test_a_list_that_is_always_forgotten_is_given_up(
    api: ApiServer, objects: HookObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PAGE", 1)
    for name in ("a", "b"):
        api.create(EVENTHOOKS, named(name))

    async def expire(request: web.Request) -> web.StreamResponse | None:
        gone = expired_continue(request.query["continue"]) if "continue" in request.query else None
        return web.json_response(gone, status=410) if gone else None

    api.interrupt = expire
    with pytest.raises(UnavailableError, match=r"forgets a list of eventhooks\.crd\.chenshaowen\.com"):
        await objects.list(NAMESPACE)
    assert len(api.requests) == 6


async def test_a_status_is_patched_and_nothing_else(api: ApiServer, objects: HookObjects) -> None:
    api.create(EVENTHOOKS, {**resource(), "status": {"state": "active", "lastError": "no route"}})
    await objects.patch_status(NAMESPACE, NAME, {"delivered": 4, "lastError": None})

    kept = api.get(EVENTHOOKS, NAMESPACE, NAME)
    assert kept["status"] == {"state": "active", "delivered": 4}
    assert (kept["spec"], kept["metadata"]["generation"]) == (resource()["spec"], 1)
    assert api.requests == [f"PATCH {HERE}/{NAME}/status"]
    with pytest.raises(InvalidResourceError, match=r"status\.delivered: should be greater than or equal to 0"):
        await objects.patch_status(NAMESPACE, NAME, {"delivered": -1})


async def test_what_is_not_there_is_named(api: ApiServer, objects: HookObjects) -> None:
    told = rf"there is no eventhooks {NAME} in namespace {NAMESPACE}"
    with pytest.raises(NotFoundError, match=told):
        await objects.get(NAMESPACE, NAME)
    with pytest.raises(NotFoundError, match=told):
        await objects.replace(NAMESPACE, NAME, resource())
    with pytest.raises(NotFoundError, match=told):
        await objects.delete(NAMESPACE, NAME)
    with pytest.raises(NotFoundError, match=told):
        await objects.patch_status(NAMESPACE, NAME, {})


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a%2Fb", "", "a?x=y", "a\n", "A"])
async def test_what_can_be_no_name_is_not_there_and_nobody_is_asked(
    api: ApiServer, objects: HookObjects, name: str
) -> None:
    for of_namespace, of_object in ((NAMESPACE, name), (name, NAME)):
        with pytest.raises(NotFoundError):
            await objects.get(of_namespace, of_object)
        with pytest.raises(NotFoundError):
            await objects.delete(of_namespace, of_object)
    if name:
        assert await objects.list(name) == []
    with pytest.raises(InvalidResourceError, match=r"metadata\.namespace: .* is no namespace"):
        await objects.create(name, resource())
    assert api.requests == []


async def test_other_namespaces_than_the_one_that_is_watched_are_not_served(
    api: ApiServer, connection: Connection
) -> None:
    api.create(EVENTHOOKS, named("h", "elsewhere"))
    api.create(EVENTHOOKS, resource())
    objects = KubernetesObjects(connection, HOOKS.within(NAMESPACE))

    assert [found["metadata"]["name"] for found in await objects.list("")] == [NAME]
    assert (await objects.get(NAMESPACE, NAME))["metadata"]["name"] == NAME
    assert await objects.list("elsewhere") == []
    with pytest.raises(NotFoundError, match="only the namespace ops-system is served"):
        await objects.get("elsewhere", "h")
    with pytest.raises(InvalidResourceError, match=r"metadata\.namespace: only the namespace ops-system is served"):
        await objects.create("elsewhere", named("i", "elsewhere"))


@pytest.mark.parametrize("form", ["text", "status"])
async def test_a_definition_that_is_not_installed_is_asked_for(api: ApiServer, objects: HookObjects, form: Any) -> None:
    api.uninstall(EVENTHOOKS)
    api.missing_as = form

    with pytest.raises(UnavailableError, match="kubectl apply -k deploy/crds/"):
        await objects.get(NAMESPACE, NAME)
    with pytest.raises(UnavailableError, match="kubectl apply -k deploy/crds/"):
        await objects.create(NAMESPACE, resource())
    with pytest.raises(UnavailableError, match="kubectl apply -k deploy/crds/"):
        await objects.list("")


async def test_a_namespace_that_is_not_there_is_a_mistake_of_the_object(api: ApiServer, objects: HookObjects) -> None:
    missing = failure(404, "NotFound", 'namespaces "x" not found', {"name": "x", "kind": "namespaces"})
    api.fail_next(answering(404, json.dumps(missing), "application/json"))

    with pytest.raises(InvalidResourceError, match=r"metadata\.namespace: there is no namespace x"):
        await objects.create("x", resource())


async def test_two_cannot_make_the_same_or_overwrite_each_other(api: ApiServer, objects: HookObjects) -> None:
    made = await objects.create(NAMESPACE, resource())
    with pytest.raises(ConflictError, match=r"pod-errors exists already in namespace ops-system: replace it"):
        await objects.create(NAMESPACE, resource())
    await objects.replace(NAMESPACE, NAME, {**made, "spec": {**made["spec"], "subject": "ops.a"}})
    with pytest.raises(ConflictError, match=r"was changed since it was read: read it again"):
        await objects.replace(NAMESPACE, NAME, {**made, "spec": {**made["spec"], "subject": "ops.b"}})
    assert api.get(EVENTHOOKS, NAMESPACE, NAME)["spec"]["subject"] == "ops.a"


async def test_each_field_that_breaks_a_rule_is_named(objects: HookObjects) -> None:
    with pytest.raises(InvalidResourceError) as caught:
        await objects.create(NAMESPACE, resource(subject="a..b", options={"ordered": "s3cret"}))
    assert fields(caught).keys() == {"spec.subject", "spec.options.ordered"}
    assert fields(caught)["spec.options.ordered"] == 'must be "true" or "false"'
    with pytest.raises(InvalidResourceError) as caught:
        await objects.create(NAMESPACE, resource(type="s3cret", keywords={"include": [""]}))
    assert fields(caught) == {
        "spec.type": 'unsupported value: supported values: "webhook", "xiezuo", "event", "elasticsearch"',
        "spec.keywords.include[0]": "should be at least 1 chars long",
        "body": "some validation rules were not checked because the object was invalid; correct the existing errors to"
        " complete validation",
    }
    assert "s3cret" not in str(caught.value)


async def test_an_object_of_the_wrong_form_is_refused(objects: HookObjects) -> None:
    with pytest.raises(InvalidResourceError, match="body: no kind"):
        await objects.create(NAMESPACE, {**resource(), "kind": "Secret"})
