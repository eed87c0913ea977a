"""Endpoints on loopback: one that answers as HTTP has it, and one that does with its connections what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.delivery.channels.http import Post, post
from app.delivery.outcome import Outcome, Refused, TryLater
from tests.unit.delivery.doubles import PROMPTLY

SECRET = "s3cret-in-the-url"
MIB = 1024 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def endpoint(handler: Handler) -> AsyncIterator[str]:
    """The URL of a server that answers every request with `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/hook"))


@asynccontextmanager
async def raw_endpoint(talk: Talk) -> AsyncIterator[str]:
    """The URL of a server that reads a request's head and then does as `talk` says."""
    talks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                await talk(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def answer(status: int, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        del request
        return web.Response(status=status, headers={key.replace("_", "-"): value for key, value in headers.items()})

    return handler


async def send(session: aiohttp.ClientSession, url: str) -> Outcome:
    """Send once, to a URL with a secret in it."""
    request = Post(f"{url}?token={SECRET}", {"Content-Type": "application/json", "webhook-id": "1"}, b"hello")
    return await asyncio.wait_for(post(session, request), PROMPTLY)


def reason_of(outcome: Outcome) -> str:
    assert isinstance(outcome, TryLater | Refused)
    return outcome.reason


async def abort(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.transport.abort()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    while await reader.read(MIB):
        pass
