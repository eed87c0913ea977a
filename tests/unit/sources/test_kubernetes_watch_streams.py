"""What comes over a watch's connection: cut lines, long lines, silence, ends, errors, objects that lack something."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from itertools import pairwise

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.faults import WatchError
from app.sources.kubernetes.reading import Lines
from tests.kubernetes import HOSTS, ApiServer, answering, asking
from tests.unit.sources.watches import Said, following, host, line, streaming, until, watched_from


async def test_a_line_that_is_cut_off_is_told_once_and_whole(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    async with following(connection) as watched:
        await watched.until_reading(api)
        api.create(HOSTS, host("a"))
        await watched.follower.until_told("ADDED a")
        last = str(api.version)
        watched.time.now += 10
        api.cut_watches_at_next_change()
        api.create(HOSTS, host("b"))
        await watched.follower.until_told("ADDED b")

    assert watched.follower.changes == ["ADDED a", "ADDED b"]
    assert watched_from(api)[1] == last
    assert watched.time.pauses == []
    assert said() == []


async def test_a_last_line_without_an_end_is_not_believed(api: ApiServer, connection: Connection) -> None:
    """What looks whole may be the beginning of a longer line."""
    api.fail_next(streaming(line("ADDED", "a")[:-1]), 1, asking("watch"))
    async with following(connection) as watched:
        await watched.until_reading(api)

    assert watched.follower.changes == []


async def test_lines_may_come_in_any_pieces(api: ApiServer, connection: Connection) -> None:
    lines = line("ADDED", "a", 501) + b"\n" + line("MODIFIED", "ä", 502) + line("DELETED", "a", 503)
    api.fail_next(streaming(*(lines[at : at + 1] for at in range(len(lines))), stays=True), 1, asking("watch"))
    async with following(connection) as watched:
        await watched.follower.until_told("DELETED a")

    assert watched.follower.changes == ["ADDED a", "MODIFIED ä", "DELETED a"]


async def test_a_line_of_megabytes_is_told(api: ApiServer, connection: Connection) -> None:
    async with following(connection) as watched:
        await watched.until_reading(api)
        api.create(HOSTS, host("a", output="x" * 6_000_000))
        await watched.follower.until_told("ADDED a")

    assert len(watched.follower.objects[-1]["status"]["output"]) == 6_000_000
    assert watched.time.pauses == []


@given(st.lists(st.binary(max_size=5).map(lambda part: part.replace(b"\n", b"")), min_size=1), st.randoms())
def test_lines_are_cut_where_they_end_however_they_come(lines: list[bytes], chance: object) -> None:
    text, cutter = b"".join(line + b"\n" for line in lines) + b"rest", Lines()
    found, at = [], 0
    while at < len(text):
        size = chance.randint(1, 7)  # type: ignore[attr-defined]
        found += cutter.fed(text[at : at + size])
        at += size

    assert found == lines


def test_a_line_without_an_end_is_given_up_before_it_fills_the_memory() -> None:
    cutter = Lines(longest=1000)
    for _ in range(10):
        assert cutter.fed(b"x" * 100) == []
    with pytest.raises(WatchError):
        cutter.fed(b"x")


async def test_a_server_that_closes_each_watch_at_once_is_left_more_and_more_time(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    api.fail_next(streaming(), 5, asking("watch"))
    async with following(connection) as watched:
        await watched.until_paused(5)
        assert "ends each watch of hosts.crd.chenshaowen.com at once" in watched.watch.state.trouble
        await watched.until_reading(api)

    assert watched.time.pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert len([call for call in api.calls if call.verb == "list"]) == 1
    assert len(said()) == 2


async def test_a_server_that_tells_one_change_and_closes_is_asked_for_the_next_after_a_moment(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    for number in range(3):
        api.fail_next(streaming(line("ADDED", f"h{number}", 500 + number)), 1, asking("watch"))
    async with following(connection) as watched:
        await watched.follower.until_told("ADDED h2")
        await until(lambda: len(watched_from(api)) == 4)

    assert watched.time.pauses[:3] == [1.0, 1.0, 1.0]
    assert watched_from(api)[1:4] == ["500", "501", "502"]
    assert said() == []


async def test_a_watch_that_says_nothing_but_stays_open_is_sound(api: ApiServer, connection: Connection) -> None:
    api.fail_next(answering(500), 3, asking("watch"))
    async with following(connection, moment=0.05) as watched:
        await watched.until_paused(3)
        await watched.until_live()
        api.create(HOSTS, host("a"))
        await watched.follower.until_told("ADDED a")

    assert watched.watch.state.trouble == ""


async def test_a_trouble_is_not_over_because_a_watch_was_granted(api: ApiServer, connection: Connection) -> None:
    api.fail_next(answering(500), 1, asking("watch"))
    async with following(connection) as watched:
        await watched.until_paused()
        await api.until_watching(HOSTS)
        await until(watched.watch.synced.is_set)
        assert not watched.watch.state.live
        assert "answered 500" in watched.watch.state.trouble


async def test_a_connection_that_is_silent_for_too_long_is_dead_and_the_watch_goes_on(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    api.create(HOSTS, host("a"))
    version = str(api.version)
    async with following(connection, silence=0.3, moment=0.0) as watched:
        await api.until_watching(HOSTS)
        api.hold_watches()
        api.create(HOSTS, host("b"))
        await until(lambda: len(watched_from(api)) == 2)
        api.release_watches()
        await watched.follower.until_told("ADDED b")

    assert watched.follower.changes == ["ADDED b"]
    assert set(watched_from(api)[:2]) == {version}
    assert watched.time.pauses == []
    assert said() == []


async def test_bookmarks_keep_a_connection_alive(api: ApiServer, connection: Connection) -> None:
    async with following(connection, silence=1.0) as watched:
        await watched.until_reading(api)
        for _ in range(30):
            api.advance()
            api.send_bookmarks()
            await asyncio.sleep(0.05)
        await watched.follower.until_told(f"reached@{api.version}")

    assert len(watched_from(api)) == 1


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ({"code": 500, "reason": "InternalError", "message": "etcd"}, "answered 500 to: watch hosts"),
        ({"code": 403, "reason": "Forbidden", "message": "no"}, "may not watch hosts.crd.chenshaowen.com"),
        ({"message": "neither code nor reason"}, "what answered is no Kubernetes API"),
        (None, "what answered is no Kubernetes API"),
    ],
)
async def test_an_error_in_a_watch_is_waited_out_and_gone_on_from_where_it_came(
    api: ApiServer, connection: Connection, failure: Mapping[str, object] | None, why: str
) -> None:
    error = json.dumps({"type": "ERROR", "object": failure}).encode() + b"\n"
    api.fail_next(streaming(line("ADDED", "a", 500), error, stays=True), 1, asking("watch"))
    async with following(connection) as watched:
        await watched.until_paused()
        assert why in watched.watch.state.trouble
        await until(lambda: len(watched_from(api)) == 2)

    assert watched.follower.changes == ["ADDED a"]
    assert watched_from(api)[1] == "500"
    assert len([call for call in api.calls if call.verb == "list"]) == 1


@pytest.mark.parametrize(
    "text", [b"etcdserver: leader changed\n", b'{"type": "TOMORROW", "object": {}}\n', b"[]\n", b"\xff\xfe\n", b'"\n']
)
async def test_a_line_that_no_api_tells_is_waited_out(api: ApiServer, connection: Connection, text: bytes) -> None:
    api.fail_next(streaming(line("ADDED", "a", 500), text, stays=True), 1, asking("watch"))
    async with following(connection) as watched:
        await watched.until_paused()
        assert watched.watch.state.trouble == "what answered is no Kubernetes API"

    assert watched.follower.changes == ["ADDED a"]


async def test_what_a_refusal_says_without_end_is_not_read_to_the_end(api: ApiServer, connection: Connection) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    api.fail_next(endless, 1, asking("watch"))
    async with following(connection) as watched:
        await watched.until_reading(api)

    assert watched.time.pauses == [1.0]


async def test_while_a_flood_of_changes_is_read_others_go_on(api: ApiServer, connection: Connection) -> None:
    flood = b"".join(line("ADDED", f"h{number}", 500 + number, note="x" * 1000) for number in range(3_000))
    api.fail_next(streaming(flood, stays=True), 1, asking("watch"))
    turns: list[int] = []
    async with following(connection) as watched:
        while "ADDED h2999" not in watched.follower.told:
            turns.append(len(watched.follower.told))
            await asyncio.sleep(0)

    assert max(after - before for before, after in pairwise(turns)) < 200
