"""Hooks through the front door: create, match, deliver, change, delete."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from nats.aio.client import Client

from streams import live
from tests.app import App, hook, running_app
from tests.receiver import Call, Receiver, running_receiver
from tests.servers import NatsServer

HOOKS = "/api/v1/namespaces/ops-system/eventhooks"


async def create(http: aiohttp.ClientSession, app: App, resource: dict[str, Any]) -> dict[str, Any]:
    async with http.post(app.url + HOOKS, json=resource) as response:
        answer: dict[str, Any] = await response.json()
        assert response.status == 201, answer
        return dict(answer["data"])


async def post(http: aiohttp.ClientSession, app: App, event: str, data: dict[str, Any]) -> str:
    async with http.post(f"{app.url}/api/v1/namespaces/default/events/{event}", json=data) as response:
        answer = await response.json()
        assert response.status == 200, answer
        return str(answer["data"]["id"])


async def test_an_event_reaches_the_hook_that_wants_it_and_no_other(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    keywords = {"include": ["disk"], "exclude": ["healthcheck"]}
    await create(http, app, hook("wants", f"{receiver.url}/wants", keywords=keywords, additional=" +add"))
    await create(http, app, hook("elsewhere", f"{receiver.url}/elsewhere", "ops.clusters.*.nodes.>"))
    for text in ("disk full", "all is well", "disk healthcheck", "disk emptied"):
        await post(http, app, "report", {"message": text})
    await receiver.wait_for(lambda: len(receiver.calls) >= 2)
    assert [(call.path, call.text) for call in sorted(receiver.calls, key=lambda call: call.text)] == [
        ("/hook/wants", '{"message":"disk emptied"} +add'),
        ("/hook/wants", '{"message":"disk full"} +add'),
    ]
    assert {call.headers["Content-Type"] for call in receiver.calls} == {"application/json"}


async def test_the_event_itself_is_sent_where_the_hook_asks_for_it(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await create(http, app, hook("events", receiver.url, options={"format": "cloudevents"}))
    event_id = await post(http, app, "report", {"big": 12345678901234567890})
    await receiver.wait_for(lambda: bool(receiver.calls))
    call = receiver.calls[0]
    assert call.headers["Content-Type"] == "application/cloudevents+json"
    event = json.loads(call.body)
    assert (event["id"], event["data"]) == (event_id, {"big": 12345678901234567890})


async def test_a_change_takes_effect_on_every_replica(
    app: App, provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async with running_app(tmp_path / "other", EVENT_ENDPOINT=provisioned.url) as other:
        await create(http, app, hook("moves", f"{receiver.url}/first", "ops.a"))
        await _until_seen(http, other, lambda hooks: [one["spec"]["subject"] for one in hooks] == ["ops.a"])
        for _ in range(20):  # whichever replica takes an event, it knows the hook
            await post(http, other, "ops.a", {})
        await receiver.wait_for(lambda: len(receiver.calls) == 20)

        changed = hook("moves", f"{receiver.url}/second", "ops.b")
        async with http.put(f"{other.url}{HOOKS}/moves", json=changed) as response:
            assert response.status == 200
        await _until_seen(http, app, lambda hooks: [one["spec"]["subject"] for one in hooks] == ["ops.b"])
        for _ in range(20):
            await post(http, app, "ops.a", {})
            await post(http, app, "ops.b", {})
        await receiver.wait_for(lambda: len(receiver.calls) == 40)
        assert {call.path for call in receiver.calls[20:]} == {"/hook/second"}

        async with http.delete(f"{app.url}{HOOKS}/moves") as response:
            assert response.status == 200
        await _until_seen(http, other, lambda hooks: hooks == [])


async def _until_seen(http: aiohttp.ClientSession, app: App, expected: Any) -> None:
    async with asyncio.timeout(20):
        while True:
            async with http.get(app.url + HOOKS) as response:
                if expected((await response.json())["data"]["list"]):
                    return
            await asyncio.sleep(0.02)


async def test_hooks_are_listed_with_search_and_pages(app: App, http: aiohttp.ClientSession) -> None:
    for number in range(12):
        await create(http, app, hook(f"disk-{number:02}", "http://127.0.0.1:1/x", f"ops.n{number}"))
    await create(http, app, hook("other", "http://127.0.0.1:1/y"))

    async def page(query: str) -> dict[str, Any]:
        async with http.get(f"{app.url}{HOOKS}?{query}") as response:
            return dict((await response.json())["data"])

    first = await page("")
    assert (first["page"], first["page_size"], first["total"], len(first["list"])) == (1, 10, 13, 10)
    second = await page("page=2&page_size=8&search=DISK")
    assert [one["metadata"]["name"] for one in second["list"]] == [f"disk-{n:02}" for n in range(8, 12)]
    assert second["total"] == 12
    assert (await page("search=ops.n7"))["total"] == 1
    for bad in ("page=0", "page=x", "page_size=1001", "page=1e3"):
        async with http.get(f"{app.url}{HOOKS}?{bad}") as response:
            assert response.status == 400


async def test_a_hook_is_read_replaced_and_deleted(app: App, http: aiohttp.ClientSession) -> None:
    url = f"{app.url}{HOOKS}/mine"
    made = await create(http, app, hook("mine", "http://127.0.0.1:1/x"))
    async with http.get(url) as response:
        assert (await response.json())["data"] == made
    replacement = made | {"spec": made["spec"] | {"additional": "!"}}
    async with http.put(url, json=replacement) as response:
        replaced = (await response.json())["data"]
    assert replaced["spec"]["additional"] == "!"
    assert replaced["metadata"]["uid"] == made["metadata"]["uid"]
    assert replaced["metadata"]["generation"] == 2
    async with http.put(url, json=replacement) as response:  # by someone who has not seen the change
        assert response.status == 409
        assert "resourceVersion" in (await response.json())["message"]
    async with http.post(app.url + HOOKS, json=hook("mine", "http://127.0.0.1:1/x")) as response:
        assert response.status == 409
    async with http.delete(url) as response:
        assert response.status == 200
    for method in ("GET", "DELETE"):
        async with http.request(method, url) as response:
            assert response.status == 404
    async with http.put(url, json=replacement) as response:
        assert response.status == 404
    await create(http, app, hook("mine", "http://127.0.0.1:1/x"))


async def test_an_invalid_hook_is_told_every_field_and_why(app: App, http: aiohttp.ClientSession) -> None:
    bad = hook("Bad_Name", "ftp://x", "ops.a*", keywords={"include": ["("], "matchType": "REGEX"})
    async with http.post(app.url + HOOKS, json=bad) as response:
        message = (await response.json())["message"]
        assert response.status == 422
    for field in ("metadata.name", "spec.subject", "spec.url", "spec.keywords"):
        assert field in message


async def test_messages_that_are_no_cloudevents_stop_nothing(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await create(http, app, hook("all", receiver.url))
    for garbage in (b"hello", b"", b"\xff\xfe", b"[]", b'{"specversion":"1.0"}'):
        await wire.jetstream().publish("ops.test", garbage)
    await wire.jetstream().publish("ops.test", b"", headers={"Status": "409", "Description": "Consumer Deleted"})
    await post(http, app, "after", {"message": "still here"})
    await receiver.wait_for(lambda: bool(receiver.calls))
    assert [call.text for call in receiver.calls] == ['{"message":"still here"}']
    async with http.get(f"{app.url}/metrics") as response:
        assert "ops_messages_unreadable_total 6.0" in await response.text()


async def test_a_consumer_that_was_deleted_is_read_again_once_it_is_there(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await create(http, app, hook("all", receiver.url))
    await wire.jetstream().delete_consumer("ops", "hooks")
    await post(http, app, "report", {"message": "m"})
    await live.provision(wire.jetstream(), 1)
    await receiver.wait_for(lambda: len(receiver.calls) == 1)


async def test_an_event_written_in_binary_mode_is_delivered(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await create(http, app, hook("all", receiver.url))
    headers = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/cron", "ce-type": "Webhook"}
    await wire.jetstream().publish("ops.cron", b'{"content":"backup done"}', headers=headers)
    await receiver.wait_for(lambda: bool(receiver.calls))
    assert receiver.calls[0].text == "backup done"


async def test_a_failing_hook_gets_its_event_later_and_a_working_one_gets_it_once(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async def third_time(call: Call) -> web.Response:
        return web.Response(status=200 if len(failing.calls) >= 3 else 503)

    async with running_receiver(third_time) as failing:
        await create(http, app, hook("works", receiver.url))
        await create(http, app, hook("fails", failing.url))
        await post(http, app, "report", {"message": "m"})
        await failing.wait_for(lambda: len(failing.calls) == 3)
        assert len(receiver.calls) == 1
        assert len({call.headers["webhook-id"] for call in failing.calls}) == 1
        assert failing.calls[0].headers["webhook-id"] != receiver.calls[0].headers["webhook-id"]


async def test_a_hanging_endpoint_holds_up_no_other_and_gets_its_events_in_the_end(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    wakes = asyncio.Event()

    async def hang(_: Call) -> web.Response:
        await wakes.wait()
        return web.Response()

    async with running_receiver(hang) as hanging:
        await create(http, app, hook("hangs", hanging.url))
        await create(http, app, hook("works", receiver.url))
        for number in range(300):
            await post(http, app, "report", {"n": number})
        await receiver.wait_for(lambda: len(receiver.calls) == 300, 5)
        assert len(hanging.calls) == 64, "no more than the cap are in flight"
        wakes.set()
        await hanging.wait_for(lambda: len({call.text for call in hanging.calls}) == 300)
    assert sorted(call.text for call in receiver.calls) == sorted(f'{{"n":{number}}}' for number in range(300))


async def test_a_hook_needs_a_kubernetes_name(app: App, http: aiohttp.ClientSession) -> None:
    for name in ("", "UPPER", "a" * 254, "a..b", "a/b"):
        async with http.post(app.url + HOOKS, json=hook(name, "http://127.0.0.1:1/x")) as response:
            assert response.status == 422, name
            assert "metadata.name" in (await response.json())["message"]
