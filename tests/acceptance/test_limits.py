"""What the app takes before it looks at what a request is about: over raw sockets, so that anything can be sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from unittest.mock import ANY

import aiohttp
import pytest

from tests.app import App, running_app
from tests.servers import NatsServer

EVENT = "/api/v1/namespaces/default/events/x"
HOOKS = "/api/v1/namespaces/default/eventhooks"
PAGE = "https://console.example.com"


async def sent(app: App, pieces: Iterable[bytes]) -> tuple[int, dict[str, object]]:
    """The status and the body of the answer to bytes on a socket, which is closed after it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    try:
        async with asyncio.timeout(20):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            return int(head.split(b" ")[1]), json.loads(await reader.readexactly(length))
    finally:
        writer.close()


def get(target: str, *headers: str) -> list[bytes]:
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return ["\r\n".join(lines).encode()]


@pytest.mark.parametrize(
    ("request_", "status", "why"),
    [
        (get(f"{HOOKS}?search={'a' * 8192}"), 414, "longer than 8192 bytes"),
        (get(f"/{'a' * 9000}"), 414, "longer than 8192 bytes"),
        (get(HOOKS, *(f"X-{number}: 1" for number in range(100))), 431, "the headers are more than 100"),
        (get("/healthz", f"X-Long: {'a' * 33000}"), 431, "32768 bytes"),
        (get(HOOKS, "X-Bad: \x01"), 400, "no HTTP request"),
        ([b"nonsense\r\n\r\n"], 400, "no HTTP request"),
    ],
    ids=["query", "path", "many headers", "long header", "malformed header", "no HTTP"],
)
async def test_what_stands_before_a_body_is_bounded(app: App, request_: list[bytes], status: int, why: str) -> None:
    code, body = await sent(app, request_)
    assert (code, body["code"]) == (status, -1)
    assert why in str(body["message"])


@pytest.mark.parametrize("piece", [b"X-More: 1\r\n" * 100, b"a" * 1000], ids=["headers", "one header"])
async def test_headers_that_do_not_end_are_cut_off(app: App, piece: bytes) -> None:
    begin = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Endless: "
    code, body = await sent(app, [begin, *([piece] * (64 * 1024 // len(piece) + 1))])
    assert (code, body["code"]) == (431, -1)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await sent(app, [begin, *([piece] * 50_000)])
    await app.wait_until_ready()


async def test_workers_have_the_same_limits(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    app = App(tmp_path / "workers", {"EVENT_ENDPOINT": provisioned.url}, arguments=("--workers", "2"))
    await app.start()
    try:
        for _ in range(10):  # a connection each, so that both are asked
            assert await sent(app, [b"nonsense\r\n\r\n"]) == (400, ANY)
        async with http.get(f"{app.url}/healthz") as response:
            assert "Server" not in response.headers
    finally:
        await app.stop()


async def test_a_request_within_the_limits_is_served_piece_by_piece_and_pipelined(app: App) -> None:
    asked = b"".join(get("/healthz", f"X-Long: {'a' * 30000}"))
    code, _ = await sent(app, [asked[place : place + 4000] for place in range(0, len(asked), 4000)])
    assert code == 200
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    writer.write(asked * 20)
    async with asyncio.timeout(10):
        for _ in range(20):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readuntil(b"}}")
    writer.close()


@pytest.fixture
async def open_app(provisioned: NatsServer, tmp_path: Path) -> AsyncIterator[App]:
    settings = {"EVENT_ENDPOINT": provisioned.url, "SERVER_TOKEN": "s3cret", "CORS_ORIGINS": f"{PAGE}, http://x:1"}
    async with running_app(tmp_path / "open", **settings) as app:
        yield app


RIGHT = {"Authorization": "Bearer s3cret"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


async def test_pages_of_the_named_origins_may_ask(open_app: App, http: aiohttp.ClientSession) -> None:
    async with http.options(open_app.url + EVENT, headers={"Origin": PAGE, **PREFLIGHT}) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert "authorization" in response.headers["Access-Control-Allow-Headers"].lower()
        assert "Access-Control-Allow-Credentials" not in response.headers
    async with http.post(open_app.url + EVENT, json={}, headers={"Origin": PAGE, **RIGHT}) as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    async with http.post(open_app.url + EVENT, json={}, headers={"Origin": PAGE}) as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (401, PAGE)


async def test_pages_of_other_origins_may_not(open_app: App, app: App, http: aiohttp.ClientSession) -> None:
    for asked, origin in ((open_app, "https://evil.example"), (app, PAGE), (app, "http://localhost:3000")):
        for method, headers in (("OPTIONS", PREFLIGHT), ("GET", RIGHT)):
            async with http.request(method, asked.url + HOOKS, headers={"Origin": origin, **headers}) as response:
                assert "Access-Control-Allow-Origin" not in response.headers


async def test_an_address_that_tries_many_tokens_has_to_wait_and_finds_out_nothing(
    open_app: App, http: aiohttp.ClientSession
) -> None:
    async def ask(token: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "2001:db8::1"}
        async with http.get(open_app.url + HOOKS, headers=headers) as response:
            return response.status, response.headers.get("Retry-After", "")

    answers = [await ask(f"guess{number}") for number in range(25)]
    assert [status for status, _ in answers[:20]] == [401] * 20
    assert answers[-1][0] == 429
    assert int(answers[-1][1]) >= 1
    assert (await ask("s3cret"))[0] == 429
    async with http.get(open_app.url + HOOKS, headers=RIGHT) as response:
        assert response.status == 200  # from another address


async def test_a_token_that_cannot_be_guessed_is_served_from_an_address_that_others_guess_from(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    token = "0123456789abcdef0123456789abcdef"
    async with running_app(tmp_path / "long", EVENT_ENDPOINT=provisioned.url, SERVER_TOKEN=token) as app:
        for number in range(25):
            async with http.get(app.url + HOOKS, headers={"Authorization": f"Bearer {number}"}) as response:
                status = response.status
        assert status == 429
        async with http.get(app.url + HOOKS, headers={"Authorization": f"Bearer {token}"}) as response:
            assert response.status == 200
