"""The channel `webhook` and the POST below it, against real servers on loopback: what arrives, and how."""

from __future__ import annotations

import time

import aiohttp
import pytest
from aiohttp import web

from app.delivery.channels.http import ATTEMPT_SECONDS, make_session
from app.delivery.channels.webhook import Webhook
from app.delivery.outcome import Answer, Delivered
from tests.servers import free_port
from tests.unit.delivery.doubles import delivery
from tests.unit.delivery.endpoints import MIB, answer, endpoint, send, status_of


async def test_a_webhook_arrives_as_it_was_sent(session: aiohttp.ClientSession) -> None:
    arrived: list[tuple[str, str, dict[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        arrived.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        return web.Response(status=202, body=b"ok")

    async with endpoint(handler) as url:
        sent = delivery(url=f"{url}?a=b%20c", additional=" +é")
        outcome = await Webhook(session).send(sent)

    ((method, path, headers, body),) = arrived
    assert outcome == Delivered(Answer(202, b"ok"))
    assert (method, path, body) == ("POST", "/hook?a=b%20c", '"hello" +é'.encode().replace(b'"', b""))
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "ops-events"
    assert headers["webhook-id"] == sent.id
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["Content-Length"] == str(len(body))
    assert not {"Accept-Encoding", "Cookie", "Authorization", "webhook-signature", "webhook-replay"} & set(headers)


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1, 3 * MIB])
async def test_a_body_of_any_size_arrives_whole(session: aiohttp.ClientSession, size: int) -> None:
    arrived: list[tuple[str | None, int]] = []

    async def handler(request: web.Request) -> web.Response:
        arrived.append((request.headers.get("Content-Length"), (await request.read()).count(b"x")))
        return web.Response()

    async with endpoint(handler) as url:
        outcome = await Webhook(session).send(delivery(url=url, additional="x" * size))

    assert status_of(outcome) == 200
    assert arrived == [(str(len("hello") + size), size)]


async def test_credentials_in_the_url_are_sent_as_http_has_it(session: aiohttp.ClientSession) -> None:
    arrived: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        arrived.append(request.headers.get("Authorization"))
        return web.Response()

    async with endpoint(handler) as url:
        await Webhook(session).send(delivery(url=url.replace("://", "://user:pass@")))

    assert arrived == ["Basic dXNlcjpwYXNz"]


async def test_cookies_are_not_sent_back(session: aiohttp.ClientSession) -> None:
    cookies: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "id=1; Path=/"})

    # By name, because a cookie jar may ignore what bare addresses set.
    async with endpoint(handler) as url:
        for _ in range(2):
            assert status_of(await send(session, url.replace("127.0.0.1", "localhost"))) == 200
            assert status_of(await send(session, url)) == 200
    assert cookies == [None] * 4


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "")
    async with make_session() as session, endpoint(answer(200)) as url:
        assert status_of(await send(session, url)) == 200


async def test_an_answer_that_is_packed_is_kept_packed(session: aiohttp.ClientSession) -> None:
    async with endpoint(answer(200, b"no gzip", Content_Encoding="gzip")) as url:
        assert await send(session, url) == Delivered(Answer(200, b"no gzip"))


async def test_of_an_answer_the_first_kib_is_kept(session: aiohttp.ClientSession) -> None:
    async with endpoint(answer(200, bytes(range(256)) * 8)) as url:
        assert await send(session, url) == Delivered(Answer(200, bytes(range(256)) * 4))


async def test_an_attempt_may_take_ten_seconds_unless_told_otherwise(session: aiohttp.ClientSession) -> None:
    assert session.timeout.total == ATTEMPT_SECONDS == 10.0


async def test_a_session_takes_the_connector_that_it_is_given() -> None:
    connector = aiohttp.TCPConnector()
    async with make_session(connector) as session:
        assert session.connector is connector
