"""How to reach the services of `services.py`: under their own names, over TLS.

A session of `session_to` resolves these to this machine, so that nothing in what is tested knows of it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import trustme
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from app.delivery.channels.http import make_session
from app.delivery.egress.policy import Egress, Policy

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Here(AbstractResolver):
    """Finds every service on this machine, and nobody else."""

    def __init__(self, hosts: set[str], port: int) -> None:
        self._hosts = hosts
        self._port = port

    async def resolve(self, host: str, *_: object, **__: object) -> list[ResolveResult]:
        if host not in self._hosts:
            raise OSError(f"{host} is nowhere")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def session_to(hosts: Mapping[str, Answer]) -> AsyncIterator[aiohttp.ClientSession]:
    """A session as the app has it, for which these hosts are this machine, and there are no others."""
    authority = trustme.CA()
    async with _serving(hosts, authority.issue_cert(*hosts)) as port:
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        connector = Egress(Policy.parse("", "", loopback=True)).connector(resolver=_Here({*hosts}, port), ssl=trust)
        async with make_session(connector) as session:
            yield session


@asynccontextmanager
async def _serving(hosts: Mapping[str, Answer], certificate: trustme.LeafCert) -> AsyncIterator[int]:
    """The port on which they listen."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await hosts[request.host.partition(":")[0]](request)

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(tls)
    application = web.Application(client_max_size=1024 * 1024)
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port: int = runner.addresses[0][1]
        yield port
    finally:
        await runner.cleanup()
