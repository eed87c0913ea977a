"""One HTTP POST against endpoints that misbehave in ways of their own, and URLs that cannot be reached.

What every channel makes of an endpoint in trouble stands in `channels/test_behaviour.py`.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from app.delivery.channels import http
from app.delivery.outcome import Answer, Delivered, TryLater
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
    say,
    say_nothing,
    send,
)


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff\r\n\r\n", b""])
async def test_an_endpoint_that_does_not_speak_http_is_tried_later(session: aiohttp.ClientSession, said: bytes) -> None:
    async with raw_endpoint(say(said)) as url:
        outcome = await send(session, url)

    assert isinstance(outcome, TryLater)
    assert SECRET not in outcome.reason
    assert "127.0.0.1" not in outcome.reason


async def test_a_body_that_breaks_its_own_framing_is_an_outcome(session: aiohttp.ClientSession) -> None:
    async with raw_endpoint(say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzzz")) as url:
        outcome = await send(session, url)

    assert isinstance(outcome, Delivered | TryLater)


async def test_a_body_that_does_not_come_is_not_waited_for(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
        await writer.drain()
        while await reader.read(MIB):  # the request's body, then the end of the connection
            pass
        gone.set()

    async with raw_endpoint(talk) as url:
        async with asyncio.timeout(http.ATTEMPT_SECONDS / 2):
            assert await send(session, url) == Delivered(Answer(200, b"begun"))
        await asyncio.wait_for(gone.wait(), PROMPTLY)  # the connection is not kept for another request


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
    outcome = await send(session, url)

    assert isinstance(outcome, TryLater)  # the hook is at fault, not the message
    assert SECRET not in outcome.reason


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
