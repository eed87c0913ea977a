"""Notifications through the front door: posted over HTTP, routed by a file, told to real receivers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.app import App, running_app
from tests.receiver import Receiver
from tests.servers import NatsServer

ADDRESS = "ops.notifications.providers.ksyun.channels.disk.severities.{severity}"


async def post(http: aiohttp.ClientSession, app: App, severity: str = "error", **data: Any) -> None:
    url = f"{app.url}/api/v1/namespaces/default/events/{ADDRESS.format(severity=severity)}"
    async with http.post(url, json=data) as response:
        assert response.status == 200, await response.text()


def routes(folder: Path, text: str, **urls: str) -> dict[str, str]:
    """The environment of an app with these receivers and routes."""
    path = folder / "routes.yaml"
    path.write_text(text.format(**urls))
    return {"NOTIFICATIONS_FILE": str(path)}


def bodies(receiver: Receiver) -> list[Any]:
    return [json.loads(call.body) for call in receiver.calls]


UNROUTED = "ops_notifications_unrouted_total 1.0"
ONE = """
receivers:
  - name: operators
    destination: {{type: webhook, url: "{url}"}}
routes:
  - match: {{severity: {{atLeast: error}}}}
    receivers: [operators]
"""


async def test_a_posted_notification_reaches_the_receiver_of_its_route(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    environment = routes(tmp_path, ONE, url=receiver.url)
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **environment) as app:
        await post(http, app, title="disk", message="the disk of node-a is full", key="node-a")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
    (body,) = bodies(receiver)
    assert (body["title"], body["message"], body["severity"]) == ("disk", "the disk of node-a is full", "error")
    assert (body["status"], body["key"], body["source"]) == ("firing", "node-a", "default")


GROUPED = """
receivers:
  - name: operators
    destination: {{type: webhook, url: "{url}"}}
routes:
  - receivers: [operators]
    group: {{by: [cluster], wait: 3s, interval: 1s}}
"""


async def test_a_group_becomes_one_message(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    environment = routes(tmp_path, GROUPED, url=receiver.url)
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **environment) as app:
        for number in range(30):
            await post(http, app, title=f"disk {number}", cluster="prod")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await asyncio.sleep(2)
    (body,) = bodies(receiver)
    assert body["title"] == "30 notifications, cluster prod: 30 error"
    assert "… and 10 more" in body["message"]


async def test_what_no_route_takes_is_counted_and_kept(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    environment = routes(tmp_path, ONE, url=receiver.url)
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **environment) as app:
        await post(http, app, "debug", title="nobody cares")
        async with asyncio.timeout(10):
            while UNROUTED not in await _text(http, f"{app.url}/metrics"):  # noqa: ASYNC110 -- another process counts
                await asyncio.sleep(0.05)
    assert receiver.calls == []


async def _text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as response:
        return await response.text()


async def test_a_receiver_that_was_away_gets_what_it_missed(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    environment = routes(tmp_path, ONE, url=receiver.url)
    await receiver.close()
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **environment) as app:
        for number in range(20):
            await post(http, app, title=f"disk {number}")
        await asyncio.sleep(1)
        await receiver.open()
        await receiver.wait_for(lambda: len({body["title"] for body in bodies(receiver)}) == 20, 40)


async def test_a_changed_file_is_in_force_at_once_and_a_broken_one_never(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    environment = routes(tmp_path, ONE, url=receiver.url)
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **environment) as app:
        routes(tmp_path, ONE.replace("operators]", "operator]"), url=receiver.url)
        async with asyncio.timeout(10):
            while "no receiver is called operator" not in app.log:  # noqa: ASYNC110 -- another process writes it
                await asyncio.sleep(0.05)
        await post(http, app, title="still told")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        routes(tmp_path, ONE.replace("error", "critical"), url=receiver.url)
        await asyncio.sleep(2)
        await post(http, app, title="not told any more")
        await post(http, app, "critical", title="told")
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        await asyncio.sleep(0.5)
    assert [body["title"] for body in bodies(receiver)] == ["still told", "told"]
