"""Things die while events come in; every event that was acknowledged is counted afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import nats
from aiohttp import web
from nats.js.api import ConsumerInfo

from streams import live
from tests.app import App, hook, running_app
from tests.receiver import Call, Receiver, running_receiver
from tests.servers import NatsServer, jetstream

HOOKS = "/api/v1/namespaces/ops-system/eventhooks"


async def post_all(
    app: App, count: int, rate: float, *, until_acknowledged: bool, connections: int = 32
) -> dict[str, int]:
    """Post `count` numbered events at a rate; the ids that were acknowledged, and the number of each."""
    acknowledged: dict[str, int] = {}
    begin = time.monotonic()
    numbers = iter(range(count))

    async def worker(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            while (event_id := await _post(http, app, number)) is None and until_acknowledged:  # noqa: ASYNC110 -- only it knows
                await asyncio.sleep(0.1)
            if event_id is not None:
                acknowledged[event_id] = number

    connector = aiohttp.TCPConnector(limit=0, force_close=False)
    async with aiohttp.ClientSession(connector=connector) as http:
        await asyncio.gather(*(worker(http) for _ in range(connections)))
    return acknowledged


async def _post(http: aiohttp.ClientSession, app: App, number: int) -> str | None:
    url = f"{app.url}/api/v1/namespaces/default/events/numbered"
    try:
        async with http.post(url, json={"n": number}, headers={"Idempotency-Key": str(number)}) as response:
            answer = await response.json()
            assert response.status in {200, 503}, answer
            return str(answer["data"]["id"]) if response.status == 200 else None
    except aiohttp.ClientError:
        return None


async def ids_in_stream(server: NatsServer) -> set[str]:
    client = await nats.connect(server.url)
    stream = client.jetstream()
    subscription = await stream.subscribe("ops.>", ordered_consumer=True)
    total = (await stream.stream_info("ops")).state.messages
    ids = {json.loads((await subscription.next_msg(timeout=5)).data)["id"] for _ in range(total)}
    assert len(ids) == total, "an event is in the stream twice"
    await client.close()
    return ids


def ids_received(receiver: Receiver) -> set[str]:
    return {json.loads(call.body)["id"] for call in receiver.calls}


async def make_hook(app: App, receiver: Receiver) -> None:
    resource = hook("all", receiver.url, options={"format": "cloudevents"})
    async with aiohttp.ClientSession() as http, http.post(app.url + HOOKS, json=resource) as response:
        assert response.status == 201


async def disturb(
    work: Awaitable[dict[str, int]], after: float, disturbance: Callable[[], Awaitable[None]]
) -> set[str]:
    async def later() -> None:
        await asyncio.sleep(after)
        await disturbance()

    acknowledged, _ = await asyncio.gather(work, later())
    return set(acknowledged)


async def test_the_app_killed_in_the_middle_loses_no_acknowledged_event(
    app: App, provisioned: NatsServer, receiver: Receiver
) -> None:
    async def kill_and_restart() -> None:
        await app.kill()
        await app.start()

    await make_hook(app, receiver)
    posting = post_all(app, 5000, 500, until_acknowledged=False)
    acknowledged = await disturb(posting, 2, kill_and_restart)
    assert len(acknowledged) > 2500, "the app was away for longer than it takes to start"
    assert acknowledged <= await ids_in_stream(provisioned)
    await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), 40)


async def test_a_retry_with_its_key_stores_each_event_once_although_the_app_is_killed(
    app: App, provisioned: NatsServer
) -> None:
    async def kill_and_restart() -> None:
        await app.kill()
        await app.start()

    acknowledged = await disturb(post_all(app, 1500, 500, until_acknowledged=True), 1, kill_and_restart)
    assert len(acknowledged) == 1500
    assert await ids_in_stream(provisioned) == acknowledged


async def test_the_nats_server_killed_in_the_middle_loses_no_acknowledged_event(
    app: App, provisioned: NatsServer, receiver: Receiver
) -> None:
    async def kill_and_restart() -> None:
        await provisioned.kill()
        await asyncio.sleep(1)
        await provisioned.start()

    await make_hook(app, receiver)
    acknowledged = await disturb(post_all(app, 2000, 400, until_acknowledged=True), 2, kill_and_restart)
    assert len(acknowledged) == 2000
    assert acknowledged <= await ids_in_stream(provisioned)
    await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), 60)


async def test_a_receiver_that_is_away_for_a_while_gets_everything(app: App, receiver: Receiver) -> None:
    async def close_and_open() -> None:
        await receiver.close()
        await asyncio.sleep(2)
        await receiver.open()

    await make_hook(app, receiver)
    acknowledged = await disturb(post_all(app, 1500, 300, until_acknowledged=True), 1, close_and_open)
    await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), 60)


async def test_one_of_two_replicas_killed_leaves_nothing_undelivered(
    app: App, provisioned: NatsServer, tmp_path: Path, receiver: Receiver
) -> None:
    async with running_app(tmp_path / "other", EVENT_ENDPOINT=provisioned.url) as other:
        await make_hook(app, receiver)
        acknowledged = await disturb(post_all(app, 1500, 500, until_acknowledged=True), 1.5, other.kill)
        await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), 40)


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
        client = await nats.connect(server.url)
        await live.provision(client.jetstream(), 1)
        await client.close()
        await app.wait_until_ready()
    finally:
        await app.stop()
        await server.stop()


async def _readiness(http: aiohttp.ClientSession, app: App) -> int:
    try:
        async with http.get(f"{app.url}/readyz") as response:
            return response.status
    except aiohttp.ClientError:
        return 0
