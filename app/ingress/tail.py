"""The live tail over HTTP: server-sent events, from now, from a time, or behind the last that a client has seen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.archive.tail import Tail
from app.archive.tail_start import Behind, Now, Since, Start
from app.archive.tails import Tails
from app.events.subject import validate_filter
from app.ingress.access.callers import caller, still_reads
from app.ingress.problems import ProblemError
from app.jetstream.ending import end

MEDIA: Final = "text/event-stream"
LAST_EVENT_ID: Final = "Last-Event-ID"
ABORT: Final = "ops.abort"  # key of the ASGI scope: ends the connection, what waits to be written included

_HEADERS: Final = {
    "Content-Type": MEDIA,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect
    "Connection": "close",  # what is left to be written then goes with the connection
}
_FAREWELL: Final = 1.0  # seconds in which what is left to be written has to be read
_SEQUENCE: Final = re.compile(r"\d{1,18}", re.ASCII)
_MILLISECONDS: Final = re.compile(r"\d{1,14}", re.ASCII)  # up to the year 5138


class TailEndpoint:
    """`/api/v1/events/{filter}/tail`."""

    def __init__(self, tails: Tails) -> None:
        self._tails = tails

    async def tail(self, request: Request) -> Response:
        pattern = validate_filter(request.path_params["filter"])
        caller(request).require_read(pattern)
        start = _start(request.headers, request.query_params)
        if request.method == "HEAD":
            return Response(headers=_HEADERS)
        tail = await self._tails.open(pattern, start)
        tail.allowed = still_reads(request, pattern)
        return EventStream(self._tails, tail)


class EventStream(Response):
    """What a tail sends, until it or its client ends."""

    def __init__(self, tails: Tails, tail: Tail) -> None:
        self._tails = tails
        self._tail = tail
        self.status_code = HTTPStatus.OK
        self.background = None
        self.raw_headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.create_task(self._write(send))
        gone = asyncio.create_task(_gone(receive))
        abort = scope.get(ABORT, writing.cancel)
        self._tail.cut = abort
        try:
            await asyncio.wait((writing, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._tails.leave(self._tail)
            await end((writing, gone))
        if not writing.cancelled():
            writing.result()
            asyncio.get_running_loop().call_later(_FAREWELL, abort)

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while chunk := await self._tail.take():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(headers: Mapping[str, str], query: Mapping[str, str]) -> Start:
    """Where to start; the header wins, for a browser that comes back sends it along with the URL of the first time.

    Raises:
        ProblemError: a value is none of a stream's sequences, or no time.
    """
    for name, found in ((LAST_EVENT_ID, headers.get(LAST_EVENT_ID)), ("last_event_id", query.get("last_event_id"))):
        if found:
            return Behind(_number(name, found, _SEQUENCE, "a whole number, as the tail's id: said it"))
    if since := query.get("start_time"):
        return Since(_number("start_time", since, _MILLISECONDS, "a time in milliseconds since 1970") / 1000)
    return Now()


def _number(name: str, text: str, form: re.Pattern[str], instead: str) -> int:
    if not form.fullmatch(text):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is {text[:40]!r}: use {instead}")
    return int(text)
