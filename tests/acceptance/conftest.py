from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import nats
import pytest
from nats.aio.client import Client

from streams import live
from streams.connection import connected
from tests.app import App, running_app
from tests.receiver import Receiver, running_receiver
from tests.servers import NatsServer
from tests.topology import Authority, ConfiguredServer


@pytest.fixture
async def provisioned(nats_server: NatsServer) -> NatsServer:
    """A NATS server on which `python -m streams apply` has run."""
    client = await nats.connect(nats_server.url)
    assert await live.provision(client.jetstream(), 1) == ()
    await client.close()
    return nats_server


@pytest.fixture
async def app(provisioned: NatsServer, tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url) as app:
        yield app


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


@pytest.fixture
async def wire(provisioned: NatsServer) -> AsyncIterator[Client]:
    """A plain NATS client, as anybody's."""
    client = await nats.connect(provisioned.url)
    yield client
    await client.close()


@pytest.fixture
async def empty_edge(tmp_path: Path) -> AsyncIterator[ConfiguredServer]:
    """The server of `deploy/nats/edge.conf`, with its users, on which nothing is provisioned."""
    server = ConfiguredServer(tmp_path / "edge1", name="edge1", authority=Authority(tmp_path))
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@pytest.fixture
async def edge(empty_edge: ConfiguredServer) -> ConfiguredServer:
    """The same with its streams."""
    async with connected(empty_edge.access("provisioning")) as js:
        assert await live.provision(js, 1) == ()
    return empty_edge
