"""Watches of the double: what they tell, how they end, and how a test breaks them."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.kubernetes import CORE_EVENTS, EVENTHOOKS, EVENTS, HOSTS, ApiServer
from tests.unit.kubernetes_double.client import Client
from tests.unit.kubernetes_double.samples import host

EXPIRED = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410}


async def test_a_watch_begins_after_its_version_and_goes_on(api: ApiServer, client: Client) -> None:
    api.create(HOSTS, host("a"))
    version = api.version
    api.create(HOSTS, host("b"))
    api.create(EVENTHOOKS, host("of-another-kind"))
    stream = await client.watch(HOSTS, resourceVersion=version)
    assert await stream.told() == "ADDED b"
    api.update(HOSTS, host("a", port=22))
    api.delete(HOSTS, "ns", "a")
    assert [await stream.told(), await stream.told()] == ["MODIFIED a", "DELETED a"]


async def test_a_deletion_is_told_with_the_last_state_and_a_version_of_its_own(api: ApiServer, client: Client) -> None:
    made = api.create(HOSTS, host("a", port=22))
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.delete(HOSTS, "ns", "a")
    deleted = (await stream.line())["object"]
    assert deleted["metadata"].pop("resourceVersion") == str(int(made["metadata"].pop("resourceVersion")) + 1)
    assert deleted == made


async def test_a_watch_of_no_version_begins_with_what_is_there(api: ApiServer, client: Client) -> None:
    api.create(HOSTS, host("a"))
    api.create(HOSTS, host("b"))
    api.delete(HOSTS, "ns", "a")
    stream = await client.watch(HOSTS)
    assert await stream.told() == "ADDED b"


async def test_a_watch_of_a_version_of_the_future_stays_silent_until_then(api: ApiServer, client: Client) -> None:
    stream = await client.watch(HOSTS, resourceVersion=api.version + 1)
    api.create(HOSTS, host("a"))
    api.create(HOSTS, host("b"))
    assert await stream.told() == "ADDED b"


async def test_a_watch_ends_in_good_order_when_its_time_is_up(api: ApiServer, client: Client) -> None:
    api.create(HOSTS, host("a"))
    stream = await client.watch(HOSTS, resourceVersion=api.version - 1, timeoutSeconds=1)
    assert len((await stream.rest()).splitlines()) == 1
    assert api.watching(HOSTS) == 0


async def test_bookmarks_go_to_those_who_asked_for_them(api: ApiServer, client: Client) -> None:
    asked = await client.watch(EVENTS, resourceVersion=api.version, allowWatchBookmarks="true")
    silent = await client.watch(EVENTS, resourceVersion=api.version)
    api.advance()
    api.send_bookmarks()
    api.drop_watches()
    metadata = {"resourceVersion": str(api.version), "creationTimestamp": None}
    mark = {"kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": metadata}
    assert await asked.line() == {"type": "BOOKMARK", "object": mark}
    assert (await asked.rest(), await silent.rest()) == (b"", b"")


async def test_a_watch_of_a_forgotten_version_is_told_so_in_an_event(api: ApiServer, client: Client) -> None:
    version = api.version
    api.create(HOSTS, host("a"))
    api.forget_history()
    stream = await client.watch(HOSTS, resourceVersion=version)
    assert stream.response.status == 200
    message = f"too old resource version: {version} ({api.version})"
    assert await stream.line() == {"type": "ERROR", "object": EXPIRED | {"message": message}}
    assert await stream.rest() == b""


async def test_a_watch_of_a_forgotten_version_can_be_refused_outright(api: ApiServer, client: Client) -> None:
    version, api.expired_as = api.version, "status"
    api.advance()
    api.forget_history()
    assert (await client.get(HOSTS.path(), 410, watch=1, resourceVersion=version))["reason"] == "Expired"


async def test_a_watch_that_is_open_loses_nothing_when_history_is_forgotten(api: ApiServer, client: Client) -> None:
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.create(HOSTS, host("a"))
    api.forget_history()
    api.create(HOSTS, host("b"))
    assert [await stream.told(), await stream.told()] == ["ADDED a", "ADDED b"]


async def test_open_watches_can_be_told_that_they_are_too_old(api: ApiServer, client: Client) -> None:
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.expire_watches()
    error = await stream.line()
    assert (error["type"], error["object"]["code"], await stream.rest()) == ("ERROR", 410, b"")


async def test_a_watch_is_cut_in_the_middle_of_a_line(api: ApiServer, client: Client) -> None:
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.cut_watches()
    assert not (await stream.piece()).endswith(b"\n")
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream.rest()


async def test_a_watch_is_cut_in_the_middle_of_a_change(api: ApiServer, client: Client) -> None:
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.cut_watches_at_next_change()
    api.create(HOSTS, host("a"))
    piece = await stream.piece()
    assert piece.startswith(b'{"type":"ADDED"')
    assert not piece.endswith(b"\n")
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream.rest()
    again = await client.watch(HOSTS, resourceVersion=api.version - 1)
    assert await again.told() == "ADDED a"


async def test_a_watch_that_is_held_sends_nothing_and_does_not_even_end(api: ApiServer, client: Client) -> None:
    stream = await client.watch(HOSTS, resourceVersion=api.version, timeoutSeconds=1)
    api.hold_watches()
    api.create(HOSTS, host("a"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):  # longer than the watch was to last
            await stream.raw()
    api.drop_watches()
    assert await stream.rest() == b""


async def test_a_watch_that_is_released_has_lost_nothing(api: ApiServer, client: Client) -> None:
    api.hold_watches()
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.create(HOSTS, host("a"))
    api.release_watches()
    assert await stream.told() == "ADDED a"


async def test_open_watches_are_counted_until_their_client_goes(api: ApiServer, client: Client) -> None:
    streams = [await client.watch(EVENTS, resourceVersion=api.version) for _ in range(2)]
    await api.until_watching(EVENTS, 2)
    assert api.watching(CORE_EVENTS) == 0
    for stream in streams:
        stream.close()
    await api.until_watching(EVENTS, 0)


async def test_what_a_test_sends_itself_comes_as_it_is(api: ApiServer, client: Client) -> None:
    stream = await client.watch(HOSTS, resourceVersion=api.version)
    api.send_line(b"no json\n")
    assert await stream.raw() == b"no json\n"
