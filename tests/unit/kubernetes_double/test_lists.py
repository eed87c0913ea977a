"""Lists of the double: pages of one piece, versions, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes import HOSTS, ApiServer
from tests.unit.kubernetes_double.client import Client, names
from tests.unit.kubernetes_double.samples import host

EXPIRED = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410}


async def test_a_list_stays_as_it_was_while_it_is_paged(api: ApiServer, client: Client) -> None:
    for name in "abcde":
        api.create(HOSTS, host(name))
    first = await client.get(HOSTS.path(), limit=2)
    version = first["metadata"]["resourceVersion"]
    api.delete(HOSTS, "ns", "c")
    api.update(HOSTS, host("d", port=22))
    api.create(HOSTS, host("bb"))
    second = await client.page(HOSTS.path(), first["metadata"]["continue"], limit=2)
    third = await client.page(HOSTS.path(), second["metadata"]["continue"], limit=2)
    assert [names(page) for page in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
    assert second["items"][1]["spec"] == {}
    assert [page["metadata"]["resourceVersion"] for page in (first, second, third)] == [version] * 3
    assert [page["metadata"].get("remainingItemCount") for page in (first, second, third)] == [3, 1, None]
    assert names(await client.get(HOSTS.path())) == ["a", "b", "bb", "d", "e"]


async def test_a_list_of_a_namespace_has_only_its_objects(api: ApiServer, client: Client) -> None:
    for namespace in ("one", "two"):
        api.create(HOSTS, host("a", namespace))
    listed = await client.get(HOSTS.path("two"))
    assert [item["metadata"]["namespace"] for item in listed["items"]] == ["two"]


async def test_a_list_can_be_had_of_exactly_a_version(api: ApiServer, client: Client) -> None:
    version = int(api.create(HOSTS, host("a"))["metadata"]["resourceVersion"])
    api.delete(HOSTS, "ns", "a")
    api.create(HOSTS, host("b"))
    exactly: dict[str, Any] = {"resourceVersionMatch": "Exact"}
    then = await client.get(HOSTS.path(), resourceVersion=version, **exactly)
    assert (names(then), then["metadata"]["resourceVersion"]) == (["a"], str(version))
    assert names(await client.get(HOSTS.path(), resourceVersion=version + 1, **exactly)) == []
    assert names(await client.get(HOSTS.path(), resourceVersion=version)) == ["b"]  # not older than that


async def test_a_version_that_is_forgotten_cannot_be_listed(api: ApiServer, client: Client) -> None:
    for name in "abc":
        api.create(HOSTS, host(name))
    page = await client.get(HOSTS.path(), limit=2)
    version = api.version
    api.create(HOSTS, host("bb"))
    api.forget_history()
    refused = await client.get(HOSTS.path(), 410, resourceVersion=version, resourceVersionMatch="Exact")
    assert refused == EXPIRED | {"message": "The resourceVersion for the provided list is too old."}
    refused = await client.page(HOSTS.path(), page["metadata"]["continue"], 410)
    assert refused["reason"] == "Expired"
    inconsistent = refused["metadata"]["continue"]  # goes on, in the present
    assert names(await client.page(HOSTS.path(), inconsistent)) == ["bb", "c"]
    present = await client.get(HOSTS.path(), resourceVersion=api.version, resourceVersionMatch="Exact")
    assert names(present) == ["a", "b", "bb", "c"]


@pytest.mark.parametrize("match", ["Exact", "NotOlderThan"])
async def test_a_version_of_the_future_cannot_be_listed(api: ApiServer, client: Client, match: str) -> None:
    refused = await client.get(HOSTS.path(), 504, resourceVersion=5000, resourceVersionMatch=match)
    assert refused["message"] == f"Timeout: Too large resource version: 5000, current: {api.version}"
    assert (refused["reason"], refused["details"]["causes"][0]["reason"]) == ("Timeout", "ResourceVersionTooLarge")


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"resourceVersion": "abc"}, 400, 'Invalid value: "abc"'),
        ({"resourceVersionMatch": "Exact"}, 422, "forbidden unless resourceVersion is provided"),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422, 'forbidden for resourceVersion "0"'),
        ({"continue": "abc"}, 400, "continue key is not valid"),
        ({"continue": "abc", "resourceVersion": "7"}, 400, "specifying resource version is not allowed"),
        ({"limit": "many"}, 400, "invalid syntax"),
        ({"fieldSelector": "spec.port=22"}, 400, "field label not supported: spec.port"),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(
    client: Client, query: dict[str, Any], status: int, message: str
) -> None:
    assert message in (await client.get(HOSTS.path(), status, **query))["message"]


async def test_a_list_out_of_the_cache_knows_no_pages(api: ApiServer, client: Client) -> None:
    for name in "abc":
        api.create(HOSTS, host(name))
    assert names(await client.get(HOSTS.path(), limit=1, resourceVersion=0)) == ["a", "b", "c"]


async def test_a_long_list_is_compressed(api: ApiServer, client: Client) -> None:
    for number in range(200):
        api.create(HOSTS, host(f"h-{number}", desc="x" * 1000))
    async with client.session.get(HOSTS.path()) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert len((await response.json())["items"]) == 200


async def test_objects_are_selected_by_name_and_by_label(api: ApiServer, client: Client) -> None:
    api.create(HOSTS, host("a"))
    labelled = host("b")
    labelled["metadata"]["labels"] = {"team": "x"}
    api.create(HOSTS, labelled)
    assert names(await client.get(HOSTS.path(), fieldSelector="metadata.name=a")) == ["a"]
    assert names(await client.get(HOSTS.path(), labelSelector="team=x")) == ["b"]
    assert names(await client.get(HOSTS.path(), labelSelector="team!=x")) == ["a"]
