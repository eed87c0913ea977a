"""The HTTP channel against real servers on loopback: what is sent, and what an answer means."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from app.delivery.channels.http import ATTEMPT_SECONDS, make_session
from app.delivery.channels.webhook import Webhook
from app.delivery.outcome import Delivered, Outcome, Refused, TryLater
from tests.servers import free_port
from tests.unit.delivery.doubles import delivery
from tests.unit.delivery.endpoints import Handler, answer, endpoint, send


async def test_a_webhook_arrives_as_it_was_sent(session: aiohttp.ClientSession) -> None:
    arrived: list[tuple[str, str, dict[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        arrived.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        return web.Response(status=202)

    async with endpoint(handler) as url:
        sent = delivery(url=f"{url}?a=b%20c", additional=" +é")
        outcome = await Webhook(session).send(sent)

    ((method, path, headers, body),) = arrived
    assert outcome == Delivered(202)
    assert (method, path, body) == ("POST", "/hook?a=b%20c", '"hello" +é'.encode().replace(b'"', b""))
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "ops-events"
    assert headers["webhook-id"] == sent.id
    assert headers["Content-Length"] == str(len(body))
    assert not {"Accept-Encoding", "Cookie", "Authorization"} & set(headers)


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        (answer(200), Delivered(200)),
        (answer(204), Delivered(204)),
        (answer(500), TryLater("the endpoint answered 500")),
        (answer(503, Retry_After="120"), TryLater("the endpoint answered 503", 120.0)),
        (answer(429, Retry_After="7"), TryLater("the endpoint answered 429", 7.0)),
        (answer(429, Retry_After="later"), TryLater("the endpoint answered 429")),
        (answer(400), Refused("the endpoint answered 400")),
        (answer(410), Refused("the endpoint answered 410")),
    ],
    ids=lambda value: str(value) if isinstance(value, Delivered | TryLater | Refused) else "",
)
async def test_an_answer_is_judged_by_its_status(
    session: aiohttp.ClientSession, handler: Handler, outcome: Outcome
) -> None:
    async with endpoint(handler) as url:
        assert await send(session, url) == outcome


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(session: aiohttp.ClientSession, status: int) -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with endpoint(handler) as url:
        assert await send(session, url) == Refused(f"the endpoint answered {status}")
    assert paths == ["/hook"]


async def test_cookies_are_not_sent_back(session: aiohttp.ClientSession) -> None:
    cookies: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "id=1; Path=/"})

    # By name, because a cookie jar may ignore what bare addresses set.
    async with endpoint(handler) as url:
        for _ in range(2):
            assert await send(session, url.replace("127.0.0.1", "localhost")) == Delivered(200)
            assert await send(session, url) == Delivered(200)
    assert cookies == [None] * 4


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "")
    async with make_session() as session, endpoint(answer(200)) as url:
        assert await send(session, url) == Delivered(200)


async def test_a_connection_is_used_again(session: aiohttp.ClientSession) -> None:
    peers: set[object] = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(body=b"x" * 100)

    async with endpoint(handler) as url:
        for _ in range(5):
            assert await send(session, url) == Delivered(200)
    assert len(peers) == 1


async def test_a_session_waits_for_an_answer_as_long_as_an_attempt_may_take(session: aiohttp.ClientSession) -> None:
    assert session.timeout.total == ATTEMPT_SECONDS == 10.0
