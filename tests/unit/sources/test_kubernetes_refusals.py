"""What the API does not do, over real HTTP: an error that says what is missing, whatever it answers."""

from __future__ import annotations

import json

import pytest

from app.errors import InvalidResourceError, OpsError, UnavailableError
from app.hooks.kubernetes.api import HookObjects
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.objects import KubernetesObjects
from app.sources.kubernetes.resource import Resource
from tests import crd
from tests.kubernetes import EVENTHOOKS, ApiServer, answering, asking, failure
from tests.unit.hooks.resources import NAMESPACE, resource

HOOKS = Resource("crd.chenshaowen.com", "v1", "eventhooks")
HERE = f"/apis/crd.chenshaowen.com/v1/namespaces/{NAMESPACE}/eventhooks"
NAME = "pod-errors"


@pytest.fixture
def objects(api: ApiServer, connection: Connection) -> HookObjects:
    crd.govern(api)
    return KubernetesObjects(connection, HOOKS)


@pytest.mark.parametrize(
    ("verb", "subresource", "told"),
    [
        ("list", "", r"may not list eventhooks\.crd\.chenshaowen\.com in namespace ops-system \(403\)"),
        ("get", "", r"may not get eventhooks\.crd\.chenshaowen\.com in namespace ops-system"),
        ("create", "", r"may not create eventhooks\.crd\.chenshaowen\.com in namespace ops-system"),
        ("update", "", r"may not update eventhooks\.crd\.chenshaowen\.com in namespace ops-system"),
        ("delete", "", r"may not delete eventhooks\.crd\.chenshaowen\.com in namespace ops-system"),
        ("patch", "status", r"may not patch eventhooks\.crd\.chenshaowen\.com/status in namespace ops-system"),
    ],
)
async def test_a_right_that_is_missing_is_named(
    api: ApiServer, objects: HookObjects, verb: str, subresource: str, told: str
) -> None:
    api.forbid(verb, EVENTHOOKS, subresource)

    with pytest.raises(UnavailableError, match=told):
        await doing(objects, verb)


async def doing(objects: HookObjects, verb: str) -> None:
    match verb:
        case "list":
            await objects.list(NAMESPACE)
        case "get":
            await objects.get(NAMESPACE, NAME)
        case "create":
            await objects.create(NAMESPACE, resource())
        case "update":
            await objects.replace(NAMESPACE, NAME, resource())
        case "delete":
            await objects.delete(NAMESPACE, NAME)
        case "patch":
            await objects.patch_status(NAMESPACE, NAME, {})


async def test_what_a_policy_forbids_is_told_in_its_words(api: ApiServer, objects: HookObjects) -> None:
    words = 'admission webhook "policy.example.com" denied the request: hooks need a label team'
    api.fail_next(answering(403, json.dumps(failure(403, "Forbidden", words)), "application/json"))

    with pytest.raises(InvalidResourceError, match='body: admission webhook "…" denied the request: hooks need'):
        await objects.create(NAMESPACE, resource())


async def test_credentials_that_are_not_known_are_to_be_renewed(api: ApiServer, objects: HookObjects) -> None:
    api.token = "another"

    with pytest.raises(UnavailableError, match=r"does not know this process \(401\)"):
        await objects.get(NAMESPACE, NAME)


@pytest.mark.parametrize(("code", "body"), [(429, ""), (500, "etcdserver: request timed out"), (503, "<html>")])
@pytest.mark.parametrize("verb", ["list", "get", "create", "update", "delete", "patch"])
async def test_an_ailing_server_is_unavailable(
    api: ApiServer, objects: HookObjects, verb: str, code: int, body: str
) -> None:
    api.interrupt = answering(code, body)

    with pytest.raises(UnavailableError, match=rf"the Kubernetes API answered {code}"):
        await doing(objects, verb)


@pytest.mark.parametrize("verb", ["list", "get", "create", "update", "delete", "patch"])
@pytest.mark.parametrize("body", ["", "<html>sign in</html>", "[]", "{}", '{"kind": 5}', "null"])
async def test_something_else_that_answers_is_no_api(
    api: ApiServer, objects: HookObjects, verb: str, body: str
) -> None:
    api.interrupt = answering(200, body, "text/html")

    with pytest.raises(UnavailableError, match="no Kubernetes API"):
        await doing(objects, verb)


async def test_an_api_that_is_away_is_told(api: ApiServer, objects: HookObjects) -> None:
    await api.close()

    with pytest.raises(UnavailableError, match="does not answer"):
        await objects.list("")


async def test_only_a_list_that_was_begun_can_be_forgotten(api: ApiServer, objects: HookObjects) -> None:
    api.fail_next(answering(410, json.dumps(failure(410, "Expired", "gone"))), aim=asking("list", EVENTHOOKS))

    with pytest.raises(UnavailableError, match="answered 410"):
        await objects.list(NAMESPACE)


@pytest.mark.parametrize("code", [400, 403, 404, 409, 422, 500])
@pytest.mark.parametrize("body", ["[]", '{"details": [], "message": 5}', '{"details": {"causes": [5, {"field": 5}]}}'])
async def test_a_refusal_of_any_form_is_an_error_of_ours(
    api: ApiServer, objects: HookObjects, code: int, body: str
) -> None:
    api.interrupt = answering(code, body, "application/json")

    with pytest.raises(OpsError):
        await objects.create(NAMESPACE, resource())
