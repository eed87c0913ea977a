"""Secrets of hooks go in through the front door and are used; nowhere do they come out again."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from pathlib import Path
from typing import Any

import aiohttp
import nats
from aiohttp import web
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from tests.app import App, hook, running_app
from tests.receiver import Call, Receiver, running_receiver
from tests.servers import NatsServer, free_port

HOOKS = "/api/v1/namespaces/ops-system/eventhooks"
KEY = base64.b64encode(b"a key that signs what is sent").decode()
USER, PASSWORD, TOKEN = "ops", "hunter2-hunter2", "t0ken-in-the-query"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = (KEY, PASSWORD, TOKEN, BASIC)


async def echo(call: Call) -> web.Response:
    """An endpoint that says what it was told, as some do when they debug."""
    heard = json.dumps({"path": call.path, **call.headers})
    return web.Response(text=heard, status=400 if call.path.startswith("/hook/refuses") else 200)


def secret_hook(name: str, receiver: Receiver) -> dict[str, Any]:
    url = f"http://{USER}:{PASSWORD}@127.0.0.1:{receiver.port}/hook/{name}?token={TOKEN}"
    return hook(name, url, options={"secret": f"whsec_{KEY}", "apiKey": PASSWORD})


async def request(http: aiohttp.ClientSession, method: str, url: str, body: object = None) -> tuple[int, str]:
    async with http.request(method, url, json=body) as response:
        return response.status, await response.text()


def data(answer: tuple[int, str]) -> dict[str, Any]:
    assert answer[0] in {200, 201}, answer
    return dict(json.loads(answer[1])["data"])


async def everything_that_is_served(http: aiohttp.ClientSession, app: App) -> dict[str, str]:
    """The answer to every GET that the OpenAPI document names, and the documents.

    Not to a tail, which never ends: what it sends is what a query answers.
    """
    _, document = await request(http, "GET", f"{app.url}/docs/openapi.json")
    paths = [
        path
        for path, methods in json.loads(document)["paths"].items()
        if "get" in methods and not path.endswith("/tail")
    ]
    given = {"{namespace}": "ops-system", "{filter}": "ops.>"}
    for field, value in given.items():
        paths = [path.replace(field, value) for path in paths]
    filled = [path.replace("{name}", name) for path in paths for name in NAMES]
    urls = sorted({*filled, f"{HOOKS}?search={TOKEN}", "/docs", "/docs/openapi.json", "/docs/asyncapi.json"})
    return {url: (await request(http, "GET", app.url + url))[1] for url in urls}


NAMES = ("takes", "refuses")


async def hooks_are_made_edited_and_fired(http: aiohttp.ClientSession, app: App, receiver: Receiver) -> list[str]:
    """What was answered to all of it."""
    answers = [await request(http, "POST", app.url + HOOKS, secret_hook(name, receiver)) for name in NAMES]
    for made in map(data, answers[:2]):
        url = f"{app.url}{HOOKS}/{made['metadata']['name']}"
        assert made["spec"]["options"] == {"secret": "***", "apiKey": "***"}
        edited = {**made, "spec": {**made["spec"], "additional": "!"}}
        answers.append(await request(http, "PUT", url, edited))
        elsewhere = {**made, "spec": {**made["spec"], "url": "http://evil.example/"}}
        answers.append(refused := await request(http, "PUT", url, elsewhere))
        assert refused[0] == 422
    answers.append(refused := await request(http, "POST", app.url + HOOKS, hook("new", made["spec"]["url"])))
    assert refused[0] == 422
    broken = hook("broken", f"ftp://{USER}:{PASSWORD}@h/", options={"secret": f"whsec_{KEY}="})
    answers.append(refused := await request(http, "POST", app.url + HOOKS, broken))
    assert refused[0] == 422
    answers.append(await request(http, "POST", f"{app.url}/api/v1/namespaces/default/events/report", {"message": "m"}))
    await receiver.wait_for(
        lambda: {call.path.split("?")[0] for call in receiver.calls} == {"/hook/takes", "/hook/refuses"}
    )
    return [text for _, text in answers]


def assert_the_secrets_were_used(call: Call) -> None:
    assert call.headers["Authorization"] == f"Basic {BASIC}"
    assert call.path.endswith(f"?token={TOKEN}")
    assert call.text.endswith("!"), "the edit took effect"
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed, "sha256")).decode()
    assert call.headers["webhook-signature"] == f"v1,{signature}"


async def until_written(nats_url: str, stream: str, *names: str) -> None:
    """Wait until a stream holds something of each hook."""
    client = await nats.connect(nats_url)
    try:
        async with asyncio.timeout(20):
            for name in names:
                while not await _is_written(client, stream, f"{stream}.hooks.ops-system.{name}"):  # noqa: ASYNC110 --
                    await asyncio.sleep(0.05)  # it is another process's doing, which gives no event here
    finally:
        await client.close()


async def _is_written(client: Client, stream: str, subject: str) -> bool:
    try:
        await client.jetstream().get_last_msg(stream, subject)
    except NotFoundError:
        return False
    return True


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def assert_none_is_seen(where: str, seen: str | bytes) -> None:
    text = seen if isinstance(seen, bytes) else seen.encode()
    for secret in SECRETS:
        assert secret.encode() not in text, f"{secret} in {where}"


async def test_no_secret_is_seen_anywhere_and_delivery_uses_them(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_receiver(echo) as receiver:
        async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url) as app:
            answers = await hooks_are_made_edited_and_fired(http, app, receiver)
            await until_written(provisioned.url, "ops-attempts", *NAMES)
            served = await everything_that_is_served(http, app)
        for call in receiver.calls:
            assert_the_secrets_were_used(call)
    await provisioned.stop()
    stored = content(provisioned.store)
    assert b"***" in stored
    assert "***" in served[f"{HOOKS}/takes"]
    for where, seen in {**served, "answers": "".join(answers), "log": app.log}.items():
        assert_none_is_seen(where, seen)
    assert_none_is_seen("the store", stored)


async def post_event(http: aiohttp.ClientSession, app: App) -> None:
    url = f"{app.url}/api/v1/namespaces/default/events/report"
    data(await request(http, "POST", url, {"message": "m"}))


async def test_an_embedded_server_keeps_secrets_too_and_a_restart_finds_the_key(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    port, folder = str(free_port()), tmp_path / "app"
    async with running_receiver(echo) as receiver:
        async with running_app(folder, EMBEDDED_PORT=port) as app:
            data(await request(http, "POST", app.url + HOOKS, secret_hook("takes", receiver)))
        async with running_app(folder, EMBEDDED_PORT=port) as app:
            await post_event(http, app)
            await receiver.wait_for(lambda: bool(receiver.calls))
        assert receiver.calls[0].headers["Authorization"] == f"Basic {BASIC}"
    stored = content(folder / ".data")
    assert b"***" in stored
    assert_none_is_seen("the store", stored)
    assert_none_is_seen("the log", app.log)


async def test_events_for_a_hook_whose_key_is_lost_wait_until_it_is_found(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    port, folder = str(free_port()), tmp_path / "app"
    file, found = folder / ".data" / "secrets.key", tmp_path / "found"
    async with running_receiver() as receiver:
        async with running_app(folder, EMBEDDED_PORT=port) as app:
            data(await request(http, "POST", app.url + HOOKS, secret_hook("waits", receiver)))
        file.rename(found)
        async with running_app(folder, EMBEDDED_PORT=port) as app:
            await post_event(http, app)
            await until_written(f"nats://127.0.0.1:{port}", "ops-parked", "waits")
            assert data(await request(http, "GET", f"{app.url}{HOOKS}/waits"))["spec"]["options"]["secret"] == "***"
            assert receiver.calls == []
        assert "the secrets of the hook ops-system.waits cannot be read" in app.log
        found.rename(file)
        async with running_app(folder, EMBEDDED_PORT=port):
            await receiver.wait_for(lambda: bool(receiver.calls))
    assert receiver.calls[0].headers["Authorization"] == f"Basic {BASIC}"
