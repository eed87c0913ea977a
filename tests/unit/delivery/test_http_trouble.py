"""The HTTP channel against endpoints that misbehave, and URLs that cannot be reached."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from app.delivery.channels import http
from app.delivery.outcome import Delivered, TryLater
from app.errors import InvalidResourceError
from app.hooks.hook import parse
from tests.servers import free_port
from tests.unit.delivery.doubles import PROMPTLY
from tests.unit.delivery.endpoints import (
    MIB,
    SECRET,
    abort,
    answer,
    endpoint,
    raw_endpoint,
    reason_of,
    say_nothing,
    send,
)


async def test_a_port_where_nobody_listens_is_tried_later(session: aiohttp.ClientSession) -> None:
    reason = reason_of(await send(session, f"http://127.0.0.1:{free_port()}/"))

    assert reason.startswith("cannot connect: ")
    assert SECRET not in reason


async def test_an_endpoint_that_hangs_is_tried_later(hasty: aiohttp.ClientSession) -> None:
    done = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        del request
        await done.wait()
        return web.Response()

    async with endpoint(handler) as url:
        outcome = await send(hasty, url)
        done.set()
    assert outcome == TryLater("no answer within 10 s")


async def test_an_endpoint_that_takes_the_request_and_hangs_up_is_tried_later(session: aiohttp.ClientSession) -> None:
    async with raw_endpoint(abort) as url:
        reason = reason_of(await send(session, url))

    assert reason.startswith("the connection failed (")


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Len", b"\x00\xff\r\n\r\n", b""]
)
async def test_an_endpoint_that_does_not_speak_http_is_tried_later(session: aiohttp.ClientSession, said: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(said)
        writer.write_eof()
        await writer.drain()
        await asyncio.sleep(0)

    async with raw_endpoint(talk) as url:
        outcome = await send(session, url)

    assert isinstance(outcome, TryLater)
    assert SECRET not in outcome.reason
    assert "127.0.0.1" not in outcome.reason


async def test_the_status_decides_where_the_connection_ends_in_the_middle_of_the_answer(
    session: aiohttp.ClientSession,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf an answ")
        writer.write_eof()
        await writer.drain()

    async with raw_endpoint(talk) as url:
        assert await send(session, url) == Delivered(200)


async def test_the_status_decides_where_the_answer_never_ends(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_ANSWER_SECONDS", 0.02)
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        await writer.drain()
        while await reader.read(MIB):  # the request's body, then the end of the connection
            pass
        gone.set()

    async with raw_endpoint(talk) as url:
        assert await send(session, url) == Delivered(200)
        await asyncio.wait_for(gone.wait(), PROMPTLY)  # the connection is not kept for another request


async def test_a_huge_answer_is_not_read_whole(session: aiohttp.ClientSession) -> None:
    whole, written = 1024 * MIB, 0
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        nonlocal written
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {whole}\r\n\r\n".encode())
        try:
            while written < whole:
                writer.write(b"x" * MIB)
                await writer.drain()
                written += MIB
        finally:
            ended.set()

    async with raw_endpoint(talk) as url:
        assert await send(session, url) == Delivered(200)
        await asyncio.wait_for(ended.wait(), PROMPTLY)
    assert written < 64 * MIB  # what the buffers of both sides hold


@pytest.mark.parametrize(
    "url",
    [
        "http://1/",
        "http://256.256.256.256/",
        "http://a..b/",
        "http://./",
        f"http://{'a' * 64}.example/",
        "http://用户:密码@127.0.0.1:9/",
        "http://127.0.0.1:0/",
        "http://[::1]:0/",
        "http://\u00ad/",
    ],
)
async def test_a_url_that_passes_as_a_hooks_is_an_outcome_whatever_it_is(
    session: aiohttp.ClientSession, url: str
) -> None:
    spec = {"type": "webhook", "subject": "ops.>", "url": url}
    try:
        parse({"metadata": {"name": "h"}, "spec": spec}, "ns")
    except InvalidResourceError:
        return
    assert SECRET not in reason_of(await send(session, url))


async def test_the_reason_of_a_failure_never_holds_the_url(
    session: aiohttp.ClientSession, hasty: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    location = f"http://elsewhere.example/?{SECRET}"
    outcomes = [await send(session, f"http://127.0.0.1:{free_port()}/"), await send(session, "http://256.0.0.1/")]
    for handler in (answer(302, Location=location), answer(404), answer(503)):
        async with endpoint(handler) as url:
            outcomes.append(await send(session, url))
    async with raw_endpoint(abort) as url:
        outcomes.append(await send(session, url))
    async with raw_endpoint(say_nothing) as url:
        outcomes.append(await send(hasty, url))

    assert len(outcomes) == 7
    assert not any(SECRET in repr(outcome) for outcome in outcomes)
    assert SECRET not in caplog.text
