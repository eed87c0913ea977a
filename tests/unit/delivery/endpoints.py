"""Endpoints on loopback: one that answers as HTTP has it, and one that does with its connections what it likes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.delivery.channels.http import Post, post
from app.delivery.outcome import Delivered, Outcome
from tests.unit.delivery.doubles import PROMPTLY

SECRET = "s3cret-in-the-url"
MIB = 1024 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def endpoint(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The URL of a server that answers every request with `handler`."""
    app = web.Application(client_max_size=16 * MIB)
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app, host="127.0.0.1", scheme="https" if tls else "http")
    await server.start_server(ssl=tls)
    try:
        yield str(server.make_url("/hook"))
    finally:
        await server.close()


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


def answer(status: int, body: bytes = b"", **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return handler


async def send(session: aiohttp.ClientSession, url: str) -> Outcome:
    """Send once, to a URL with a secret in it."""
    request = Post(f"{url}?token={SECRET}", {"Content-Type": "application/json", "webhook-id": "1"}, b"hello")
    return await asyncio.wait_for(post(session, request), PROMPTLY)


def status_of(outcome: Outcome) -> int:
    """The status of a delivery that worked."""
    assert isinstance(outcome, Delivered)
    assert outcome.answer is not None
    return outcome.answer.status


def reason_of(outcome: Outcome) -> str:
    """Why a delivery did not work."""
    assert not isinstance(outcome, Delivered)
    return outcome.reason


async def abort(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.transport.abort()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    while await reader.read(MIB):
        pass


def say(said: bytes) -> Talk:
    """Say so much, in whatever state it leaves the answer, and end the connection in good order."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.write_eof()
        await writer.drain()
        while await reader.read(MIB):  # unread bytes would turn the end into a reset
            pass

    return talk


def trickle(said: bytes, drop: bytes) -> Talk:
    """Say something, then a little more every now and then, for ever."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(said)
        while True:
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(drop)

    return talk
