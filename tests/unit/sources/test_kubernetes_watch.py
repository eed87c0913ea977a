"""A list and a watch as they go when all is well: what a follower is told, in which order, and from where on."""

from __future__ import annotations

import asyncio

from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.resource import Resource
from tests.kubernetes import EVENTS, HOSTS, ApiServer, asking
from tests.unit.sources.watches import Recorder, Said, Time, following, host, listing, resource_of, until, watched_from


async def test_what_is_there_is_told_first_and_then_every_change(api: ApiServer, connection: Connection) -> None:
    api.create(HOSTS, host("a"))
    version = api.version
    async with following(connection) as watched:
        await api.until_watching(HOSTS)
        api.create(HOSTS, host("b"))
        api.set_status(HOSTS, "ns", "a", {"heartStatus": "Successed"})
        api.delete(HOSTS, "ns", "b")
        await watched.follower.until_told("DELETED b")

    start = ["since", "begin", f"listed@{version} a", f"synced@{version}"]
    assert watched.follower.told == [*start, "ADDED b", "MODIFIED a", "DELETED b"]
    assert watched.time.pauses == []


async def test_objects_are_told_as_the_api_gives_them(api: ApiServer, connection: Connection) -> None:
    api.create(HOSTS, host("a", heartStatus="Successed", number=2**60, nothing=None, list=[{}]))
    async with following(connection) as watched:
        await api.until_watching(HOSTS)

    assert watched.follower.objects == [api.get(HOSTS, "ns", "a")]


async def test_a_long_list_is_read_in_pages_of_one_version(api: ApiServer, connection: Connection) -> None:
    for number in range(1203):
        api.create(HOSTS, host(f"h{number:04}"))
    version = api.version
    async with following(connection) as watched:
        await api.until_watching(HOSTS)

    assert [call.query["limit"] for call in api.calls if call.verb == "list"] == ["500", "500", "500"]
    assert [len(line.split()) - 1 for line in watched.follower.told if "listed" in line] == [500, 500, 203]
    assert len({thing["metadata"]["name"] for thing in watched.follower.objects}) == 1203
    assert watched.follower.lists == ["begin"]
    assert watched.follower.told[-1] == f"synced@{version}"
    assert watched_from(api) == [f"{version}"]


async def test_what_changes_while_a_list_is_read_is_told_by_the_watch(api: ApiServer, connection: Connection) -> None:
    for number in range(501):
        api.create(HOSTS, host(f"h{number:04}"))

    async def change(line: str) -> None:
        if line.startswith("listed") and "h0000" in line.split():  # the first of two pages
            api.delete(HOSTS, "ns", "h0500")
            api.create(HOSTS, host("h0000a"))

    async with following(connection, Recorder(before=change)) as watched:
        await watched.follower.until_told("ADDED h0000a")

    assert "h0500" in [thing["metadata"]["name"] for thing in watched.follower.objects[:501]]
    assert watched.follower.changes == ["DELETED h0500", "ADDED h0000a"]


async def test_an_empty_list_is_a_list(api: ApiServer, connection: Connection) -> None:
    async with following(connection) as watched:
        await watched.watch.synced.wait()

    version = api.version
    assert watched.follower.told == ["since", "begin", f"listed@{version}", f"synced@{version}"]


async def test_a_namespace_is_watched_alone(api: ApiServer, connection: Connection) -> None:
    api.create(HOSTS, host("a"))
    other = host("b")
    other["metadata"] = {"namespace": "elsewhere", "name": "b"}
    api.create(HOSTS, other)
    async with following(connection, resources=[resource_of(HOSTS).within("elsewhere")]) as watched:
        await api.until_watching(HOSTS)

    assert [call.namespace for call in api.calls] == ["elsewhere", "elsewhere"]
    assert [thing["metadata"]["name"] for thing in watched.follower.objects] == ["b"]


async def test_what_happened_while_nobody_watched_is_told_change_by_change(
    api: ApiServer, connection: Connection
) -> None:
    api.create(HOSTS, host("a"))
    api.create(HOSTS, host("b"))
    before = str(api.version)
    api.delete(HOSTS, "ns", "a")
    api.create(HOSTS, host("c"))
    async with following(connection, Recorder(version=before)) as watched:
        await watched.follower.until_told("ADDED c")

    start = ["since", "begin known", f"listed@{before} a b", f"synced@{before}"]
    assert watched.follower.told == [*start, "DELETED a", "ADDED c"]
    assert api.calls[0].query["resourceVersionMatch"] == "Exact"
    assert watched_from(api) == [before]


async def test_a_list_of_the_past_is_read_in_pages_too(api: ApiServer, connection: Connection) -> None:
    for number in range(501):
        api.create(HOSTS, host(f"h{number:04}"))
    before = str(api.version)
    api.delete(HOSTS, "ns", "h0500")
    async with following(connection, Recorder(version=before)) as watched:
        await watched.follower.until_told("DELETED h0500")

    assert len(watched.follower.objects) == 502
    assert watched.follower.lists == ["begin known"]


async def test_bookmarks_are_asked_for_and_gone_on_from(api: ApiServer, connection: Connection) -> None:
    async with following(connection) as watched:
        await api.until_watching(HOSTS)
        api.advance()
        api.send_bookmarks()
        await watched.follower.until_told(f"reached@{api.version}")
        api.drop_watches()
        await until(lambda: len(watched_from(api)) == 2)

    assert watched_from(api)[1] == str(api.version)


async def test_a_watch_is_asked_to_end_after_some_minutes_but_not_all_at_once(
    api: ApiServer, connection: Connection
) -> None:
    async with following(connection):
        await api.until_watching(HOSTS)
    async with following(connection, span=(240.0, 250.5)):
        await until(lambda: len(watched_from(api)) == 2)

    assert [call.query["timeoutSeconds"] for call in api.calls if call.verb == "watch"] == ["300", "250"]


async def test_a_watch_that_has_lived_a_while_is_opened_again_at_once_and_nothing_is_lost_or_logged(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    async with following(connection) as watched:
        for number in range(3):
            await watched.until_reading(api)
            watched.time.now += 10
            api.create(HOSTS, host(f"h{number}"))
            api.drop_watches()
            api.create(HOSTS, host(f"i{number}"))
            await watched.follower.until_told(f"ADDED i{number}")
        assert watched.watch.state.live
        assert watched.watch.state.since == 1_000.0

    assert watched.follower.changes == ["ADDED h0", "ADDED i0", "ADDED h1", "ADDED i1", "ADDED h2", "ADDED i2"]
    assert watched.follower.lists == ["begin"]
    assert watched.time.pauses == []
    assert said() == []


async def test_of_two_names_for_the_same_the_first_that_the_api_has_is_taken(
    api: ApiServer, connection: Connection
) -> None:
    names = [Resource("events.k8s.io", "v1beta9", "events"), resource_of(EVENTS), Resource("", "v1", "events")]
    async with following(connection, resources=names) as watched:
        await api.until_watching(EVENTS)

    assert [call.resource[1] for call in api.calls] == ["v1beta9", "v1", "v1"]
    assert watched.time.pauses == []


async def test_the_first_sync_is_told_once_the_list_is_complete_and_the_watch_stands(
    api: ApiServer, connection: Connection
) -> None:
    api.forbid("watch", HOSTS)
    async with following(connection) as watched:
        await watched.until_paused()
        assert not watched.watch.synced.is_set()
        api.allow("watch", HOSTS)
        async with asyncio.timeout(10):
            await watched.watch.synced.wait()

    assert watched.follower.told[-1].startswith("synced")


async def test_the_state_says_whether_a_watch_is_live_since_when_and_when_it_was_heard(
    api: ApiServer, connection: Connection
) -> None:
    time = Time()
    async with following(connection, time=time, resources=[resource_of(EVENTS)]) as watched:
        assert (watched.watch.state.live, watched.watch.state.trouble, watched.watch.state.heard) == (False, "", 0.0)
        time.now = 1_001.0
        await watched.until_live()
        time.now = 1_002.0
        api.send_bookmarks()
        await until(lambda: watched.watch.state.heard == 1_002.0)
        assert (watched.watch.state.name, watched.watch.state.since) == ("Hosts", 1_001.0)


async def test_a_follower_that_takes_long_holds_the_watch_back_and_others_go_on(
    api: ApiServer, connection: Connection
) -> None:
    taken = asyncio.Event()

    async def hold(line: str) -> None:
        if line.startswith("ADDED"):
            await taken.wait()

    async with following(connection, Recorder(before=hold)) as slow, following(connection) as other:
        await api.until_watching(HOSTS, 2)
        for number in range(3):
            api.create(HOSTS, host(f"h{number}"))
        await other.follower.until_told("ADDED h2")
        assert slow.follower.changes == []
        taken.set()
        await slow.follower.until_told("ADDED h2")

    assert slow.follower.changes == ["ADDED h0", "ADDED h1", "ADDED h2"]


async def test_a_watch_that_is_cancelled_closes_its_connection(api: ApiServer, connection: Connection) -> None:
    async with following(connection):
        await api.until_watching(HOSTS)
    async with asyncio.timeout(10):
        await api.until_watching(HOSTS, 0)

    assert listing(api) == [""]
    assert len([call for call in api.calls if asking("watch", HOSTS)(call)]) == 1
