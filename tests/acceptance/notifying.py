"""Two replicas that tell services of notifications, and what a story asks of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from nats.js import JetStreamContext

from tests.acceptance.services import SECRET, Services, running_services
from tests.app import App, running_app
from tests.servers import NatsServer, jetstream

SOON: Final = {"by": ["host"], "wait": "1s", "interval": "1s"}
HELD: Final = re.compile(r"(\d+) notifications held back")


@dataclass(frozen=True)
class Story:
    """Two replicas on one server, and the services that they tell."""

    one: App
    two: App
    nats: NatsServer
    services: Services
    http: aiohttp.ClientSession

    async def post(self, channel: str, number: int, severity: str = "error", **data: Any) -> bool:
        """Post a notification, once; whether it was acknowledged."""
        address = f"ops.notifications.providers.tests.channels.{channel}.severities.{severity}"
        url = f"{self.one.url}/api/v1/namespaces/default/events/{address}"
        body = {"title": f"n-{number}", **data}
        headers = {"Idempotency-Key": f"{channel} {number} {severity} {data.get('status')}"}
        try:
            async with self.http.post(url, json=body, headers=headers) as response:
                assert response.status in {200, 503}, await response.text()
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def post_all(self, channel: str, numbers: Iterable[int], **data: Any) -> None:
        """Post until each is acknowledged."""
        for number in numbers:
            while not await self.post(channel, number, **data):  # noqa: ASYNC110 -- only it knows
                await asyncio.sleep(0.1)

    async def count(self, name: str) -> float:
        """What a counter says, of both replicas together."""
        return sum([await self._count(app, name) for app in (self.one, self.two)])

    async def _count(self, app: App, name: str) -> float:
        async with self.http.get(f"{app.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        return float(next(line for line in lines if line.startswith(f"{name}_total")).split()[1])

    async def until_it_waits(self, number: int) -> None:
        """Until so many notifications wait for their groups."""
        async with asyncio.timeout(20), jetstream(self.nats.url) as stream:
            while (await stream.stream_info("ops-pending")).state.messages < number:  # noqa: ASYNC110 -- NATS knows
                await asyncio.sleep(0.02)

    async def until_nothing_is_left(self) -> None:
        """Until nothing is on its way any more: each notification is acknowledged, and what waited is removed."""
        async with asyncio.timeout(30), jetstream(self.nats.url) as stream:
            while await _owed(stream):  # noqa: ASYNC110 -- NATS knows
                await asyncio.sleep(0.1)


async def _owed(stream: JetStreamContext) -> int:
    consumers = [await stream.consumer_info("ops", "notifications"), *await stream.consumers_info("ops-parked")]
    given_out = sum((consumer.num_pending or 0) + (consumer.num_ack_pending or 0) for consumer in consumers)
    return given_out + (await stream.stream_info("ops-pending")).state.messages


def receivers(services: Services) -> list[dict[str, Any]]:
    chats: list[dict[str, Any]] = [{"name": "slack", "destination": {"type": "slack", "url": services.url("slack")}}]
    chats += [
        {"name": name, "destination": {"type": name, "url": services.url(name), "secret": SECRET}}
        for name in ("dingtalk", "feishu")
    ]
    mail = {"type": "email", "host": "127.0.0.1", "port": services.smtp_port, "tls": "none"}
    return [
        *({**chat, "rate": "none"} for chat in chats),  # else each message beyond the service's own waits for a summary
        {"name": "hook", "destination": {"type": "webhook", "url": services.url("hook")}},
        {"name": "incidents", "destination": {"type": "webhook", "url": services.url("incidents")}},
        {
            "name": "limited",
            "destination": {"type": "webhook", "url": services.url("limited")},
            "rate": {"limit": 5, "per": "5s"},
        },
        {"name": "mail", "destination": {**mail, "from": "ops@example.com", "to": ["oncall@example.com"]}},
    ]


def routes(**groups: Any) -> list[dict[str, Any]]:
    """A route for each service, by channel, with a group or without."""
    names = ("slack", "dingtalk", "feishu", "hook", "incidents", "limited", "mail")
    return [
        {"match": {"channel": name}, "receivers": [name], **({"group": groups[name]} if name in groups else {})}
        for name in names
    ]


@asynccontextmanager
async def story(folder: Path, nats: NatsServer, **groups: Any) -> AsyncIterator[Story]:
    async with running_services() as services, aiohttp.ClientSession() as http:
        file = folder / "routes.yaml"
        file.write_text(json.dumps({"receivers": receivers(services), "routes": routes(**groups)}))
        environment = {"NOTIFICATIONS_FILE": str(file), "EVENT_ENDPOINT": nats.url}
        async with (
            running_app(folder / "one", **environment) as one,
            running_app(folder / "two", **environment) as two,
        ):
            yield Story(one, two, nats, services, http)


def number_told(services: Services) -> int:
    """Of those to the receiver with a rate: each has a message of its own, or is among those of a summary."""
    told = {one.identity: HELD.search(one.text) for one in services.of("limited")}  # a repeat is no other
    return sum(1 if held is None else int(held[1]) for held in told.values())
