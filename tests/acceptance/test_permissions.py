"""The app as users of `deploy/nats/permissions`: each process does its part with what its file gives, and no more.

The server is the one of `deploy/nats/edge.conf`, with TLS and a certificate on either side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.jetstream.ending import end
from streams.grants import ROLES
from streams.permissions import FILES
from tests.acceptance.asking import read, read_until
from tests.acceptance.counting import HOOKS
from tests.acceptance.test_hooks import create, post
from tests.acceptance.test_kubernetes_story import Cluster
from tests.acceptance.test_metrics import Samples, until, value
from tests.app import App, hook
from tests.kubernetes import running_api
from tests.receiver import Receiver
from tests.tailing import following
from tests.topology import NATS, ConfiguredServer, connected_as, violations

ROUTES = """
receivers:
  - name: operators
    destination: {{type: webhook, url: "{url}"}}
routes:
  - receivers: [operators]
    group: {{by: [cluster], wait: 1s, interval: 1s}}
"""
DEPLOYS = "ops.clusters.*.namespaces.default.deploys"
KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOTIFICATION = "ops.notifications.providers.p.channels.c.severities.error"


@pytest.mark.parametrize("users", [["all"], ROLES], ids=["one process", "a process for each role"])
async def test_with_these_permissions_everything_works(
    edge: ConfiguredServer, users: Sequence[str], tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(running_api())
        routes = tmp_path / "routes.yaml"
        routes.write_text(ROUTES.format(url=receiver.url))
        kubeconfig = str(api.kubeconfig(tmp_path / "kubeconfig"))
        common = {"KUBECONFIG": kubeconfig, "NOTIFICATIONS_FILE": str(routes), "CANARY_SECONDS": "1"}
        apps = [_app(tmp_path, edge, user, common) for user in users]
        for app in apps:
            stack.push_async_callback(app.stop)
        front = apps[0]
        await front.start()  # it makes the key that seals secrets, which the others read
        await asyncio.gather(*(app.start() for app in apps[1:]))
        await _deliveries(front, http, receiver)
        await _letters(front, http)
        await _questions(front, http)
        await _notifications(front, http, receiver)
        async with following(http, front.url, "ops.clusters.*.namespaces.default.pods.>") as tail:
            Cluster(api).observe("web-0")
            assert (await tail.events(1))[0]["event"]["type"] == "Kube"
        await _metrics(http, dict(zip(users, apps, strict=True)))
    assert violations(edge) == set()


def _app(folder: Path, server: ConfiguredServer, user: str, common: dict[str, str]) -> App:
    roles = {} if user == "all" else {"ROLES": user}
    return App(folder / user, {**common, **server.environment(user), **roles})


async def _deliveries(app: App, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    """At once, in order, parked and drained, paused and resumed, and once more."""
    await create(http, app, hook("direct", receiver.url + "/direct", DEPLOYS, options={"secret": KEY}))
    await create(http, app, hook("ordered", receiver.url + "/ordered", DEPLOYS, options={"ordered": "true"}))
    for name in ("direct", "ordered"):
        async with _posting(http, app, "deploys", name):
            await receiver.wait_for(partial(_is_delivered, receiver, name))
    await _do(http, app, "POST", "direct/pause", {"reason": "they move house"})
    async with _posting(http, app, "deploys", "parked"):
        await read_until(http, app, "direct/stats", lambda stats: stats["parked"] > 0)
    await _do(http, app, "POST", "direct/resume", {})
    await receiver.wait_for(lambda: "/hook/direct" in _paths(receiver, "parked"))
    await _do(http, app, "POST", "direct/replays", {"from": {"sequence": 1}})
    await receiver.wait_for(lambda: any("webhook-replay" in call.headers for call in receiver.calls))
    await read_until(http, app, "direct/attempts", lambda page: len(page["list"]) > 1)
    await _do(http, app, "DELETE", "ordered", None)


async def _letters(app: App, http: aiohttp.ClientSession) -> None:
    """A loop ends in a letter, which can be brought on its way again."""
    await create(http, app, hook("loops", "ops.loop.again", "ops.loop.>", type="event"))
    async with _posting(http, app, "ops.loop.begin", "round and round"):
        page = await read_until(http, app, "loops/deadletters", lambda page: page["total"] > 0)
    await read(http, app, f"loops/deadletters/{page['list'][0]['id']}")
    answer = await _do(http, app, "POST", f"loops/deadletters/{page['list'][0]['id']}/redrive", {})
    assert answer["redriven"] == 1
    await _do(http, app, "DELETE", "loops", None)


@asynccontextmanager
async def _posting(http: aiohttp.ClientSession, app: App, event: str, message: str) -> AsyncIterator[None]:
    """Post again and again: a change of a hook takes a moment until other processes know of it."""

    async def again() -> None:
        while True:
            await post(http, app, event, {"message": message})
            await asyncio.sleep(0.3)

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        await end([task])


async def _questions(app: App, http: aiohttp.ClientSession) -> None:
    for path in ("?search=deploys", "/ops.%3E", "/ops.%3E?search=message"):
        async with http.get(f"{app.url}/api/v1/events{path}") as answer:
            assert (answer.status, (await answer.json())["data"]["list"] != []) == (200, True)
    await read(http, app, "direct/explain?sequence=1")
    url = f"{app.url}/api/v1/namespaces/ops-system/eventhook-dryruns?hours=1"
    async with http.post(url, json=hook("would", "https://example.com")) as answer:
        assert answer.status == 200, await answer.text()


async def _notifications(app: App, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    await post(http, app, NOTIFICATION, {"title": "disk", "message": "full", "cluster": "prod"})
    await receiver.wait_for(lambda: any('"disk"' in call.text and call.path == "/hook" for call in receiver.calls))


async def _metrics(http: aiohttp.ClientSession, apps: Mapping[str, App]) -> None:
    """Canaries get through, and each process has looked at its streams after something had come into them."""
    door, matcher = apps.get("ingress") or apps["all"], apps.get("hooks") or apps["all"]
    await until(http, door, lambda samples: value(samples, "ops_canary_sent_total") > 0)
    await until(http, matcher, lambda samples: value(samples, "ops_canary_seconds_count") > 0)
    shown = {"delivery": "ops-attempts", "watch": None}
    for user, app in apps.items():
        if (stream := shown.get(user, "ops")) is not None:
            await until(http, app, partial(_is_seen, stream))


def _is_seen(stream: str, samples: Samples) -> bool:
    return value(samples, "ops_stream_messages", stream=stream) > 0


async def _do(http: aiohttp.ClientSession, app: App, method: str, path: str, body: Any) -> dict[str, Any]:
    async with http.request(method, f"{app.url}{HOOKS}/{path}", json=body) as response:
        answer = await response.json()
        assert response.ok, answer
        return dict(answer["data"] or {})


def _is_delivered(receiver: Receiver, name: str) -> bool:
    return f"/hook/{name}" in _paths(receiver, name)


def _paths(receiver: Receiver, text: str) -> set[str]:
    """Where a text was delivered to."""
    return {call.path for call in receiver.calls if text in call.text}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_the_table_says(name: str) -> None:
    written = (NATS / "permissions" / f"{name}.conf").read_text()
    assert written == FILES[name](), (
        "write it anew with: python -m streams permissions --folder deploy/nats/permissions"
    )


NOBODY = (
    "$JS.API.STREAM.DELETE.ops",
    "$JS.API.STREAM.PURGE.ops",
    "$JS.API.STREAM.CREATE.more",
    "elsewhere.a",
    "$SYS.REQ.USER.INFO",
)
REFUSED = {
    "ingress": (
        *NOBODY,
        "$JS.ACK.ops.hooks.1.1.1.1.1",
        "$JS.API.CONSUMER.DELETE.ops.hooks",
        "$JS.API.CONSUMER.CREATE.ops.hooks.ops.>",
        "ops-dead-letters.x",
        "ops-counts.x",
    ),
    "watch": (*NOBODY, "ops-parked.hooks.a.b", "$KV.ops-notifications.x", "$JS.API.CONSUMER.CREATE.ops.x.ops.>"),
    "hooks": (
        *NOBODY,
        "$KV.ops-hooks.x",
        "$JS.API.CONSUMER.CREATE.ops-attempts.x",
        "$JS.API.STREAM.MSG.DELETE.ops-dead-letters",
    ),
    "notifications": (*NOBODY, "$KV.ops-hooks.x", "$JS.API.CONSUMER.MSG.NEXT.ops.hooks", "$KV.ops-keys.key"),
    "delivery": (
        *NOBODY,
        "$KV.ops-hooks.x",
        "$KV.ops-keys.key",
        "ops-pending.groups.a.b",
        "$JS.ACK.ops.hooks.1.1.1.1.1",
        "$JS.API.CONSUMER.MSG.NEXT.ops.hooks",
    ),
    "all": NOBODY,
    "provisioning": (
        *("ops.a", "$JS.API.STREAM.DELETE.ops", "$JS.API.STREAM.PURGE.ops", "$JS.API.STREAM.MSG.GET.KV_ops-keys"),
        *("$JS.API.DIRECT.GET.KV_ops-keys.$KV.ops-keys.key", "$JS.API.CONSUMER.CREATE.KV_ops-keys.x"),
    ),
    "reader": (
        *NOBODY,
        *("ops.a", "$JS.API.DIRECT.GET.KV_ops-keys.$KV.ops-keys.key", "$JS.API.STREAM.MSG.GET.KV_ops-hooks"),
        *("$JS.API.CONSUMER.CREATE.ops-parked.x", "$JS.API.CONSUMER.DELETE.ops.hooks", "$JS.ACK.ops.hooks.1.1.1.1.1"),
    ),
}


@pytest.mark.parametrize("user", REFUSED)
async def test_a_user_can_do_no_more(edge: ConfiguredServer, user: str) -> None:
    async with connected_as(edge, user) as (client, refused):
        for subject in REFUSED[user]:
            await client.publish(subject, b"{}")
        for subject in ("ops.>", "_INBOX.>", "$JS.API.>", "$KV.>"):
            await client.subscribe(subject)
        await client.flush()
        await client.flush()
    lines = "\n".join(refused)
    assert [subject for subject in REFUSED[user] if subject.lower() not in lines.lower()] == []
    assert lines.count("subscription to") == 4
