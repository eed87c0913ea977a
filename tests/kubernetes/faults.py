"""How a test makes the API fail: interruptions that answer in its place, or hold requests back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

from tests.kubernetes.calls import Call

Interrupt = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Aim = Callable[[Call], bool]


async def go_on(_: web.Request) -> None:
    """No interruption: the request is answered as the API would."""


async def hang_up(request: web.Request) -> web.StreamResponse:
    """An interruption that closes the connection without an answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


@dataclass
class Gate:
    """An interruption that holds requests back until it is opened."""

    held: asyncio.Event = field(default_factory=asyncio.Event)  # set when a request is waiting
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _: web.Request) -> None:
        self.held.set()
        await self.opened.wait()


def answering(
    code: int, body: str = "", content_type: str = "text/plain", headers: Mapping[str, str] | None = None
) -> Interrupt:
    """An interruption that answers everything alike, as a proxy or an ailing server does."""

    async def interrupt(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=body, content_type=content_type, headers=headers)

    return interrupt


def too_many_requests(seconds: int = 1) -> Interrupt:
    """An interruption that sends a client away for a while, as a server under load does."""
    said = "Too many requests, please try again later.\n"
    return answering(HTTPStatus.TOO_MANY_REQUESTS, said, headers={"Retry-After": str(seconds)})


@dataclass
class Fault:
    """An interruption of the next requests that are aimed at."""

    interrupt: Interrupt
    left: int  # requests
    aim: Aim


def take(faults: Sequence[Fault], call: Call) -> Interrupt:
    """The interruption that the request is due."""
    fault = next((fault for fault in faults if fault.left and fault.aim(call)), None)
    if fault is None:
        return go_on
    fault.left -= 1
    return fault.interrupt
