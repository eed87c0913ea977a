"""Objects that lack something, and lists that are none: nothing breaks, and nothing is told wrongly."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from aiohttp import web

from app.sources.kubernetes.connection import Connection
from tests.kubernetes import HOSTS, ApiServer, answering, asking
from tests.unit.sources.watches import Said, following, host, line, streaming, until, watched_from

NAMELESS: Sequence[object] = (
    {"metadata": None},
    {"metadata": {"name": "x", "uid": None, "resourceVersion": "600"}},
    {"metadata": {"name": "x", "uid": "u", "resourceVersion": None}},
    {"metadata": {"name": "x", "uid": "u", "resourceVersion": ""}},
    {"metadata": {"name": "x", "uid": "u", "resourceVersion": 7}},
    {"metadata": []},
    {},
    None,
    "text",
    [],
)


@pytest.mark.parametrize("thing", NAMELESS)
async def test_a_change_of_something_without_identity_is_left_out_and_told_once(
    api: ApiServer, connection: Connection, said: Said, thing: object
) -> None:
    odd = json.dumps({"type": "MODIFIED", "object": thing}).encode() + b"\n"
    lines = (line("ADDED", "a", 501), odd, odd, line("ADDED", "b", 502))
    api.fail_next(streaming(*lines, stays=True), 1, asking("watch"))
    async with following(connection) as watched:
        await watched.follower.until_told("ADDED b")
        assert watched.watch.state.live

    assert watched.follower.changes == ["ADDED a", "ADDED b"]
    assert said() == ["hosts.crd.chenshaowen.com without a uid or a resourceVersion are left out"]


async def test_what_has_no_identity_does_not_move_the_version(api: ApiServer, connection: Connection) -> None:
    odd = b'{"type": "MODIFIED", "object": {"metadata": {"resourceVersion": "600"}}}\n'
    mark = b'{"type": "BOOKMARK", "object": {"metadata": null}}\n'
    api.fail_next(streaming(line("ADDED", "a", 501), odd, mark), 1, asking("watch"))
    async with following(connection):
        await until(lambda: len(watched_from(api)) == 2)

    assert watched_from(api)[1] == "501"


async def test_what_is_listed_without_identity_is_left_out(api: ApiServer, connection: Connection, said: Said) -> None:
    good = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "7"}, "spec": None, "status": None}
    body = json.dumps({"metadata": {"resourceVersion": "9", "continue": None}, "items": [*NAMELESS, good]})
    api.fail_next(answering(200, body, "application/json"), 1, asking("list"))
    async with following(connection) as watched:
        await watched.watch.synced.wait()

    assert watched.follower.objects == [good]
    assert len(said()) == 1


async def test_a_list_whose_items_are_null_is_empty(api: ApiServer, connection: Connection) -> None:
    body = '{"kind": "HostList", "metadata": {"resourceVersion": "9"}, "items": null}'
    api.fail_next(answering(200, body, "application/json"), 1, asking("list"))
    async with following(connection) as watched:
        await watched.watch.synced.wait()

    assert watched.follower.told == ["since", "begin", "listed@9", "synced@9"]


@pytest.mark.parametrize(
    "body",
    [
        '{"kind": "Host", "metadata": {"name": "a", "uid": "u", "resourceVersion": "9"}}',
        '{"metadata": {"resourceVersion": "9"}, "items": {}}',
        '{"metadata": {"resourceVersion": "9"}, "items": "text"}',
        '{"metadata": {}, "items": []}',
        '{"metadata": null, "items": []}',
        '{"items": []}',
        '{"kind": "Status", "status": "Failure", "code": 500}',
        '{"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"na',
        "[" * 100_000,
    ],
)
async def test_a_list_that_is_none_is_no_empty_list(api: ApiServer, connection: Connection, body: str) -> None:
    """An empty list would mean that everything is gone."""
    api.create(HOSTS, host("a"))
    api.fail_next(answering(200, body, "application/json"), 2, asking("list"))
    async with following(connection) as watched:
        await watched.until_reading(api)

    assert [word for word in watched.follower.told if "listed" in word] == [f"listed@{api.version - 1} a"]
    assert watched.time.pauses == [1.0, 2.0]


async def test_a_page_that_is_cut_off_is_no_page(api: ApiServer, connection: Connection) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"metadata": {"resourceVersion": "9"}, "items": []}')
        if request.transport is not None:
            request.transport.close()
        return response

    api.fail_next(half, 2, asking("list"))
    async with following(connection) as watched:
        await watched.until_paused(2)
        assert "does not answer (ClientPayloadError)" in watched.watch.state.trouble
        await watched.until_reading(api)

    assert watched.time.pauses == [1.0, 2.0]
