"""Versions and pages that the API does not have any more, or never had: the list begins anew, and never in a rush."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from app.sources.kubernetes.connection import Connection
from tests.kubernetes import HOSTS, ApiServer, Gate, Interrupt, answering, asking, status
from tests.unit.sources.watches import Recorder, Said, following, host, listing, until, watched_from

EXPIRED = '{"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}'


@pytest.mark.parametrize("expired_as", ["event", "status"])
async def test_a_version_that_expired_while_the_connection_was_cut_is_listed_anew_at_once(
    api: ApiServer, connection: Connection, expired_as: str, said: Said
) -> None:
    api.expired_as = expired_as  # type: ignore[assignment]
    api.create(HOSTS, host("a"))
    async with following(connection) as watched:
        await watched.until_reading(api)
        watched.time.now += 10
        api.interrupt = gate = Gate()
        api.cut_watches()
        await gate.held.wait()
        api.delete(HOSTS, "ns", "a")
        api.create(HOSTS, host("b"))
        api.forget_history()
        gate.opened.set()
        await watched.follower.until_told(f"synced@{api.version}")
        await watched.until_reading(api)

    assert watched.follower.told[-4:-1] == ["begin", f"listed@{api.version - 1} b", f"synced@{api.version - 1}"]
    assert watched.follower.changes == []
    assert watched.follower.told.count("since") == 1
    assert watched.time.pauses == []
    assert said() == []


async def test_a_watch_that_the_api_cannot_keep_up_is_listed_anew(api: ApiServer, connection: Connection) -> None:
    async with following(connection) as watched:
        await watched.until_reading(api)
        api.expire_watches()
        await until(lambda: len(watched.follower.lists) == 2)
        await watched.until_reading(api)

    assert watched.time.pauses == []


async def test_an_api_that_forgets_each_version_at_once_is_left_more_and_more_time(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    api.fail_next(answering(410, EXPIRED, "application/json"), 5, asking("watch"))
    async with following(connection) as watched:
        await watched.until_paused(4)
        assert "does not have hosts.crd.chenshaowen.com as of version" in watched.watch.state.trouble
        await watched.until_reading(api)

    assert watched.time.pauses == [1.0, 2.0, 4.0, 8.0]
    assert len([line for line in watched.follower.told if line.startswith("synced")]) == 6
    assert len(said()) == 2


@pytest.mark.parametrize("times", [1, 3])
async def test_a_page_that_expired_begins_the_list_anew(api: ApiServer, connection: Connection, times: int) -> None:
    for number in range(501):
        api.create(HOSTS, host(f"h{number:04}"))

    async def forget(line: str) -> None:
        if line.startswith("listed") and "h0000" in line.split() and len(watched.follower.lists) <= times:
            api.advance()
            api.forget_history()

    async with following(connection, Recorder(before=forget)) as watched:
        await until(lambda: len(watched_from(api)) == 1)

    assert watched.follower.lists == ["begin"] * (times + 1)
    pages = [len(line.split()) - 1 for line in watched.follower.told if line.startswith("listed")]
    assert pages == [500] * (times + 1) + [1]
    assert watched.follower.told[-1] == f"synced@{api.version}"
    assert watched.time.pauses == [1.0, 2.0, 4.0][: times - 1]


async def test_a_past_that_is_forgotten_is_told_as_what_is_there_now(api: ApiServer, connection: Connection) -> None:
    before = str(api.version)
    api.create(HOSTS, host("a"))
    api.forget_history()
    async with following(connection, Recorder(version=before)) as watched:
        await watched.until_reading(api)

    start = ["since", "begin known", "begin", f"listed@{api.version - 1} a", f"synced@{api.version - 1}"]
    assert watched.follower.told[:-1] == start
    assert listing(api) == [before, ""]
    assert watched.time.pauses == []


async def test_a_past_that_is_forgotten_between_two_pages_is_told_as_what_is_there_now(
    api: ApiServer, connection: Connection
) -> None:
    for number in range(501):
        api.create(HOSTS, host(f"h{number:04}"))
    before = str(api.version)
    api.advance()

    async def forget(line: str) -> None:
        if line.startswith(f"listed@{before}"):
            api.forget_history()

    async with following(connection, Recorder(version=before, before=forget)) as watched:
        await watched.until_reading(api)

    assert watched.follower.lists == ["begin known", "begin"]
    assert [len(line.split()) - 1 for line in watched.follower.told if line.startswith("listed")] == [500, 500, 1]
    assert watched.time.pauses == []


async def test_a_past_that_can_be_listed_but_not_watched_is_told_as_what_is_there_now(
    api: ApiServer, connection: Connection
) -> None:
    before = str(api.version)
    api.fail_next(answering(410, EXPIRED, "application/json"), 1, asking("watch"))
    async with following(connection, Recorder(version=before)) as watched:
        await watched.until_reading(api)

    assert watched.follower.lists == ["begin known", "begin"]
    assert watched.time.pauses == []


@pytest.mark.parametrize("version", ["999999999", "no-version", "-1", "0", "\x00"])
async def test_a_past_that_never_was_is_told_as_what_is_there_now(
    api: ApiServer, connection: Connection, version: str
) -> None:
    api.create(HOSTS, host("a"))
    async with following(connection, Recorder(version=version)) as watched:
        await watched.until_reading(api)

    assert watched.follower.lists == ["begin known", "begin"]
    assert listing(api) == [version, ""]
    assert watched.time.pauses == []


async def test_an_api_in_trouble_is_asked_for_the_same_past_again(api: ApiServer, connection: Connection) -> None:
    before = str(api.version)
    api.create(HOSTS, host("a"))
    api.fail_next(answering(504, "upstream timed out"), 1, asking("list"))
    async with following(connection, Recorder(version=before)) as watched:
        await watched.follower.until_told("ADDED a")

    assert watched.follower.lists == ["begin known", "begin known"]
    assert watched.follower.told.count("since") == 1
    assert watched.time.pauses == [1.0]


async def test_an_api_that_cannot_list_the_past_and_shows_the_present_is_not_believed(
    api: ApiServer, connection: Connection
) -> None:
    """Else what is new would pass for known."""
    before = str(api.version)
    api.create(HOSTS, host("a"))
    api.fail_next(_listing(str(api.version), [api.get(HOSTS, "ns", "a")]), 1, asking("list"))
    async with following(connection, Recorder(version=before)) as watched:
        await watched.until_reading(api)

    assert watched.follower.told[1:4] == ["begin known", "begin", f"listed@{api.version - 1} a"]


async def test_an_api_that_shows_the_past_under_an_earlier_version_is_gone_on_from_there(
    api: ApiServer, connection: Connection
) -> None:
    api.create(HOSTS, host("a"))
    earlier = str(api.version)
    api.advance()
    api.fail_next(_listing(earlier, [api.get(HOSTS, "ns", "a")]), 1, asking("list"))
    async with following(connection, Recorder(version=str(api.version))) as watched:
        await watched.until_reading(api)

    assert watched.follower.told[1:4] == ["begin known", f"listed@{earlier} a", f"synced@{earlier}"]
    assert watched_from(api) == [earlier]


@pytest.mark.parametrize(("asked", "shown", "lists"), [("1000", "999", 1), ("999", "1000", 2)])
async def test_versions_are_compared_as_numbers(
    api: ApiServer, connection: Connection, asked: str, shown: str, lists: int
) -> None:
    api.fail_next(_listing(shown, []), 1, asking("list"))
    async with following(connection, Recorder(version=asked)) as watched:
        await watched.watch.synced.wait()

    assert len(watched.follower.lists) == lists


@pytest.mark.parametrize("failure", [{"code": 410}, {"reason": "Expired"}, {"reason": "Gone", "code": 0}])
async def test_an_error_that_says_expired_in_any_way_is_one(
    api: ApiServer, connection: Connection, failure: dict[str, object]
) -> None:
    error = json.dumps({"type": "ERROR", "object": failure}).encode() + b"\n"
    async with following(connection) as watched:
        await watched.until_reading(api)
        api.send_line(error)
        await until(lambda: len(watched.follower.lists) == 2)

    assert watched.time.pauses == []


async def test_a_bad_request_without_a_version_is_an_ordinary_trouble(api: ApiServer, connection: Connection) -> None:
    api.fail_next(lambda _: _answer(status(400, "BadRequest", "no")), 2, asking("list"))
    async with following(connection) as watched:
        await watched.until_reading(api)

    assert watched.time.pauses == [1.0, 2.0]


async def _answer(response: web.Response) -> web.StreamResponse:
    return response


def _listing(version: str, items: list[dict[str, object]]) -> Interrupt:
    document = {"kind": "HostList", "metadata": {"resourceVersion": version}, "items": items}
    return answering(200, json.dumps(document), "application/json")
