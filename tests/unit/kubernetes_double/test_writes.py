"""What writes objects of the double: who may set what, and what comes of it. What is refused: `test_refusals.py`."""

from __future__ import annotations

import asyncio

from tests.kubernetes import CORE_EVENTS, EVENTHOOKS, EVENTS, HOSTS, ApiServer, Gate, asking
from tests.unit.kubernetes_double.client import Client
from tests.unit.kubernetes_double.samples import HOOKS, ONE, STATUS, hook, host


async def test_what_is_created_gets_what_only_the_server_gives(api: ApiServer, client: Client) -> None:
    given = hook() | {"status": {"state": "active"}}
    given["metadata"] |= {"uid": "mine", "generation": 7, "creationTimestamp": "2020-01-01T00:00:00Z"}
    made = await client.send("POST", HOOKS, given, 201)
    metadata = made["metadata"]
    assert (metadata["namespace"], metadata["generation"], metadata["resourceVersion"]) == ("ns", 1, str(api.version))
    assert metadata["uid"] != "mine"
    assert metadata["creationTimestamp"] > "2026"
    assert "status" not in made  # which only its subresource takes
    assert metadata["managedFields"][0]["fieldsV1"] == {"f:spec": {".": {}, "f:type": {}}}
    assert await client.get(ONE) == made


async def test_a_name_is_made_where_only_its_beginning_is_given(client: Client) -> None:
    made = await client.send("POST", HOOKS, hook() | {"metadata": {"generateName": "hook-"}}, 201)
    assert made["metadata"]["name"].startswith("hook-")
    refused = await client.send("POST", HOOKS, hook() | {"metadata": {}}, 422)
    assert refused["details"]["causes"][0]["field"] == "metadata.name"


async def test_what_exists_is_not_created_again(client: Client) -> None:
    await client.send("POST", HOOKS, hook(), 201)
    refused = await client.send("POST", HOOKS, hook(), 409)
    assert refused["message"] == 'eventhooks.crd.chenshaowen.com "one" already exists'
    assert refused["reason"] == "AlreadyExists"
    assert refused["details"] == {"name": "one", "group": "crd.chenshaowen.com", "kind": "eventhooks"}


async def test_a_replacement_counts_the_generation_and_leaves_the_status(api: ApiServer, client: Client) -> None:
    api.create(EVENTHOOKS, hook() | {"metadata": {"namespace": "ns", "name": "one"}, "status": {"state": "active"}})
    given = await client.get(ONE)
    given |= {"spec": {"type": "event"}, "status": {"state": "paused"}}
    replaced = await client.send("PUT", ONE, given)
    assert (replaced["spec"], replaced["status"]) == ({"type": "event"}, {"state": "active"})
    assert replaced["metadata"]["generation"] == 2
    assert replaced["metadata"]["uid"] == given["metadata"]["uid"]


async def test_labels_are_changed_without_another_generation(client: Client) -> None:
    given = await client.send("POST", HOOKS, hook(), 201)
    given["metadata"]["labels"] = {"team": "x"}
    replaced = await client.send("PUT", ONE, given)
    assert (replaced["metadata"]["labels"], replaced["metadata"]["generation"]) == ({"team": "x"}, 1)
    assert replaced["metadata"]["resourceVersion"] != given["metadata"]["resourceVersion"]


async def test_a_replacement_of_an_older_version_is_a_conflict(client: Client) -> None:
    given = await client.send("POST", HOOKS, hook(), 201)
    await client.send("PUT", ONE, given | {"spec": {"type": "event"}})
    refused = await client.send("PUT", ONE, given, 409)
    assert refused["message"] == (
        'Operation cannot be fulfilled on eventhooks.crd.chenshaowen.com "one": the object has been modified; please'
        " apply your changes to the latest version and try again"
    )
    assert refused["reason"] == "Conflict"


async def test_of_two_replacements_of_a_version_one_is_a_conflict(api: ApiServer, client: Client) -> None:
    given = await client.send("POST", HOOKS, hook(), 201)
    gate = Gate()
    api.fail_next(gate, aim=asking("update"))
    late = asyncio.create_task(client.send("PUT", ONE, given | {"spec": {"type": "event"}}, 409))
    await gate.held.wait()
    await client.send("PUT", ONE, given | {"spec": {"type": "xiezuo"}})
    gate.opened.set()
    assert (await late)["reason"] == "Conflict"


async def test_a_replacement_of_a_custom_resource_says_what_it_replaces(client: Client) -> None:
    await client.send("POST", HOOKS, hook(), 201)
    refused = await client.send("PUT", ONE, hook(), 422)
    assert refused["details"]["causes"] == [
        {
            "reason": "FieldValueInvalid",
            "message": "Invalid value: 0x0: must be specified for an update",
            "field": "metadata.resourceVersion",
        }
    ]


async def test_an_event_may_be_replaced_whatever_it_was(api: ApiServer, client: Client) -> None:
    api.create(EVENTS, {"metadata": {"namespace": "ns", "name": "e"}, "note": "one"})
    replaced = await client.send("PUT", CORE_EVENTS.path("ns", "e"), {"metadata": {"name": "e"}, "message": "two"})
    assert replaced["message"] == api.get(EVENTS, "ns", "e")["note"] == "two"
    assert "generation" not in replaced["metadata"]


async def test_what_changes_nothing_makes_no_version(api: ApiServer, client: Client) -> None:
    given = await client.send("POST", HOOKS, hook(), 201)
    stream = await client.watch(EVENTHOOKS, resourceVersion=api.version)
    assert await client.send("PUT", ONE, given) == given
    assert await client.patch(ONE, {"spec": {"type": "webhook"}}) == given
    assert await client.patch(STATUS, {}) == given
    assert api.update(EVENTHOOKS, given) == given
    api.drop_watches()
    assert await stream.rest() == b""


async def test_a_patch_merges_and_takes_away(client: Client) -> None:
    await client.send("POST", HOOKS, hook(url="http://a", options={"format": "text", "secret": "s"}), 201)
    patched = await client.patch(ONE, {"spec": {"url": "http://b", "options": {"secret": None, "ordered": "true"}}})
    assert patched["spec"] == {
        "type": "webhook",
        "url": "http://b",
        "options": {"format": "text", "ordered": "true"},
    }
    assert patched["metadata"]["generation"] == 2


async def test_a_patch_of_an_older_version_is_a_conflict_and_of_none_is_not(client: Client) -> None:
    given = await client.send("POST", HOOKS, hook(), 201)
    await client.patch(ONE, {"spec": {"url": "http://b"}})
    old = {"metadata": {"resourceVersion": given["metadata"]["resourceVersion"]}}
    assert (await client.patch(STATUS, old | {"status": {"parked": 1}}, 409))["reason"] == "Conflict"
    assert (await client.patch(STATUS, {"status": {"parked": 1}}))["status"] == {"parked": 1}


async def test_the_status_takes_only_the_status(client: Client) -> None:
    given = await client.send("POST", HOOKS, hook(), 201)
    patched = await client.patch(STATUS, {"spec": {"type": "event"}, "status": {"parked": 1, "state": "active"}})
    assert (patched["spec"], patched["status"]) == ({"type": "webhook"}, {"parked": 1, "state": "active"})
    assert patched["metadata"]["generation"] == 1
    assert patched["metadata"]["managedFields"][-1]["subresource"] == "status"
    replaced = await client.send("PUT", STATUS, given | {"metadata": patched["metadata"], "status": {"parked": 2}})
    assert replaced["status"] == {"parked": 2}
    assert await client.get(STATUS) == replaced


async def test_a_deletion_answers_with_what_was_deleted(client: Client) -> None:
    made = await client.send("POST", HOOKS, hook(), 201)
    deleted = await client.send("DELETE", ONE, None)
    details = {"name": "one", "group": "crd.chenshaowen.com", "kind": "eventhooks", "uid": made["metadata"]["uid"]}
    assert (deleted["kind"], deleted["status"], deleted["details"]) == ("Status", "Success", details)
    missing = await client.send("DELETE", ONE, None, 404)
    assert (missing["reason"], missing["message"]) == (
        "NotFound",
        'eventhooks.crd.chenshaowen.com "one" not found',
    )


async def test_a_deletion_of_another_object_of_that_name_is_a_conflict(client: Client) -> None:
    made = await client.send("POST", HOOKS, hook(), 201)
    await client.send("DELETE", ONE, {"preconditions": {"uid": "another"}}, 409)
    await client.send("DELETE", ONE, {"preconditions": {"uid": made["metadata"]["uid"]}})


async def test_what_has_a_finalizer_is_deleted_once_that_is_gone(api: ApiServer, client: Client) -> None:
    await client.send("POST", HOOKS, hook() | {"metadata": {"name": "one", "finalizers": ["ops/f"]}}, 201)
    stream = await client.watch(EVENTHOOKS, resourceVersion=api.version)
    marked = await client.send("DELETE", ONE, None)
    assert marked["metadata"]["deletionTimestamp"]
    await client.patch(ONE, {"metadata": {"finalizers": None}})
    assert [await stream.told() for _ in range(3)] == ["MODIFIED one", "MODIFIED one", "DELETED one"]
    await client.get(ONE, 404)


async def test_what_a_test_puts_there_keeps_its_status_and_counts_its_generation(api: ApiServer) -> None:
    made = api.create(HOSTS, host("a", port=22) | {"status": {"heartStatus": "Successed"}})
    assert made["status"] == {"heartStatus": "Successed"}
    marked = api.set_status(HOSTS, "ns", "a", {"heartStatus": "Failed"})
    assert (marked["status"], marked["metadata"]["generation"]) == ({"heartStatus": "Failed"}, 1)
    assert api.update(HOSTS, marked | {"spec": {"port": 23}})["metadata"]["generation"] == 2
    assert [found["metadata"]["name"] for found in api.objects(HOSTS)] == ["a"]
    made["spec"]["port"] = 99  # a copy
    assert api.get(HOSTS, "ns", "a")["spec"] == {"port": 23}
