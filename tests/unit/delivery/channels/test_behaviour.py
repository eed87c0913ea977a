"""What every channel that speaks HTTP makes of an endpoint, be it well or ill. Each test runs for each channel."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import re
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app.delivery.channels.http import make_session
from app.delivery.egress.policy import Egress, Policy
from app.delivery.outcome import Answer, Busy, Delivered, Gone, Refused, TryLater
from tests.servers import free_port
from tests.unit.delivery.channels.cases import CASES, Case
from tests.unit.delivery.doubles import PROMPTLY
from tests.unit.delivery.endpoints import (
    MIB,
    abort,
    answer,
    endpoint,
    raw_endpoint,
    reason_of,
    say,
    say_nothing,
    trickle,
)

pytestmark = pytest.mark.parametrize("channel", CASES, ids=lambda case: case.name)

Session = aiohttp.ClientSession


@pytest.mark.parametrize("status", [200, 201, 202, 299])
async def test_a_success_is_delivered_and_the_answer_kept(channel: Case, session: Session, status: int) -> None:
    async with endpoint(answer(status, channel.success)) as url:
        outcome = await channel.send(session, url)

    assert isinstance(outcome, Delivered)
    assert channel.by_body or outcome.answer == Answer(status, channel.success)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_not_followed_but_tried_later(channel: Case, session: Session, status: int) -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with endpoint(handler) as url:
        outcome = await channel.send(session, url)

    assert isinstance(outcome, TryLater)
    assert outcome.reason.startswith(f"the endpoint answered {status}: redirects are not followed")
    assert len(paths) == 1
    assert paths[0] != "/elsewhere"


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 407, 408, 421, 423, 424, 425])
async def test_an_endpoint_that_is_not_set_up_or_not_ready_is_tried_later(
    channel: Case, session: Session, status: int
) -> None:
    async with endpoint(answer(status, b"no")) as url:
        outcome = await channel.send(session, url)

    assert outcome == TryLater(f"the endpoint answered {status}", answer=Answer(status, b"no"))


@pytest.mark.parametrize("status", [400, 406, 409, 411, 413, 414, 415, 418, 422, 426, 428, 431, 451, 499])
async def test_a_message_that_the_endpoint_does_not_like_is_refused(
    channel: Case, session: Session, status: int
) -> None:
    async with endpoint(answer(status, b"no")) as url:
        outcome = await channel.send(session, url)

    assert outcome == Refused(f"the endpoint answered {status}", Answer(status, b"no"))


async def test_an_endpoint_that_is_gone_says_so(channel: Case, session: Session) -> None:
    async with endpoint(answer(410, b"bye")) as url:
        assert await channel.send(session, url) == Gone("the endpoint answered 410", Answer(410, b"bye"))


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "after"), [("7", 7.0), ("0", 0.0), ("later", None), ("-5", None)])
async def test_a_busy_endpoint_says_how_long_to_wait(
    channel: Case, session: Session, status: int, header: str, after: float | None
) -> None:
    async with endpoint(answer(status, Retry_After=header)) as url:
        outcome = await channel.send(session, url)

    assert outcome == Busy(f"the endpoint answered {status}", after, Answer(status))


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_endpoint_may_say_until_when(channel: Case, session: Session, status: int) -> None:
    date = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), usegmt=True)
    async with endpoint(answer(status, Retry_After=date)) as url:
        outcome = await channel.send(session, url)

    assert isinstance(outcome, Busy)
    assert outcome.after is not None
    assert 3500 < outcome.after <= 3600


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_endpoint_need_not_say_how_long(channel: Case, session: Session, status: int) -> None:
    async with endpoint(answer(status)) as url:
        assert await channel.send(session, url) == Busy(f"the endpoint answered {status}", answer=Answer(status))


@pytest.mark.parametrize("status", [500, 501, 502, 504, 507, 520, 599])
async def test_an_endpoint_in_trouble_is_tried_later(channel: Case, session: Session, status: int) -> None:
    async with endpoint(answer(status, b"oh", Retry_After="9")) as url:
        outcome = await channel.send(session, url)

    assert outcome == TryLater(f"the endpoint answered {status}", 9.0, Answer(status, b"oh"))


async def test_a_port_where_nobody_listens_is_tried_later(channel: Case, session: Session) -> None:
    reason = reason_of(await channel.send(session, f"http://127.0.0.1:{free_port()}"))

    assert reason.startswith("cannot connect: ")


async def test_a_name_that_nobody_has_is_tried_later(channel: Case, session: Session) -> None:
    reason = reason_of(await channel.send(session, "http://no-such-host.invalid"))

    assert reason.startswith("cannot connect: ")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["before the answer", "in the headers"])
async def test_a_connection_that_is_reset_before_the_status_counts_is_tried_later(
    channel: Case, session: Session, said: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        await abort(reader, writer)

    async with raw_endpoint(talk) as url:
        outcome = await channel.send(session, url)

    assert isinstance(outcome, TryLater)
    assert re.fullmatch(r"the connection failed \(\w+\)", outcome.reason)


@pytest.mark.parametrize("status", [200, 500])
async def test_the_status_decides_where_the_connection_ends_in_the_middle_of_the_answer(
    channel: Case, session: Session, status: int
) -> None:
    async with raw_endpoint(say(b"HTTP/1.1 %d x\r\nContent-Length: 1000\r\n\r\nhalf an answ" % status)) as url:
        outcome = await channel.send(session, url)

    assert isinstance(outcome, Delivered if status == 200 and not channel.by_body else TryLater)
    assert outcome.answer == Answer(status, b"half an answ")


async def test_an_endpoint_that_never_answers_is_tried_later(channel: Case, hasty: Session) -> None:
    async with raw_endpoint(say_nothing) as url:
        assert await channel.send(hasty, url) == TryLater("no answer within 0.2 s")


async def test_headers_that_trickle_in_are_not_waited_for_longer_than_an_attempt_may_take(
    channel: Case, hasty: Session
) -> None:
    async with raw_endpoint(trickle(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")) as url:
        assert await channel.send(hasty, url) == TryLater("no answer within 0.2 s")


async def test_the_status_decides_where_the_body_trickles_in(channel: Case, hasty: Session) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    async with raw_endpoint(trickle(head, b" ")) as url:
        outcome = await channel.send(hasty, url)

    assert isinstance(outcome, TryLater if channel.by_body else Delivered)
    assert outcome.answer is not None
    assert outcome.answer.status == 200


@pytest.mark.parametrize("status", [200, 500])
async def test_of_a_huge_answer_a_few_kib_are_read_and_one_is_kept(channel: Case, status: int) -> None:
    whole, taken = 64 * MIB, 0
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        writer.transport.set_write_buffer_limits(0)  # so that `drain` waits until the socket has taken it
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {whole}\r\n\r\n".encode())
        try:
            while taken < whole:
                writer.write(b"x" * 1024)
                await writer.drain()
                taken += 1024
        finally:
            ended.set()

    async with make_session(aiohttp.TCPConnector(socket_factory=_small)) as session, raw_endpoint(talk) as url:
        outcome = await channel.send(session, url)
        await asyncio.wait_for(ended.wait(), PROMPTLY)

    assert isinstance(outcome, Delivered if status == 200 and not channel.by_body else TryLater)
    assert outcome.answer == Answer(status, b"x" * 1024)
    assert taken < 128 * 1024  # what was read, and what the sockets of both sides hold


async def test_an_answer_that_comes_in_pieces_is_put_together(channel: Case, session: Session) -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            for piece in (b"HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\n", b"one", b"two", b"end"):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)  # so that they are not read as one
            await reader.readuntil(b"\r\n\r\n")  # the head of the next request

    async with raw_endpoint(talk) as url:
        outcomes = [await channel.send(session, url) for _ in range(2)]

    assert outcomes == [TryLater("the endpoint answered 500", answer=Answer(500, b"onetwoend"))] * 2
    assert connections == 1


async def test_headers_without_end_are_not_read(channel: Case, session: Session) -> None:
    async with raw_endpoint(say(b"HTTP/1.1 200 OK\r\nX: " + b"x" * MIB)) as url:
        assert reason_of(await channel.send(session, url)).startswith("the connection failed (")


async def test_an_endpoint_that_does_not_take_the_request_is_tried_later(channel: Case, hasty: Session) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader, writer
        await asyncio.Event().wait()

    async with raw_endpoint(leave) as url:
        outcome = await channel.send(hasty, url, data="x" * 16 * MIB)
    assert outcome == TryLater("no answer within 0.2 s")


async def test_a_connection_with_an_answer_of_a_few_kib_is_used_again(channel: Case, session: Session) -> None:
    peers: set[Any] = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(status=500, body=b"x" * 4000)

    async with endpoint(handler) as url:
        for _ in range(5):
            await channel.send(session, url)

    assert len(peers) == 1


async def test_what_egress_forbids_is_tried_later_and_says_which_setting_opens_it(channel: Case) -> None:
    called = False

    async def handler(request: web.Request) -> web.Response:
        nonlocal called
        called = True
        return web.Response(body=channel.success)

    closed = Egress(Policy.parse("", "", loopback=False))
    async with make_session(closed.connector()) as session, endpoint(handler) as url:
        outcomes = [await channel.send(session, at) for at in (url, url.replace("127.0.0.1", "localhost"))]

    for outcome in outcomes:
        assert isinstance(outcome, TryLater)
        assert "not allowed (loopback): see EGRESS_ALLOW" in outcome.reason
    assert not called


def _small(address: Any) -> socket.socket:
    """A socket of a client that takes in little at a time."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return made
