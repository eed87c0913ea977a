"""The end of a process that somebody still sends requests to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from tests.app import App, running_app
from tests.servers import NatsServer


async def unready(http: aiohttp.ClientSession, app: App) -> str:
    """Why it is not ready, as soon as it is not."""
    async with asyncio.timeout(2.5):
        while True:
            async with http.get(f"{app.url}/readyz") as ready:
                if ready.status == 503:
                    return await ready.text()


async def test_a_process_that_is_told_to_end_goes_on_serving_for_its_while_and_closes_connections(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_app(tmp_path, EVENT_ENDPOINT=provisioned.url, SHUTDOWN_DELAY="3") as app:
        assert app.process is not None
        app.process.terminate()
        assert "the process is ending" in await unready(http, app)
        async with http.post(f"{app.url}/api/v1/namespaces/default/events/late", json={"a": 1}) as posted:
            assert (posted.status, posted.headers["Connection"]) == (200, "close")
        async with http.get(f"{app.url}/healthz") as alive:
            assert alive.status == 200
        await asyncio.wait_for(app.process.wait(), 30)
    assert "ERROR" not in app.log


async def test_a_second_signal_does_not_wait(provisioned: NatsServer, tmp_path: Path) -> None:
    async with running_app(tmp_path, EVENT_ENDPOINT=provisioned.url, SHUTDOWN_DELAY="300") as app:
        assert app.process is not None
        app.process.terminate()
        await asyncio.sleep(0.5)
        app.process.terminate()
        await asyncio.wait_for(app.process.wait(), 30)


async def test_workers_leave_in_the_same_way(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_app(tmp_path, "--workers", "2", EVENT_ENDPOINT=provisioned.url, SHUTDOWN_DELAY="3") as app:
        assert app.process is not None
        app.process.terminate()
        await asyncio.sleep(1)
        for _ in range(10):  # a connection each, so that both are asked
            async with http.post(f"{app.url}/api/v1/namespaces/default/events/late", json={"a": 1}) as posted:
                assert (posted.status, posted.headers["Connection"]) == (200, "close")
        await asyncio.wait_for(app.process.wait(), 30)
