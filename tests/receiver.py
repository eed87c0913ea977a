"""A real HTTP server on loopback that hooks deliver to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.servers import free_port


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


Answer = Callable[[Call], Awaitable[web.Response]]


async def ok(_: Call) -> web.Response:
    return web.Response()


@dataclass
class Receiver:
    """Keeps every call; answers 200 unless told otherwise. Can be closed and opened on the same port."""

    port: int = field(default_factory=free_port)
    answer: Answer = ok
    calls: list[Call] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def open(self, tls: ssl.SSLContext | None = None) -> None:
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=tls).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for(self, reached: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until what has arrived is enough."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(reached)

    async def _take(self, request: web.Request) -> web.Response:
        call = Call(request.path_qs, dict(request.headers), await request.read())
        self.calls.append(call)
        async with self._arrived:
            self._arrived.notify_all()
        return await self.answer(call)


@contextlib.asynccontextmanager
async def running_receiver(answer: Answer = ok) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer=answer)
    await receiver.open()
    try:
        yield receiver
    finally:
        await receiver.close()
