"""Deliveries that were given up: seen, put back and brought after all."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import aiohttp
from aiohttp import web
from nats.aio.client import Client

from tests.acceptance.asking import read, read_until
from tests.acceptance.counting import HOOKS
from tests.acceptance.test_hooks import create, post
from tests.app import App, hook
from tests.receiver import Call, Receiver, running_receiver
from tests.server.records import headers

TARGET = "hooks.ops-system.pod-errors"


async def redrive(http: aiohttp.ClientSession, app: App, path: str, body: Any) -> dict[str, Any]:
    async with http.post(f"{app.url}{HOOKS}/{path}", json=body) as response:
        answer = await response.json()
        assert response.status == 200, answer
        return dict(answer["data"])


async def publish(wire: Client, stream: str, number: int, **changes: str) -> None:
    event = {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": "Default", "data": {"n": number}}
    written = {**headers(number), **changes}
    await wire.jetstream().publish(f"{stream}.{TARGET}", json.dumps(event).encode(), headers=written)


async def test_an_event_that_the_endpoint_refuses_becomes_a_letter_and_is_redriven_under_the_same_id(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    async def mended(call: Call) -> web.Response:
        return web.Response(status=200 if is_mended or "other" in call.text else 400, text="I do not like it")

    is_mended = False
    async with running_receiver(mended) as receiver:
        await create(http, app, hook("pod-errors", receiver.url))
        # It has been refused as often as may be, but for once.
        await publish(wire, "ops-parked", 7, **{"Ops-Tries": "3", "Ops-Attempts": "3"})
        page = await read_until(http, app, "pod-errors/deadletters", lambda page: page["total"] == 1)
        (letter,) = page["list"]
        assert (letter["event"], letter["status"], letter["tries"]) == ("e7", 400, 4)
        assert letter["delivery"] == "d7"
        whole = await read(http, app, f"pod-errors/deadletters/{letter['id']}")
        assert whole["payload"]["data"] == {"n": 7}
        stats = await read_until(http, app, "pod-errors/stats", lambda stats: stats["dead_letters_total"] == 1)
        assert stats["dead_letters"] == 1

        is_mended = True
        before = len(receiver.calls)
        answer = await redrive(http, app, f"pod-errors/deadletters/{letter['id']}/redrive", {})
        assert answer == {"redriven": 1, "failed": 0, "remaining": 0}
        await receiver.wait_for(lambda: len(receiver.calls) == before + 1)
        assert {call.headers["webhook-id"] for call in receiver.calls} == {"d7"}
    assert (await read(http, app, "pod-errors/deadletters"))["total"] == 0
    assert (await read_until(http, app, "pod-errors/stats", lambda stats: stats["parked"] == 0))["dead_letters"] == 0


async def test_all_letters_reach_the_endpoint_also_where_the_app_dies_in_the_middle(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await create(http, app, hook("pod-errors", receiver.url))
    for number in range(1000):
        await publish(wire, "ops-dead-letters", number)
    await kill_while_it_redrives(http, app, receiver)
    await app.start()
    while (await redrive(http, app, "pod-errors/deadletters/redrive", {}))["remaining"]:
        pass
    everything = {f"d{number}" for number in range(1000)}
    await receiver.wait_for(lambda: {call.headers["webhook-id"] for call in receiver.calls} >= everything)
    assert (await read(http, app, "pod-errors/deadletters"))["total"] == 0


async def kill_while_it_redrives(http: aiohttp.ClientSession, app: App, receiver: Receiver) -> None:
    request = http.post(f"{app.url}{HOOKS}/pod-errors/deadletters/redrive", json={})
    answering = asyncio.ensure_future(request)
    await receiver.wait_for(lambda: bool(receiver.calls))
    await app.kill()
    with contextlib.suppress(aiohttp.ClientError):
        (await answering).close()


async def test_hooks_that_go_round_in_a_loop_end_in_a_letter(app: App, http: aiohttp.ClientSession) -> None:
    await create(http, app, hook("pod-errors", "ops.loop.again", "ops.loop.>", type="event"))
    await post(http, app, "ops.loop.begin", {"message": "round and round"})
    page = await read_until(http, app, "pod-errors/deadletters", lambda page: page["total"] == 1)
    (letter,) = page["list"]
    assert letter["reason"].startswith("loop")
    assert (letter["channel"], letter["url"]) == ("event", "ops.loop.again")
