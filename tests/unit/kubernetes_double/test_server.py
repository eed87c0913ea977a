"""The double as a whole: faults, rights, discovery, what is installed, closing and opening."""

from __future__ import annotations

import aiohttp
import pytest

from tests.kubernetes import (
    CORE_EVENTS,
    EVENTS,
    HOSTS,
    ApiServer,
    Kind,
    answering,
    asking,
    hang_up,
    too_many_requests,
)
from tests.unit.kubernetes_double.client import Client, names
from tests.unit.kubernetes_double.samples import host, put_events, sample


async def test_a_server_that_is_closed_cuts_its_watches_and_opens_with_all_it_held(
    api: ApiServer, client: Client
) -> None:
    version = api.version
    stream = await client.watch(HOSTS, resourceVersion=version)
    await api.close()
    api.create(HOSTS, host("meanwhile"))
    with pytest.raises(aiohttp.ClientError):
        await stream.rest()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(HOSTS.path())
    await api.open()
    assert await (await client.watch(HOSTS, resourceVersion=version)).told() == "ADDED meanwhile"


async def test_a_fault_hits_the_next_requests_that_it_is_aimed_at(api: ApiServer, client: Client) -> None:
    api.fail_next(too_many_requests(7), times=2, aim=asking("list", HOSTS))
    await client.get(EVENTS.path())
    for _ in range(2):
        async with client.session.get(HOSTS.path()) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
    await client.get(HOSTS.path())


async def test_faults_can_be_text_or_no_answer_at_all(api: ApiServer, client: Client) -> None:
    api.fail_next(answering(500, "boom"))
    async with client.session.get(HOSTS.path()) as response:
        assert (response.status, response.content_type, await response.text()) == (500, "text/plain", "boom")
    api.fail_next(hang_up, times=2, aim=asking("watch"))  # aiohttp asks again where the connection is not new
    await client.get(HOSTS.path())
    with pytest.raises(aiohttp.ClientError):
        await client.watch(HOSTS)


async def test_requests_are_noted_with_their_query_and_their_time(api: ApiServer, client: Client) -> None:
    await client.get(HOSTS.path("ns"), limit=5)
    await client.get(HOSTS.path("ns", "a"), 404)
    one, other = api.calls
    assert (one.verb, one.of(HOSTS), one.namespace, one.query) == ("list", True, "ns", {"limit": "5"})
    assert (other.verb, other.name) == ("get", "a")
    assert one.at <= other.at
    assert api.requests[0] == f"GET {HOSTS.path('ns')}?limit=5"


async def test_what_is_not_installed_is_not_found(api: ApiServer, client: Client) -> None:
    api.create(HOSTS, host("a"))
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.uninstall(HOSTS)
    assert (await stream.told(), await stream.rest()) == ("DELETED a", b"")
    async with client.session.get(HOSTS.path()) as refused:
        assert (refused.status, await refused.text()) == (404, "404 page not found\n")
    api.missing_as = "status"
    missing = await client.get(HOSTS.path(), 404)
    assert missing["message"] == "the server could not find the requested resource"
    api.install(HOSTS)
    assert names(await client.get(HOSTS.path())) == []


async def test_events_are_still_there_where_only_the_older_form_is_served(api: ApiServer, client: Client) -> None:
    put_events(api)
    api.uninstall(EVENTS)
    async with client.session.get(EVENTS.path()) as response:
        assert response.status == 404
    assert len((await client.get(CORE_EVENTS.path()))["items"]) == len(sample("events-list.json")["items"])


@pytest.mark.parametrize(
    ("kind", "namespace", "what"),
    [
        (EVENTS, "", 'resource "events" in API group "events.k8s.io" at the cluster scope'),
        (CORE_EVENTS, "ns", 'resource "events" in API group "" in the namespace "ns"'),
    ],
)
async def test_what_is_forbidden_is_refused_in_a_real_servers_words(
    api: ApiServer, client: Client, kind: Kind, namespace: str, what: str
) -> None:
    api.forbid("watch", kind)
    refused = await client.get(kind.path(namespace), 403, watch=1)
    group = {"group": kind.group} if kind.group else {}
    who = 'User "system:serviceaccount:ops-system:ops-events"'
    assert refused["message"] == f"{kind.resource} is forbidden: {who} cannot watch {what}"
    assert refused["reason"] == "Forbidden"
    assert refused["details"] == group | {"kind": "events"}
    await client.get(kind.path(namespace))
    api.allow("watch", kind)
    (await client.watch(kind)).close()


async def test_who_has_no_token_is_not_known(api: ApiServer) -> None:
    async with aiohttp.ClientSession(api.url) as stranger:
        assert (await Client(stranger).get(HOSTS.path(), 401))["reason"] == "Unauthorized"


async def test_discovery_names_what_is_installed(api: ApiServer, client: Client) -> None:
    groups = [group["name"] for group in (await client.get("/apis"))["groups"]]
    assert groups == ["crd.chenshaowen.com", "events.k8s.io"]
    resources = (await client.get("/apis/crd.chenshaowen.com/v1"))["resources"]
    assert {"eventhooks", "eventhooks/status", "hosts"} <= {resource["name"] for resource in resources}
    api.uninstall(HOSTS)
    resources = (await client.get("/apis/crd.chenshaowen.com/v1"))["resources"]
    assert "hosts" not in {resource["name"] for resource in resources}
