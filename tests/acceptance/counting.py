"""Posting many events and counting what became of each."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict

import aiohttp
import nats

from tests.app import App, hook
from tests.cluster import Cluster
from tests.receiver import Receiver
from tests.servers import NatsServer

HOOKS = "/api/v1/namespaces/ops-system/eventhooks"


async def post_all(
    app: App, count: int, rate: float, *, until_acknowledged: bool, connections: int = 32, first: int = 0
) -> dict[str, int]:
    """Post `count` events at a rate, numbered from `first` on; the ids that were acknowledged, and their numbers."""
    acknowledged: dict[str, int] = {}
    begin = time.monotonic()
    numbers = iter(range(first, first + count))

    async def worker(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            await asyncio.sleep(max(0.0, begin + (number - first) / rate - time.monotonic()))
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
            assert response.status == 200 or response.headers["Retry-After"] == "1"
            return str(answer["data"]["id"]) if response.status == 200 else None
    except aiohttp.ClientError:
        return None


async def ids_in_stream(server: NatsServer | Cluster) -> set[str]:
    client = await nats.connect(server.url.split(","))
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


def delivery_ids(receiver: Receiver) -> dict[str, set[str]]:
    """Under which `webhook-id`s each event came."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for call in receiver.calls:
        found[json.loads(call.body)["id"]].add(call.headers["webhook-id"])
    return found
