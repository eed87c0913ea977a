"""What the double refuses to write, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes import EVENTHOOKS, EVENTS, ApiServer, Kind
from tests.unit.kubernetes_double.client import Client
from tests.unit.kubernetes_double.samples import HOOKS, ONE, STATUS, hook


async def test_what_a_test_finds_wrong_is_refused_with_its_causes(api: ApiServer, client: Client) -> None:
    def findings(kind: Kind, given: dict[str, Any]) -> list[tuple[str, str]]:
        wrong = [("spec.type", 'Unsupported value: "smoke"'), ("spec.url", "Required value")]
        return wrong if (kind, given["spec"]["type"]) == (EVENTHOOKS, "smoke") else []

    api.validate = findings
    refused = await client.send("POST", HOOKS, hook(type="smoke"), 422)
    told = '[spec.type: Unsupported value: "smoke", spec.url: Required value]'
    assert refused["message"] == f'EventHooks.crd.chenshaowen.com "one" is invalid: {told}'
    assert refused["details"] == {
        "name": "one",
        "group": "crd.chenshaowen.com",
        "kind": "EventHooks",
        "causes": [
            {"reason": "FieldValueNotSupported", "message": 'Unsupported value: "smoke"', "field": "spec.type"},
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.url"},
        ],
    }
    await client.get(ONE, 404)
    await client.send("POST", HOOKS, hook(), 201)
    await client.patch(ONE, {"spec": {"type": "smoke"}}, 422)


async def test_what_a_test_lets_in_is_what_is_kept(api: ApiServer, client: Client) -> None:
    api.admit = lambda _, given: given | {"spec": {"type": given["spec"]["type"]}}
    made = await client.send("POST", HOOKS, hook(unknown="x"), 201)
    assert made["spec"] == {"type": "webhook"}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", HOOKS, hook() | {"kind": "Host"}, 400),
        ("POST", HOOKS, hook() | {"apiVersion": "crd.chenshaowen.com/v2"}, 400),
        ("POST", HOOKS, hook() | {"metadata": {"name": "one", "namespace": "other"}}, 400),
        ("POST", HOOKS, hook() | {"metadata": {"name": "one", "resourceVersion": "7"}}, 400),
        ("POST", HOOKS, [], 400),
        ("POST", EVENTHOOKS.path(), hook(), 405),
        ("POST", ONE, hook(), 405),
        ("PUT", HOOKS, hook(), 405),
        ("DELETE", STATUS, None, 405),
        ("PUT", ONE, hook("another"), 400),
        ("PUT", ONE, hook(), 404),
        ("PUT", f"{ONE}/scale", hook(), 404),
        ("PUT", f"{EVENTS.path('ns', 'e')}/status", {}, 404),
    ],
)
async def test_a_write_that_makes_no_sense_is_refused(
    client: Client, method: str, path: str, body: Any, expected: int
) -> None:
    assert (await client.send(method, path, body, expected))["code"] == expected


@pytest.mark.parametrize("sent", ["text/plain", "application/strategic-merge-patch+json"])
async def test_a_patch_of_an_unknown_form_is_refused(client: Client, sent: str) -> None:
    await client.send("POST", HOOKS, hook(), 201)
    async with client.session.patch(ONE, data=b"{}", headers={"Content-Type": sent}) as response:
        assert response.status == 415
        assert "application/merge-patch+json" in (await response.json())["message"]


async def test_who_may_read_may_not_yet_write(api: ApiServer, client: Client) -> None:
    await client.send("POST", HOOKS, hook(), 201)
    api.forbid("patch", EVENTHOOKS, "status")
    refused = await client.patch(STATUS, {"status": {}}, 403)
    assert 'cannot patch resource "eventhooks/status" in API group "crd.chenshaowen.com"' in refused["message"]
    await client.patch(ONE, {"spec": {"url": "http://b"}})
