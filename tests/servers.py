"""Real servers for tests, each on a free loopback port with a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext

from app.embedded import nats_server

_PORTS: Final = range(20_000, 32_000)  # below those that the system gives to outgoing connections
_BLOCK: Final = 250  # ports of one process


def free_port() -> int:
    """A port that nobody listens on, and that no other test process takes meanwhile."""
    return next(port for port in _own_ports() if _is_free(port))


@cache
def _own_ports() -> Iterator[int]:
    """The ports of a block that is this process's own as long as it holds the first of them."""
    holder = next(filter(None, map(_bound, _PORTS[::_BLOCK])))
    _HELD.append(holder)
    first = holder.getsockname()[1]
    return itertools.cycle(range(first + 1, first + _BLOCK))


_HELD: Final[list[socket.socket]] = []  # for the life of the process


def _bound(port: int, *, again: bool = False) -> socket.socket | None:
    """A socket on a port, where nobody else has it; `again`: though connections to it may linger."""
    claim = socket.socket()
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, again)
    try:
        claim.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return None
    return claim


def _is_free(port: int) -> bool:
    claim = _bound(port, again=True)
    if claim is not None:
        claim.close()
    return claim is not None


async def wait_for_port(port: int, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


@dataclass
class NatsServer:
    """A nats-server with JetStream that can be killed and started again on the same port and files."""

    store: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        arguments = ("--addr", "127.0.0.1", "--port", str(self.port), "--jetstream", "--store_dir", str(self.store))
        self.process = await asyncio.create_subprocess_exec(
            nats_server(), *arguments, *self.options, stderr=asyncio.subprocess.DEVNULL
        )
        await wait_for_port(self.port)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """While this lasts it is there, and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # until then it may still answer
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Ask it to end (SIGTERM)."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@contextlib.asynccontextmanager
async def running_nats(store: Path, *options: str) -> AsyncIterator[NatsServer]:
    server = NatsServer(store, options=options)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()  # nobody reads its files again, and what it would write in ending takes it seconds


async def settle(client: Client) -> None:
    """Until the server knows of all that was subscribed to.

    A flush of nats-py writes its PING at once and leaves SUBs that wait where they are: the first brings them on their
    way, and the second comes behind them.
    """
    await client.flush()
    await client.flush()


@contextlib.asynccontextmanager
async def jetstream(url: str) -> AsyncIterator[JetStreamContext]:
    """A plain client's JetStream, as anybody's."""
    client = await nats.connect(url)
    try:
        yield client.jetstream()
    finally:
        await client.close()
