"""A hub and two edges: each edge has a server and an app of its own, and works alone while the link is away.

The servers are those of `deploy/nats/hub.conf` (three) and `deploy/nats/edge.conf`, with TLS, accounts and permissions.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from nats.aio.client import Client

from streams import live
from streams.connection import UnavailableError, connected
from streams.permissions import of_an_edge
from streams.secured import SecuredClient
from tests.acceptance.test_hooks import create
from tests.app import App, hook, running_app
from tests.cluster import Cluster
from tests.link import Link, open_link
from tests.receiver import Receiver, running_receiver
from tests.topology import NATS, PASSWORDS, Authority, ConfiguredServer, hub_servers

EDGES = ("edge1", "edge2")
HUB = {"EVENT_STREAM_REPLICAS": "3", "EVENT_EDGES": ",".join(EDGES)}
LONG = 60.0  # seconds within which everything has to have arrived, on however slow a machine


@dataclass
class World:
    """What runs, and the links from the edges to the hub."""

    hub: tuple[ConfiguredServer, ...]
    edges: dict[str, ConfiguredServer]
    links: dict[str, Link]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    authority = Authority(tmp_path)
    hub = hub_servers(tmp_path, authority, of=_with_a_second_edge(tmp_path / "nats"))
    async with AsyncExitStack() as stack:
        for node in hub:
            stack.push_async_callback(node.kill)
        await asyncio.gather(*(node.start() for node in hub))
        await Cluster(hub, access=hub[0].access("provisioning")).healthy()
        links = {edge: await stack.enter_async_context(open_link(hub[0].leaf)) for edge in EDGES}
        edges = {edge: await stack.enter_async_context(_edge(tmp_path, authority, edge, links[edge])) for edge in EDGES}
        await _provision(hub[0], 3, EDGES)
        yield World(hub, edges, links)


def _with_a_second_edge(folder: Path) -> Path:
    """A copy of the files with another edge, made as `accounts.conf` says."""
    copy = folder / "hub.conf"
    for file in NATS.rglob("*.conf"):
        target = folder / file.relative_to(NATS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.read_text())
    (folder / "permissions" / "edge2.conf").write_text(of_an_edge("edge2"))
    users = (folder / "accounts.conf").read_text()
    [line] = [line for line in users.splitlines() if "user: edge1" in line]
    added = line.replace("edge1", "edge2").replace("EDGE1", "EDGE2")
    (folder / "accounts.conf").write_text(users.replace(line, f"{line}\n{added}"))
    return copy


@asynccontextmanager
async def _edge(folder: Path, authority: Authority, name: str, link: Link) -> AsyncIterator[ConfiguredServer]:
    password = PASSWORDS[f"NATS_{name.upper()}_PASSWORD"]
    way = f"tls://{name}:{password}@127.0.0.1:{link.port}"
    server = ConfiguredServer(folder / name, name=name, authority=authority, hub=way)
    await server.start()
    try:
        await _provision(server, 1)
        yield server
    finally:
        await server.kill()


async def _provision(server: ConfiguredServer, replicas: int, edges: tuple[str, ...] = ()) -> None:
    try:
        await _apply(server, replicas, edges)
    except UnavailableError:  # an election came between
        await _apply(server, replicas, edges)


async def _apply(server: ConfiguredServer, replicas: int, edges: tuple[str, ...]) -> None:
    async with connected(server.access("provisioning")) as js:
        changes = await live.outstanding(js, replicas, edges)
        assert (await live.apply(js, changes)).remaining == ()
        assert await live.outstanding(js, replicas, edges) == ()


async def test_edges_work_alone_and_their_hub_gets_everything_once_and_in_order_when_the_link_is_back(
    world: World, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async with AsyncExitStack() as stack:
        central = await stack.enter_async_context(_app(tmp_path, world.hub[0], "hub", **HUB))
        local = {edge: await stack.enter_async_context(_app(tmp_path, world.edges[edge], edge)) for edge in EDGES}
        near = await stack.enter_async_context(running_receiver())
        await _hook(http, central, receiver)
        await _hook(http, local["edge1"], near)
        posted = {edge: await _post(http, local[edge], edge, range(50)) for edge in EDGES}
        await receiver.wait_for(lambda: len(receiver.calls) == 100, LONG)

        world.links["edge1"].cut()
        for edge in EDGES:
            posted[edge] += await _post(http, local[edge], edge, range(50, 350))
        await near.wait_for(lambda: len(near.calls) == 350, LONG)  # its own hooks go on
        await receiver.wait_for(lambda: len(receiver.calls) == 400, LONG)  # and the other edge does
        assert _of("edge1", receiver) == set(posted["edge1"][:50])

        await world.links["edge1"].mend()
        await receiver.wait_for(lambda: len(receiver.calls) == 700, LONG)
    for edge in EDGES:
        stored = [event["id"] for subject, event in await _kept(world.hub[0]) if f".{edge}." in subject]
        assert stored == posted[edge]  # all, in order, once
        assert _of(edge, receiver) == set(posted[edge])
        assert len(await _kept(world.edges[edge])) == 350  # nothing came from the hub, or from the other


async def test_the_name_of_a_cluster_comes_from_whose_stream_it_is(world: World) -> None:
    edge, hub = await _client(world.edges["edge1"]), await _client(world.hub[0])
    for subject in ("ops.clusters.edge2.nodes.a.status", "ops.clusters.edge1.nodes.a.status", "ops.notifications.a"):
        await edge.jetstream().publish(subject, b'{"id": "1"}')
    await edge.jetstream().publish("ops.of.nobody", b'{"id": "1"}')
    # Said into the link itself, past the edge's stream: to the hub's stream, and as what another edge delivers.
    for subject in (
        "ops.clusters.edge2.nodes.b.status",
        "deliver.edge2.S.x",
        "$KV.ops-hooks.x",
        "$JS.hub.API.STREAM.DELETE.ops",
    ):
        await edge.publish(subject, b'{"id": "1"}')
    await edge.flush()
    wanted = ["ops.clusters.edge1.nodes.a.status", "ops.clusters.edge1.nodes.a.status", "ops.notifications.a"]
    await _until_kept(world.hub[0], [*wanted, "ops.clusters.edge1.nodes.b.status"])
    await edge.close()
    await hub.close()


async def test_what_is_settled_and_made_on_one_side_stays_there(
    world: World, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    edge = await _client(world.edges["edge1"])
    await edge.jetstream().publish("ops.clusters.edge1.nodes.a.status", b'{"id": "1"}')
    async with _app(tmp_path, world.hub[0], "hub", **HUB) as central:
        await _hook(http, central, receiver)
        await _post(http, central, "hub", range(5))
        await receiver.wait_for(lambda: len(receiver.calls) >= 5, LONG)
    async with connected(world.edges["edge1"].access("provisioning")) as js:
        assert (await js.consumer_info("ops", "hooks")).ack_floor.stream_seq == 0
        assert (await js.stream_info("KV_ops-hooks")).state.messages == 0
        assert (await js.stream_info("ops")).state.messages == 1
    await edge.close()


@asynccontextmanager
async def _app(folder: Path, server: ConfiguredServer, name: str, **more: str) -> AsyncIterator[App]:
    async with running_app(folder / f"app-{name}", EVENT_CLUSTER=name, **server.environment("all"), **more) as app:
        yield app


async def _hook(http: aiohttp.ClientSession, app: App, receiver: Receiver) -> None:
    await create(
        http, app, hook("all", receiver.url, "ops.clusters.*.namespaces.default.numbered", options=CLOUDEVENTS)
    )


CLOUDEVENTS = {"format": "cloudevents"}


async def _post(http: aiohttp.ClientSession, app: App, cluster: str, numbers: range) -> list[str]:
    """One after the other; the ids."""
    ids = []
    for number in numbers:
        async with http.post(f"{app.url}/api/v1/namespaces/default/events/numbered", json={"n": number}) as response:
            answer = await response.json()
            assert response.status == 200, answer
            ids.append(answer["data"]["id"])
    return ids


def _of(edge: str, receiver: Receiver) -> set[str]:
    return {
        event["id"] for event in map(json.loads, (call.body for call in receiver.calls)) if event["cluster"] == edge
    }


async def _client(server: ConfiguredServer) -> Client:
    client = SecuredClient()
    await client.connect(**server.access("all").options(), inbox_prefix="_INBOX.all")
    return client


async def _until_kept(server: ConfiguredServer, subjects: list[str]) -> None:
    async with asyncio.timeout(LONG):
        while [subject for subject, _ in await _kept(server)] != subjects:  # noqa: ASYNC110 -- only the server knows
            await asyncio.sleep(0.1)


async def _kept(server: ConfiguredServer) -> list[tuple[str, Any]]:
    """The subjects and events of the stream, in order."""
    client = await _client(server)
    context = client.jetstream(timeout=10)
    last = (await context.stream_info("ops")).state.last_seq
    messages = [await context.get_msg("ops", seq=number) for number in range(1, last + 1)]
    await client.close()
    return [(str(message.subject), json.loads(message.data or b"{}")) for message in messages]
