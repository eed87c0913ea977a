"""Egress on real sockets: names that lie, names that change, several addresses, the pool, redirects, proxies.

127.0.0.2 is allowed and stands for the world; 127.0.0.1, on the same port, must see nobody.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
import pytest
import trustme
import uvloop

from app.delivery.egress.policy import Egress, ForbiddenAddressError, Policy
from tests.servers import free_port
from tests.unit.delivery.canary import (
    Answers,
    Listener,
    always,
    fault_of,
    listening,
    refusal_of,
    session_of,
    status_of,
    then,
)

OPEN, CLOSED = "127.0.0.2", "127.0.0.1"


class Places(NamedTuple):
    """Two listeners on one port."""

    open: Listener
    closed: Listener

    def url(self, host: str) -> str:
        return f"http://{host}:{self.open.port}/"


@pytest.fixture
async def places() -> AsyncIterator[Places]:
    async with listening(CLOSED) as closed, listening(OPEN, port=closed.port) as opened:
        yield Places(opened, closed)


async def test_a_name_is_connected_where_it_resolves_to_an_open_address(places: Places) -> None:
    async with session_of(OPEN, names={"good.example": always(OPEN)}) as session:
        assert await status_of(session, places.url("good.example")) == 200


async def test_a_name_that_turns_to_a_closed_address_is_refused_from_then_on(places: Places) -> None:
    names = {"rebind.example": then([OPEN], [CLOSED])}
    async with session_of(OPEN, names=names, use_dns_cache=False, force_close=True) as session:
        assert await status_of(session, places.url("rebind.example")) == 200
        for _ in range(3):
            assert "loopback" in await refusal_of(session, places.url("rebind.example"))

    assert await places.closed.seen() == 0


async def test_a_name_is_looked_up_once_for_a_connect_so_that_no_second_answer_counts(places: Places) -> None:
    answers = Answers({"rebind.example": then([OPEN], [CLOSED])})
    connector = Egress(Policy.parse(OPEN, "", loopback=False)).connector(resolver=answers, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await status_of(session, places.url("rebind.example")) == 200

    assert answers.asked == ["rebind.example"]
    assert await places.closed.seen() == 0


async def test_an_answer_that_would_be_looked_up_again_at_the_connect_is_refused(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leads_to_the_closed_one(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (CLOSED, places.closed.port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", leads_to_the_closed_one)
    async with session_of(OPEN, names={"rebind.example": always("inner.example")}) as session:
        assert "not an IP address" in await refusal_of(session, places.url("rebind.example"))

    monkeypatch.undo()
    assert await places.closed.seen() == 0


@pytest.mark.parametrize(
    "addresses",
    [
        [CLOSED, OPEN],
        [OPEN, CLOSED],
        ["::1", OPEN],
        [CLOSED, "::1", "169.254.169.254", OPEN],
        ["::ffff:127.0.0.1", CLOSED, OPEN, "64:ff9b::7f00:1"],
    ],
)
async def test_of_several_addresses_only_the_open_one_is_connected(places: Places, addresses: list[str]) -> None:
    async with session_of(OPEN, names={"mixed.example": always(*addresses)}, force_close=True) as session:
        for _ in range(3):
            assert await status_of(session, places.url("mixed.example")) == 200

    assert await places.closed.seen() == 0


async def test_of_several_closed_addresses_the_first_is_named(places: Places) -> None:
    names = {"evil.example": always("169.254.169.254", CLOSED, "::1", "fe80::1")}
    async with session_of(OPEN, names=names) as session:
        refusal = await refusal_of(session, places.url("evil.example"))

    assert refusal == "connections to 169.254.169.254 are not allowed (link-local): see EGRESS_ALLOW"
    assert await places.closed.seen() == 0


async def test_a_failure_to_connect_where_it_is_allowed_is_not_told_as_forbidden() -> None:
    names = {"mixed.example": always(CLOSED, OPEN)}
    async with session_of(OPEN, names=names) as session:
        fault = await fault_of(session, f"http://mixed.example:{free_port()}/")

    assert isinstance(fault, OSError)
    assert not isinstance(fault, ForbiddenAddressError)


async def test_a_pooled_connection_serves_no_other_name(places: Places) -> None:
    names = {"good.example": always(OPEN), "evil.example": always(CLOSED)}
    async with session_of(OPEN, names=names) as session:
        for _ in range(3):
            assert await status_of(session, places.url("good.example")) == 200
            assert "loopback" in await refusal_of(session, places.url("evil.example"))

    assert places.open.connections == 1
    assert await places.closed.seen() == 0


async def test_a_denied_name_is_not_even_looked_up(places: Places) -> None:
    answers = Answers({"bad.example": always(OPEN)})
    policy = Policy.parse(OPEN, "*.example", loopback=False)
    async with aiohttp.ClientSession(connector=Egress(policy).connector(resolver=answers)) as session:
        refusal = await refusal_of(session, places.url("Bad.Example."))

    assert refusal == "connections to bad.example. are not allowed (denied by name): see EGRESS_DENY"
    assert answers.asked == []
    assert places.open.connections == 0


async def test_an_allowed_name_reaches_this_machine_where_its_address_does_not(places: Places) -> None:
    names = {"sidecar.example": always(CLOSED), "other.example": always(CLOSED)}
    async with session_of("sidecar.example", names=names) as session:
        assert await status_of(session, places.url("sidecar.example")) == 200
        assert "loopback" in await refusal_of(session, places.url("other.example"))
        assert "loopback" in await refusal_of(session, places.url(CLOSED))


async def test_names_that_connect_at_the_same_time_are_each_judged_for_themselves(places: Places) -> None:
    names = {"sidecar.example": always(CLOSED), "other.example": always(CLOSED)}
    async with session_of("sidecar.example", names=names) as session:
        urls = [places.url("sidecar.example"), places.url("other.example")] * 20
        outcomes = await asyncio.gather(*(status_of(session, url) for url in urls), return_exceptions=True)

    assert outcomes[::2] == [200] * 20
    assert all(isinstance(outcome, aiohttp.ClientConnectorError) for outcome in outcomes[1::2])


async def test_this_machine_is_reached_where_the_application_runs_embedded(places: Places) -> None:
    async with session_of(loopback=True, names={"localhost": always("::1", CLOSED)}) as session:
        for host in (OPEN, CLOSED, "localhost", "[::ffff:127.0.0.1]"):
            assert await status_of(session, places.url(host)) == 200
        assert "link-local" in await refusal_of(session, places.url("169.254.169.254"))


async def test_tls_is_spoken_with_the_open_address_of_a_name_and_not_begun_with_a_closed_one() -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(ours)
    authority.issue_cert("mixed.example").configure_cert(theirs)
    names = {"mixed.example": always(CLOSED, OPEN), "evil.example": always(CLOSED)}
    async with listening(CLOSED) as closed, listening(OPEN, port=closed.port, tls=theirs):
        async with session_of(OPEN, names=names, ssl=ours) as session:
            assert await status_of(session, f"https://mixed.example:{closed.port}/") == 200
            assert "loopback" in await refusal_of(session, f"https://evil.example:{closed.port}/")

        assert await closed.seen() == 0


async def test_a_redirect_to_a_closed_address_is_not_followed_even_by_a_session_that_follows() -> None:
    async with listening(CLOSED) as closed:
        location = b"Location: http://127.0.0.1:%d/\r\n" % closed.port
        moved = b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n" + location + b"\r\n"
        async with listening(OPEN, answer=moved) as opened, session_of(OPEN) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as raised:
                await session.post(f"http://{OPEN}:{opened.port}/", allow_redirects=True)

        assert isinstance(raised.value.os_error, ForbiddenAddressError)
        assert await closed.seen() == 0


async def test_a_proxy_is_not_used_be_it_given_or_in_the_environment(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", places.url(OPEN))
    async with session_of(OPEN, trust_env=True, names={"far.example": always("198.51.100.1")}) as session:
        with pytest.raises(ValueError, match="proxy"):
            await session.post("http://far.example/")
        with pytest.raises(ValueError, match="proxy"):
            await session.post(places.url(OPEN), proxy=places.url(OPEN))

    assert places.open.connections == 0


def test_the_other_event_loop_that_the_application_runs_on_is_held_to_the_policy_too() -> None:
    async def story() -> None:
        async with listening(CLOSED) as closed, listening(OPEN, port=closed.port) as opened:
            names = {"mixed.example": always(CLOSED, "::1", OPEN), "evil.example": always("0x7f000001", CLOSED)}
            async with session_of(OPEN, names=names) as session:
                assert await status_of(session, Places(opened, closed).url("mixed.example")) == 200
                for host in (CLOSED, "evil.example", "0x7f000001", "[::ffff:127.0.0.1]"):
                    await refusal_of(session, Places(opened, closed).url(host))
            assert await closed.seen() == 0

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())


async def test_connections_have_no_bound_unless_one_is_given() -> None:
    egress = Egress(Policy())
    async with egress.connector() as unbound, egress.connector(limit=3) as bound:
        assert (unbound.limit, bound.limit) == (0, 3)
