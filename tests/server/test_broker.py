"""The broker of the program, on a real server."""

from __future__ import annotations

import pytest

from app.jetstream.broker import make_broker
from streams.access import Access
from tests.server.buckets import until
from tests.servers import NatsServer


async def test_a_server_that_falls_silent_is_noticed_and_found_again(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jetstream.broker._PING_EVERY", 0.1)
    broker = make_broker(Access(nats_server.url))
    async with broker:
        await broker.start()
        assert broker.not_connected() is None
        with nats_server.paused():
            await until(lambda: broker.not_connected() == "NATS is not connected")
        await until(lambda: broker.not_connected() is None)
        assert broker.client is not None
        await broker.client.flush()
