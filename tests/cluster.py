"""Three real nats-servers that are one cluster, each of which can be killed, stopped, paused and started again.

For stories in which a server goes away under load:

    async with running_cluster(tmp_path / "nats") as cluster:          # healthy, and nothing is in it yet
        await cluster.provision(replicas=3)                            # what `python -m streams apply` does
        async with running_app(tmp_path / "app", EVENT_ENDPOINT=cluster.url, EVENT_STREAM_REPLICAS="3") as app:
            leader = await cluster.leader("ops")                       # or cluster.leader("ops", "hooks"): a consumer's
            await leader.kill()                                        # -9; .stop() is SIGTERM; `with leader.paused():`
            …
            await leader.start()                                       # on the same port and files
            await cluster.caught_up("ops")                             # each replica has everything

A node is a `NatsServer` of `servers.py`. It takes all three about 3 s from the start to a leader. A leader that is
killed is replaced within 4 to 10 s, in which nothing is acknowledged: wait for conditions, with a minute's patience.
`other_than(node)` gives the nodes that are left; `node.url` leads a client to one node only.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import aiohttp
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ClusterInfo
from nats.js.errors import APIError

from streams import connection, live
from streams.access import Access
from streams.secured import SecuredClient
from tests.servers import NatsServer, free_port

T = TypeVar("T")

PATIENCE: Final = 60.0  # seconds
_LOOK: Final = 0.1  # seconds between two looks at the cluster


@dataclass
class Node(NatsServer):
    """One server of a cluster."""

    name: str = ""
    monitor: int = 0  # port of its HTTP monitoring

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def is_healthy(self) -> bool:
        """Whether it says that it has caught up with everything that it holds a copy of."""
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{self.monitor}/healthz") as answer:
                return answer.status == 200
        return False


@dataclass
class Cluster:
    """Nodes that know each other."""

    nodes: Sequence[Node]
    access: Access | None = None  # where a plain connection is not let in

    @property
    def url(self) -> str:
        """All of them, as `EVENT_ENDPOINT` takes it."""
        return ",".join(node.url for node in self.nodes)

    def other_than(self, *gone: Node) -> list[Node]:
        return [node for node in self.nodes if node not in gone]

    async def start(self) -> None:
        await asyncio.gather(*(node.start() for node in self.nodes))
        await self.healthy()

    async def kill(self) -> None:
        await asyncio.gather(*(node.kill() for node in self.nodes))

    async def healthy(self, seconds: float = PATIENCE) -> None:
        """Wait until every node that runs has caught up, and JetStream takes changes."""
        async with asyncio.timeout(seconds), self.client() as client:
            await _until(self._all_healthy)
            await _until(lambda: _answers(client))

    async def provision(self, replicas: int = 3) -> None:
        """Have it hold what `streams/` says. A cluster that has just begun may refuse for a while to place a stream."""
        async with self.client() as client:
            context, until = client.jetstream(timeout=PATIENCE), time.monotonic() + PATIENCE
            while remaining := await live.provision(context, replicas):
                assert time.monotonic() < until, remaining
                await asyncio.sleep(_LOOK)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A plain client's connection, which goes from node to node as they come and go."""
        entering = Access(self.url) if self.access is None else self.access
        client = SecuredClient()
        await client.connect(
            **entering.options(), max_reconnect_attempts=-1, reconnect_time_wait=1, inbox_prefix=connection.INBOX
        )
        try:
            yield client
        finally:
            await client.close()

    async def leader(self, stream: str, consumer: str | None = None, seconds: float = PATIENCE) -> Node:
        """The node that leads a stream, or a consumer, as soon as one does."""
        async with asyncio.timeout(seconds), self.client() as client:
            return await _until(lambda: self._leading(client, stream, consumer))

    async def caught_up(self, stream: str, consumer: str | None = None, seconds: float = PATIENCE) -> None:
        """Wait until all replicas are there and lack nothing."""
        async with asyncio.timeout(seconds), self.client() as client:
            await _until(lambda: self._complete(client, stream, consumer))

    async def _all_healthy(self) -> bool:
        return all(await asyncio.gather(*(node.is_healthy() for node in self.nodes if node.runs)))

    async def _leading(self, client: Client, stream: str, consumer: str | None) -> Node | None:
        told = await _told(client, stream, consumer)
        leader = told.leader if told is not None else None  # for a while, one that has gone
        return next((node for node in self.nodes if node.name == leader and node.runs), None)

    async def _complete(self, client: Client, stream: str, consumer: str | None) -> bool:
        told = await _told(client, stream, consumer)
        replicas = (told.replicas or []) if told is not None and told.leader else []
        current = [peer for peer in replicas if peer.current and not peer.offline and not peer.lag]
        return len(current) == len(self.nodes) - 1


async def _until(asked: Callable[[], Awaitable[T | None]]) -> T:
    """Ask again and again until there is an answer that is one."""
    while not (found := await asked()):  # noqa: ASYNC110 -- another process gives no event
        await asyncio.sleep(_LOOK)
    return found


async def _answers(client: Client) -> bool:
    """Whether JetStream has a leader for changes, and room for another stream."""
    try:
        await client.jetstream(timeout=2).streams_info()
    except (NatsError, APIError, TimeoutError):
        return False
    return True


async def _told(client: Client, stream: str, consumer: str | None) -> ClusterInfo | None:
    context = client.jetstream(timeout=2)
    try:
        if consumer is not None:
            told: ClusterInfo | None = (await context.consumer_info(stream, consumer)).cluster
            return told
        return (await context.stream_info(stream)).cluster
    except (NatsError, APIError, TimeoutError):
        return None


def make_cluster(folder: Path, *options: str, size: int = 3) -> Cluster:
    """Nodes that have yet to start, each with a store of its own; `options` are of nats-server's command line."""
    routes = [free_port() for _ in range(size)]
    known = ",".join(f"nats-route://127.0.0.1:{port}" for port in routes)
    return Cluster(tuple(_node(folder, f"n{number}", port, known, options) for number, port in enumerate(routes, 1)))


def _node(folder: Path, name: str, route: int, routes: str, options: tuple[str, ...]) -> Node:
    monitor = free_port()
    clustered = ("--cluster_name", "ops", "--cluster", f"nats://127.0.0.1:{route}", "--routes", routes)
    named = ("--server_name", name, "--http_port", str(monitor))
    return Node(folder / name, options=(*named, *clustered, *options), name=name, monitor=monitor)


@contextlib.asynccontextmanager
async def running_cluster(folder: Path, *options: str, size: int = 3) -> AsyncIterator[Cluster]:
    cluster = make_cluster(folder, *options, size=size)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.kill()
