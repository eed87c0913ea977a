"""What a watch does about refusals, and about an API that is away: what it says, how long it waits, how it goes on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from app.sources.kubernetes.connection import Connection
from tests.kubernetes import (
    EVENTS,
    HOSTS,
    ApiServer,
    Interrupt,
    answering,
    asking,
    hang_up,
    too_many_requests,
)
from tests.unit.sources.watches import Said, Time, Watched, following, host, listing, resource_of, watched_from


async def refused(answer: Interrupt, verb: str, api: ApiServer, connection: Connection) -> Watched:
    """A watch that has been refused three times, and was then let go on."""
    api.create(HOSTS, host("a"))
    api.fail_next(answer, 3, asking(verb, HOSTS))
    async with following(connection) as watched:
        await watched.until_paused(3)
        await watched.follower.until_told(f"synced@{api.version}")
        await watched.until_reading(api)
    return watched


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (answering(500, "etcdserver: leader changed"), "answered 500 to: {} hosts.crd.chenshaowen.com in all"),
        (answering(502, "<html>bad gateway</html>", "text/html"), "answered 502 to: {} hosts"),
        (answering(503, "", "application/json"), "answered 503 to: {} hosts"),
        (answering(504, '{"kind": "Status", "code": 504}', "application/json"), "answered 504"),
        (answering(200, "<html>welcome</html>", "text/html"), "what answered is no Kubernetes API"),
        (answering(200, "<html>welcome</html>\n", "application/json"), "what answered is no Kubernetes API"),
        (answering(200, "[]\n", "application/json"), "what answered is no Kubernetes API"),
        (answering(200, "null\n", "application/json"), "what answered is no Kubernetes API"),
        (answering(200, "{}\n", "application/json"), "what answered is no Kubernetes API"),
        (answering(200, "\ufffd\x00\n", "application/json"), "what answered is no Kubernetes API"),
    ],
)
async def test_an_api_in_trouble_is_asked_again_more_and_more_rarely(
    api: ApiServer, connection: Connection, said: Said, verb: str, answer: Interrupt, why: str
) -> None:
    watched = await refused(answer, verb, api, connection)

    assert watched.time.pauses == [1.0, 2.0, 4.0]
    assert [line for line in watched.follower.told if "listed" in line] == [f"listed@{api.version - 1} a"]
    begun, over = said()
    assert begun.startswith("Hosts are not followed: ")
    assert why.format(verb) in begun
    assert over == "Hosts are followed again"


async def test_an_api_that_hangs_up_is_asked_again(api: ApiServer, connection: Connection, said: Said) -> None:
    api.interrupt, healthy = hang_up, api.interrupt
    async with following(connection) as watched:
        await watched.until_paused(3)
        api.interrupt = healthy
        await watched.until_reading(api)

    assert said()[0] == "Hosts are not followed: the Kubernetes API does not answer (ServerDisconnectedError)"
    assert watched.time.pauses[:3] == [1.0, 2.0, 4.0]


async def test_an_api_that_is_away_for_an_hour_is_asked_twice_a_minute_and_nothing_is_lost(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    async with following(connection) as watched:
        await watched.until_reading(api)
        version = str(api.version)
        await api.close()
        watched.time.now += 10
        await watched.until_paused(120)
        assert not watched.watch.state.live
        assert "does not answer" in watched.watch.state.trouble
        assert watched.watch.state.since == 1_010.0
        api.create(HOSTS, host("a"))
        await api.open()
        await watched.follower.until_told("ADDED a")
        await watched.until_live()
        assert watched.watch.state.trouble == ""

    assert watched.time.pauses[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert set(watched.time.pauses[7:]) == {30.0}
    assert set(watched_from(api)[1:]) == {version}
    assert watched.follower.lists == ["begin"]
    assert len(said()) <= 3  # at the end it may fail in a second way
    assert said()[-1] == "Hosts are followed again"


async def test_after_a_success_pauses_begin_anew_and_the_same_trouble_is_logged_again(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    async with following(connection) as watched:
        for times in (3, 6):
            api.fail_next(answering(500), 3, asking("watch", HOSTS))
            api.drop_watches()
            await watched.until_paused(times)
            await watched.until_reading(api)
            watched.time.now += 10

    assert watched.time.pauses == [1.0, 2.0, 4.0, 1.0, 2.0, 4.0]
    assert ["500" in line for line in said()] == [True, False, True, False]


async def test_a_missing_right_is_named_and_waited_for_and_others_go_on(
    api: ApiServer, connection: Connection, said: Said
) -> None:
    api.forbid("list", HOSTS)
    async with following(connection) as watched, following(connection, resources=[resource_of(EVENTS)]) as other:
        await watched.until_paused(7)
        assert other.watch.state.live
        assert "may not list hosts.crd.chenshaowen.com in all namespaces (403)" in watched.watch.state.trouble
        api.allow("list", HOSTS)
        await watched.until_reading(api)

    assert watched.time.pauses[:7] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert len(said()) == 2


async def test_the_right_to_watch_is_named_apart_and_in_its_namespace(api: ApiServer, connection: Connection) -> None:
    api.forbid("watch", HOSTS)
    async with following(connection, resources=[resource_of(HOSTS).within("ns")]) as watched:
        await watched.until_paused(2)
        assert "may not watch hosts.crd.chenshaowen.com in namespace ns (403)" in watched.watch.state.trouble
        assert listing(api) == [""]


async def test_a_token_that_was_replaced_is_taken_up_and_the_watch_goes_on(
    api: ApiServer, connection: Connection, tmp_path: Path
) -> None:
    async with following(connection) as watched:
        await watched.until_reading(api)
        watched.time.now += 10
        api.token = "token-2"
        api.kubeconfig(tmp_path / "config")
        api.drop_watches()
        api.create(HOSTS, host("a"))
        await watched.follower.until_told("ADDED a")

    assert watched.time.pauses == []


async def test_credentials_that_stay_wrong_are_told_and_tried_again(
    api: ApiServer, connection: Connection, tmp_path: Path
) -> None:
    api.token = "another"
    async with following(connection) as watched:
        await watched.until_paused(2)
        assert "does not know this process (401)" in watched.watch.state.trouble
        asked = len(api.calls)
        api.kubeconfig(tmp_path / "config")
        await watched.until_reading(api)

    assert watched.time.pauses[:2] == [1.0, 2.0]
    assert asked <= 8  # twice each time


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize(
    ("header", "pause"), [("7", 7.0), ("3600", 60.0), ("0", 1.0), ("-5", 1.0), ("soon", 1.0), ("\u00b2", 1.0)]
)
async def test_as_long_as_the_api_asks_it_is_left_alone_within_reason(
    api: ApiServer, connection: Connection, verb: str, header: str, pause: float
) -> None:
    api.fail_next(answering(429, "Too many requests", headers={"Retry-After": header}), 1, asking(verb, HOSTS))
    async with following(connection) as watched:
        await watched.until_reading(api)

    assert watched.time.pauses == [pause]


async def test_a_short_retry_after_does_not_cut_the_pauses_of_an_api_that_stays_busy(
    api: ApiServer, connection: Connection
) -> None:
    api.fail_next(too_many_requests(3), 4)
    async with following(connection) as watched:
        await watched.until_reading(api)

    assert watched.time.pauses == [3.0, 3.0, 4.0, 8.0]


async def test_two_troubles_by_turns_are_logged_once_each(api: ApiServer, connection: Connection, said: Said) -> None:
    for _ in range(4):
        api.fail_next(answering(500), 1, asking("list"))
        api.fail_next(answering(503), 1, asking("list"))
    async with following(connection) as watched:
        await watched.until_paused(8)
        await watched.until_reading(api)

    assert ["500" in line or "503" in line for line in said()] == [True, True, False]


async def test_pauses_are_spread_by_chance(api: ApiServer, connection: Connection) -> None:
    drawn = iter(range(1000))
    api.interrupt = answering(500)
    async with following(connection, draw=lambda low, high: low + (high - low) * (next(drawn) % 2)) as watched:
        await watched.until_paused(6)

    assert watched.time.pauses[:6] == [0.5, 2.0, 2.0, 8.0, 8.0, 30.0]


async def test_a_watch_without_kubernetes_says_how_to_get_it() -> None:
    async with following(Connection(None), time=Time()) as watched:
        await watched.until_paused(7)

    assert "no Kubernetes is configured" in watched.watch.state.trouble
    assert all(first <= second for first, second in pairwise(watched.time.pauses))
