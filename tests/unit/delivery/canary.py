"""What the tests of egress connect to, or must not: listeners on loopback, and a resolver that answers as told."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from app.delivery.egress.policy import Egress, ForbiddenAddressError, Policy
from tests.unit.delivery.doubles import PROMPTLY

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Listener:
    """Counts connections, and answers every request on them alike."""

    port: int = 0
    connections: int = 0
    answer: bytes = ANSWER
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        async with self._arrived:
            self._arrived.notify_all()
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def seen(self) -> int:
        """How many connections came until now. Connections are taken in order, so one of our own ends the wait."""
        before = self.connections
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(PROMPTLY), self._arrived:
                await self._arrived.wait_for(lambda: self.connections > before)
        finally:
            writer.close()
            await writer.wait_closed()
        return self.connections - 1


@asynccontextmanager
async def listening(
    host: str, port: int = 0, answer: bytes = ANSWER, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listener]:
    """A listener at one address of this machine."""
    listener = Listener(port, answer=answer)
    async with serving(listener, socket.create_server((host, port)), tls):
        yield listener


@asynccontextmanager
async def listening_everywhere() -> AsyncIterator[Listener]:
    """A listener at every address of this machine, by both versions of IP where it has both."""
    both = socket.has_dualstack_ipv6()
    everywhere = ("::" if both else "0.0.0.0", 0)  # noqa: S104 -- each way to write an address must lead here
    family = socket.AF_INET6 if both else socket.AF_INET
    listener = Listener()
    async with serving(listener, socket.create_server(everywhere, family=family, dualstack_ipv6=both)):
        yield listener


@asynccontextmanager
async def serving(listener: Listener, sock: socket.socket, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    server = await asyncio.start_server(listener.take, sock=sock, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        await listener.hang_up()


class Answers(AbstractResolver):
    """Resolves the names it is told of, to one list of addresses after another; others as numbers, never by DNS."""

    def __init__(self, names: Mapping[str, Iterable[list[str]]] | None = None) -> None:
        self._names: dict[str, Iterator[list[str]]] = {name: iter(lists) for name, lists in (names or {}).items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        self.asked.append(host)
        addresses = next(self._names[host]) if host in self._names else await _as_number(host)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        pass


def always(*addresses: str) -> Iterable[list[str]]:
    return repeat(list(addresses))


def then(first: list[str], *later: list[str]) -> Iterable[list[str]]:
    """One answer after another; the last one stays."""
    return chain([first], later[:-1], repeat(later[-1]))


async def _as_number(host: str) -> list[str]:
    flags = socket.AI_NUMERICHOST
    found = await asyncio.get_running_loop().getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=flags)
    return [str(address[0]) for *_, address in found]


def _result(name: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=name, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


@asynccontextmanager
async def session_of(
    allow: str = "",
    deny: str = "",
    *,
    loopback: bool = False,
    names: Mapping[str, Iterable[list[str]]] | None = None,
    trust_env: bool = False,
    **options: Any,
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session held to a policy, whose names resolve as told; further options are the connector's."""
    egress = Egress(Policy.parse(allow, deny, loopback=loopback))
    connector = egress.connector(**{"resolver": Answers(names), **options})
    timeout = aiohttp.ClientTimeout(total=PROMPTLY)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=trust_env) as session:
        yield session


async def status_of(session: aiohttp.ClientSession, url: str) -> int:
    async with session.post(url, data=b"{}", allow_redirects=False) as response:
        await response.read()
        return response.status


async def fault_of(session: aiohttp.ClientSession, url: str) -> Exception:
    """What a POST ends with; where nothing could be connected, the fault below aiohttp's."""
    try:
        status = await status_of(session, url)
    except aiohttp.ClientConnectorError as error:
        return error.os_error
    except (aiohttp.ClientError, ValueError, TimeoutError) as error:
        return error
    raise AssertionError(f"{url} answered {status}")


async def refusal_of(session: aiohttp.ClientSession, url: str) -> str:
    """What the policy says of a POST that it must forbid."""
    fault = await fault_of(session, url)
    assert isinstance(fault, ForbiddenAddressError), repr(fault)
    return str(fault)
