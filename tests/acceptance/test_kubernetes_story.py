"""Two replicas watch an API server to which everything happens; what it was told is counted on the stream.

Nothing is missing, nothing is twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from app.sources.kubernetes.events import event_id
from tests.app import App, running_app
from tests.kubernetes import EVENTS, HOSTS, ApiServer, running_api
from tests.servers import NatsServer

SECONDS = 60.0  # that anything may take, before it counts as missing


@dataclass
class Cluster:
    """What happens in a cluster, and the ids of the events that are to come of it."""

    api: ApiServer
    expected: list[str] = field(default_factory=list)
    number: int = 0

    def observe(self, name: str) -> None:
        """Something is observed about a pod: a new event, or the same once more."""
        self.number += 1
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = {
            "metadata": {"name": f"{name}.3f4", "namespace": "default"},
            "eventTime": None,
            "regarding": {"kind": "Pod", "namespace": "default", "name": name},
            "reportingController": "kubelet",
            "deprecatedLastTimestamp": now,
            "deprecatedCount": self.number,
            "reason": "BackOff",
            "note": f"number {self.number}",
            "type": "Warning",
        }
        there = {event["metadata"]["name"] for event in self.api.objects(EVENTS)}
        put = self.api.update if f"{name}.3f4" in there else self.api.create
        self._expect(put(EVENTS, told))

    def delete(self, name: str) -> None:
        event = self.api.get(EVENTS, "default", f"{name}.3f4")
        self.api.delete(EVENTS, "default", f"{name}.3f4")
        self.expected.append(event_id("default", event["metadata"]["uid"], "", deleted=True))

    def measure(self, name: str) -> None:
        """The status of a Host changes, and then something that nobody is to be told."""
        self.number += 1
        names = {"name": name, "namespace": "ops-system"}
        if name not in {host["metadata"]["name"] for host in self.api.objects(HOSTS)}:
            self.api.create(HOSTS, {"metadata": names, "spec": {"address": "10.0.0.11", "password": "c2VjcmV0"}})
        status = {"diskUsagePercent": f"{self.number}%", "heartStatus": "Successed"}
        host = self.api.set_status(HOSTS, "ops-system", name, status)
        self._expect(host)

    def touch(self, name: str) -> None:
        host = self.api.get(HOSTS, "ops-system", name)
        host["metadata"]["labels"] = {"touched": str(self.api.version)}
        self.api.update(HOSTS, host)

    def _expect(self, resource: dict[str, Any]) -> None:
        metadata = resource["metadata"]
        self.expected.append(event_id("default", metadata["uid"], metadata["resourceVersion"]))

    async def live(self, rounds: int = 20) -> None:
        """A while in the cluster: a change every few milliseconds."""
        for count in range(rounds):
            self.observe(f"web-{count % 7}")
            self.measure(f"node-{count % 3}")
            self.touch(f"node-{count % 3}")
            await asyncio.sleep(0.01)


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


def replica(folder: Path, name: str, server: NatsServer, kubeconfig: Path) -> App:
    return App(folder / name, {"EVENT_ENDPOINT": server.url, "KUBECONFIG": str(kubeconfig)})


async def events_on(client: Client) -> list[dict[str, Any]]:
    context = client.jetstream()
    last = (await context.stream_info("ops")).state.last_seq
    messages = [await context.get_msg("ops", seq=sequence) for sequence in range(1, last + 1)]
    events = [json.loads(message.data or b"{}") for message in messages]
    return [event for event in events if event["type"] in {"Kube", "Host"}]


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await reached():  # noqa: ASYNC110 -- other processes give no event here
            await asyncio.sleep(0.1)


@dataclass
class Story:
    """Two replicas, and what is done to them."""

    cluster: Cluster
    server: NatsServer
    wire: Client
    one: App
    two: App

    @property
    def api(self) -> ApiServer:
        return self.cluster.api

    async def start(self) -> None:
        for app in (self.one, self.two):
            await app.start()

    async def settle(self) -> None:
        """All that has happened is on the stream."""

        async def all_is_there() -> bool:
            return {event["id"] for event in await events_on(self.wire)} >= set(self.cluster.expected)

        await until(all_is_there)

    async def kill_a_replica_and_cut_the_watch_of_the_other(self) -> None:
        await self.two.kill()
        await self.cluster.live()
        self.api.cut_watches_at_next_change()
        await self.cluster.live()
        await self.two.start()

    async def close_the_api_server_for_a_while(self) -> None:
        await self.api.close()
        await self.cluster.live()
        await self.api.open()
        await self.cluster.live()

    async def expire_the_version_of_the_watches(self) -> None:
        """What has changed meanwhile shows in a list only: each object has changed once, and one is gone."""
        await self.api.close()
        for number in range(5):
            self.cluster.observe(f"web-{number}")
        self.cluster.delete("web-6")
        self.cluster.measure("node-0")
        self.cluster.touch("node-1")
        self.api.forget_history()
        await self.api.open()

    async def stop_all_for_a_while(self) -> None:
        """What happens meanwhile is told one by one, deletions too."""
        for app in (self.one, self.two):
            await app.stop()
        await self.cluster.live()
        self.cluster.delete("web-1")
        await self.start()

    async def kill_all_and_expire_their_version(self) -> None:
        for app in (self.one, self.two):
            await app.kill()
        self.cluster.observe("web-2")
        self.cluster.observe("web-new")
        self.cluster.measure("node-2")
        self.cluster.touch("node-0")
        self.api.forget_history()
        await self.start()

    async def kill_nats(self) -> None:
        await self.server.kill()
        await self.cluster.live()
        await self.server.start()
        await self.cluster.live()


@pytest.fixture
async def story(api: ApiServer, provisioned: NatsServer, wire: Client, tmp_path: Path) -> AsyncIterator[Story]:
    kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
    one, two = (replica(tmp_path, name, provisioned, kubeconfig) for name in ("one", "two"))
    async with AsyncExitStack() as stack:
        for app in (one, two):
            stack.push_async_callback(app.stop)
            await app.start()
        for kind in (EVENTS, HOSTS):
            await api.until_watching(kind, 2)
        yield Story(Cluster(api), provisioned, wire, one, two)


async def test_nothing_is_missing_and_nothing_is_twice(story: Story) -> None:
    await story.cluster.live(40)
    await story.settle()
    for trouble in (
        story.kill_a_replica_and_cut_the_watch_of_the_other,
        story.close_the_api_server_for_a_while,
        story.expire_the_version_of_the_watches,
        story.stop_all_for_a_while,
        story.kill_all_and_expire_their_version,
        story.kill_nats,
    ):
        await trouble()
        await story.settle()
    for app in (story.one, story.two):  # what is on its way yet is brought to its end
        await app.stop()

    found = Counter(event["id"] for event in await events_on(story.wire))
    assert set(found) == set(story.cluster.expected)
    assert set(found.values()) == {1}


async def test_the_changes_of_one_object_come_in_order(
    api: ApiServer, provisioned: NatsServer, wire: Client, tmp_path: Path
) -> None:
    cluster = Cluster(api)
    kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, KUBECONFIG=str(kubeconfig)):
        await api.until_watching(EVENTS)
        for _ in range(300):
            cluster.observe("web-0")

        async def all_is_there() -> bool:
            return len(await events_on(wire)) == 300

        await until(all_is_there)
    numbers = [int(event["data"]["message"].removeprefix("number ")) for event in await events_on(wire)]
    assert numbers == sorted(numbers)
