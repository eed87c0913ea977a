"""What a tail asks for, and who may; the stream itself is told in `tests/acceptance/test_tail.py`."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any
from unittest.mock import AsyncMock, create_autospec

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.archive import tail_frames
from app.archive.tail_start import Behind, Now, Since, Start
from app.archive.tails import Tails
from app.events.subject import InvalidSubjectError
from app.ingress.access.callers import EVERYTHING, Caller, admit
from app.ingress.problems import ProblemError
from app.ingress.tail import ABORT, EventStream, TailEndpoint
from tests.unit.archive.tailed import tail

READER = Caller("reader", publish=("ops.>",), read=("ops.a.>", "ops.b"), hooks=())


def request(
    pattern: str, query: str = "", last_id: str | None = None, who: Caller = EVERYTHING, method: str = "GET"
) -> Request:
    headers = [] if last_id is None else [(b"last-event-id", last_id.encode())]
    scope = {
        "type": "http",
        "method": method,
        "path_params": {"filter": pattern},
        "query_string": query.encode(),
        "headers": headers,
    }
    admit(scope, who, lambda _: lambda: who)
    return Request(scope)


def asked() -> tuple[TailEndpoint, AsyncMock]:
    tails = create_autospec(Tails, instance=True)
    return TailEndpoint(tails), tails.open


STARTS: tuple[tuple[str, str | None, Start], ...] = (
    ("", None, Now()),
    ("start_time=1700000000123", None, Since(1700000000.123)),
    ("last_event_id=7", None, Behind(7)),
    ("last_event_id=7&start_time=1", None, Behind(7)),
    ("last_event_id=7&start_time=1", "9", Behind(9)),
    ("", "0", Behind(0)),
    ("last_event_id=&start_time=", "", Now()),
)


@pytest.mark.parametrize(("query", "last_id", "start"), STARTS)
async def test_a_tail_starts_where_it_is_asked_to(query: str, last_id: str | None, start: Start) -> None:
    endpoint, opening = asked()
    await endpoint.tail(request("ops.>", query, last_id))
    opening.assert_awaited_once_with("ops.>", start)


WRONG: tuple[tuple[str, str | None], ...] = (
    ("start_time=yesterday", None),
    ("start_time=-1", None),
    ("start_time=1.5", None),
    ("start_time=" + "9" * 15, None),
    ("start_time=%D9%A1", None),
    ("last_event_id=x", None),
    ("last_event_id=%0A7", None),
    ("last_event_id=7%0A", None),
    ("", "9" * 19),
    ("", "-1"),
)


@pytest.mark.parametrize(("query", "last_id"), WRONG)
async def test_what_is_no_place_to_start_is_refused_by_name(query: str, last_id: str | None) -> None:
    endpoint, opening = asked()
    with pytest.raises(ProblemError, match=r"start_time|last_event_id|Last-Event-ID") as refused:
        await endpoint.tail(request("ops.>", query, last_id))
    assert refused.value.status == HTTPStatus.BAD_REQUEST
    opening.assert_not_awaited()


@pytest.mark.parametrize("pattern", ["ops..a", "ops.a b", "ops.a\r\nb", "ops.>.a", "ops.a*", "x" * 2000, "ops.\x00"])
async def test_a_filter_that_nats_cannot_carry_is_refused(pattern: str) -> None:
    endpoint, opening = asked()
    with pytest.raises(InvalidSubjectError):
        await endpoint.tail(request(pattern))
    opening.assert_not_awaited()


@pytest.mark.parametrize("pattern", ["ops.>", "ops.*", "ops.a", "ops.*.b", "ops.c", ">"])
async def test_who_may_not_read_all_that_a_filter_sees_is_refused(pattern: str) -> None:
    endpoint, opening = asked()
    with pytest.raises(ProblemError) as refused:
        await endpoint.tail(request(pattern, who=READER))
    assert refused.value.status == HTTPStatus.FORBIDDEN
    opening.assert_not_awaited()


@pytest.mark.parametrize("pattern", ["ops.a.>", "ops.a.*.c", "ops.b"])
async def test_who_may_read_it_follows(pattern: str) -> None:
    endpoint, opening = asked()
    await endpoint.tail(request(pattern, who=READER))
    opening.assert_awaited_once_with(pattern, Now())


async def test_a_head_request_is_answered_and_follows_nothing() -> None:
    endpoint, opening = asked()
    answer = await endpoint.tail(request("ops.>", method="HEAD"))
    assert (answer.status_code, answer.headers["content-type"], answer.body) == (200, "text/event-stream", b"")
    opening.assert_not_awaited()


class Connection:
    """The server's side of a request."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.gone = asyncio.Event()
        self.aborted = asyncio.Event()
        self.scope: dict[str, Any] = {ABORT: self.aborted.set}

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def test_a_stream_lasts_until_the_tail_is_over() -> None:
    tails, each, connection = create_autospec(Tails, instance=True), tail(), Connection()
    each.begin(3)
    serving = asyncio.create_task(EventStream(tails, each)(connection.scope, connection.receive, connection.send))
    await asyncio.sleep(0.01)
    each.put(4, b"four")
    await asyncio.sleep(0.01)
    assert not serving.done()
    tails.leave.assert_not_called()
    each.end(tail_frames.shutdown)
    await serving
    assert connection.body == tail_frames.opening(3) + b"four" + tail_frames.shutdown(4)
    assert connection.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    headers = dict(connection.sent[0]["headers"])
    assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-store", b"no")
    tails.leave.assert_called_once_with(each)


async def test_a_client_that_goes_ends_its_tail() -> None:
    tails, each, connection = create_autospec(Tails, instance=True), tail(), Connection()
    serving = asyncio.create_task(EventStream(tails, each)(connection.scope, connection.receive, connection.send))
    await asyncio.sleep(0.01)
    connection.gone.set()
    await serving
    tails.leave.assert_called_once_with(each)
    assert not connection.aborted.is_set()


async def test_a_stream_that_is_stuck_can_be_cut() -> None:
    tails, each, connection = create_autospec(Tails, instance=True), tail(), Connection()

    async def never(message: Message) -> None:
        await connection.gone.wait()

    serving = asyncio.create_task(EventStream(tails, each)(connection.scope, connection.receive, never))
    await asyncio.sleep(0.01)
    each.cut()
    assert connection.aborted.is_set()
    connection.gone.set()  # as a server tells of a connection that was aborted
    await serving
    tails.leave.assert_called_once_with(each)
