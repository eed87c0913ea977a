"""How long a client may take for its headers, on a real uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import uvicorn

from app.http import BoundedHeaders
from app.jetstream.ending import end
from tests.servers import free_port, wait_for_port

SECONDS: Final = 0.3  # that a client may take
HELLO: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def slow(_scope: Any, _receive: Any, send: Any) -> None:
    """Answers after longer than a client may take for its headers."""
    await asyncio.sleep(2 * SECONDS)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr("app.http.SECONDS", SECONDS)
    listens = free_port()
    server = uvicorn.Server(uvicorn.Config(slow, port=listens, http=BoundedHeaders, lifespan="off", log_level="error"))
    serving = asyncio.create_task(server._serve())
    await wait_for_port(listens)
    yield listens
    server.should_exit = True
    async with asyncio.timeout(10):
        await asyncio.wait((serving,))
    await end((serving,))


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc"], ids=["nothing", "line", "header"])
async def test_headers_that_do_not_come_in_time_end_the_connection(port: int, begun: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(begun)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["code"] == -1


async def test_a_client_that_trickles_gets_no_longer(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        answer = asyncio.create_task(reader.read())
        while not answer.done():
            writer.write(b"X-More: 1\r\n")
            await asyncio.sleep(SECONDS / 10)
        assert answer.result().startswith(b"HTTP/1.1 408 ")


async def test_an_answer_may_take_longer_than_the_headers_may(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(HELLO)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 204 ")
