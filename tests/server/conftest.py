from __future__ import annotations

from collections.abc import AsyncIterator

import nats
import pytest
from nats.aio.client import Client

from streams import live
from tests.receiver import Receiver, running_receiver
from tests.server.replaying import Process, process
from tests.servers import NatsServer


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncIterator[Client]:
    """Connected to a server that holds what `streams/` says, and trying again fast while it is away."""
    client = await nats.connect(nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    assert await live.provision(client.jetstream(), 1) == ()
    yield client
    await client.close()


@pytest.fixture
async def here(client: Client) -> AsyncIterator[Process]:
    """A process that replays, and delivers nothing."""
    async with process(client) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as one:
        yield one
