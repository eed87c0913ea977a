"""Things die while events come in; every event that was acknowledged is counted afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import nats
from aiohttp import web
from nats.js.api import ConsumerInfo

from streams import live
from tests.acceptance.counting import ids_in_stream, ids_received, make_hook, post_all
from tests.app import App, running_app
from tests.receiver import Call, Receiver, running_receiver
from tests.servers import NatsServer, jetstream

HOOKS = "/api/v1/namespaces/ops-system/eventhooks"


async def disturb(
    work: Awaitable[dict[str, int]], after: float, disturbance: Callable[[], Awaitable[None]]
) -> set[str]:
    async def later() -> None:
        await asyncio.sleep(after)
        await disturbance()

    acknowledged, _ = await asyncio.gather(work, later())
    return set(acknowledged)


async def test_a_retry_with_its_key_stores_each_event_once_although_the_app_is_killed(
    app: App, provisioned: NatsServer
) -> None:
    async def kill_and_restart() -> None:
        await app.kill()
        await app.start()

    acknowledged = await disturb(post_all(app, 1500, 500, until_acknowledged=True), 1, kill_and_restart)
    assert len(acknowledged) == 1500
    assert await ids_in_stream(provisioned) == acknowledged


async def test_a_restart_in_the_middle_of_deliveries_neither_loses_nor_repeats_one(app: App) -> None:
    async def slowly(_: Call) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response()

    async with running_receiver(slowly) as receiver:
        await make_hook(app, receiver)
        acknowledged = set(await post_all(app, 2000, 2000, until_acknowledged=True))
        assert len(receiver.calls) < 2000, "the app is to be stopped in the middle"
        await app.stop()
        await app.start()
        await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), 30)
    assert len(receiver.calls) == len(acknowledged) == 2000


async def test_without_nats_posts_are_refused_and_the_process_is_not_ready(
    app: App, provisioned: NatsServer, http: aiohttp.ClientSession
) -> None:
    await provisioned.kill()
    async with http.post(f"{app.url}/api/v1/namespaces/default/events/x", json={}) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert "not stored" in (await response.json())["message"]
    async with http.get(f"{app.url}/readyz") as response:
        assert response.status == 503
        assert "NATS" in (await response.json())["message"]
    await provisioned.start()
    await app.wait_until_ready()
    async with http.post(f"{app.url}/api/v1/namespaces/default/events/x", json={}) as response:
        assert response.status == 200


async def test_roles_divide_the_work_between_processes(
    provisioned: NatsServer, tmp_path: Path, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    endpoint = provisioned.url
    async with running_app(tmp_path / "door", EVENT_ENDPOINT=endpoint, ROLES="ingress") as door:
        await make_hook(door, receiver)
        acknowledged = set(await post_all(door, 20, 2000, until_acknowledged=True))
        assert (await _consumer(provisioned)).num_pending == 20, "nobody has read them yet"
        async with running_app(tmp_path / "matcher", EVENT_ENDPOINT=endpoint, ROLES="hooks") as matcher:
            await receiver.wait_for(lambda: acknowledged <= ids_received(receiver))
            async with http.post(f"{matcher.url}/api/v1/namespaces/default/events/x", json={}) as response:
                assert response.status == 404


async def _consumer(server: NatsServer) -> ConsumerInfo:
    async with jetstream(server.url) as js:
        info: ConsumerInfo = await js.consumer_info("ops", "hooks")
        return info


async def test_a_full_stream_refuses_and_keeps_what_it_has(
    app: App, provisioned: NatsServer, http: aiohttp.ClientSession
) -> None:
    client = await nats.connect(provisioned.url)
    stream = client.jetstream()
    config = (await stream.stream_info("ops")).config
    await stream.update_stream(config.evolve(max_msgs=3))
    statuses = []
    for number in range(5):
        async with http.post(f"{app.url}/api/v1/namespaces/default/events/x", json={"n": number}) as response:
            statuses.append(response.status)
    assert statuses == [200, 200, 200, 503, 503]
    assert json.loads((await stream.get_msg("ops", seq=1)).data or b"")["data"] == {"n": 0}
    await client.close()


async def test_a_nats_server_that_is_not_up_yet_is_waited_for(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    server = NatsServer(tmp_path / "late")
    app = App(tmp_path / "app", {"EVENT_ENDPOINT": server.url})
    await app.spawn()
    try:
        async with asyncio.timeout(10):
            while (status := await _readiness(http, app)) == 0:  # noqa: ASYNC110 -- the app tells
                await asyncio.sleep(0.05)
        assert status == 503
        await server.start()
        await asyncio.sleep(1.5)  # it is connected now, and finds nothing there
        async with http.get(f"{app.url}/readyz") as response:
            assert "python -m streams apply" in (await response.json())["message"]
        assert await _drift(http, app) == "3.0", "the stream and its consumers"
        client = await nats.connect(server.url)
        await live.provision(client.jetstream(), 1)
        await client.close()
        await app.wait_until_ready()
        assert await _drift(http, app) == "0.0"
    finally:
        await app.stop()
        await server.stop()


async def _drift(http: aiohttp.ClientSession, app: App) -> str:
    async with http.get(f"{app.url}/metrics") as response:
        return (await response.text()).partition('ops_streams_drift{stream="ops"} ')[2].partition("\n")[0]


async def _readiness(http: aiohttp.ClientSession, app: App) -> int:
    try:
        async with http.get(f"{app.url}/readyz") as response:
            return response.status
    except aiohttp.ClientError:
        return 0
