"""What the tests of followers share: a follower on a real stream, and what came onto it."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from app.jetstream.publish import JetStreamPublisher
from app.jetstream.read import StreamReader
from app.sources.kubernetes import recall
from app.sources.kubernetes.checkpoint import Checkpoints, key_of
from app.sources.kubernetes.event_follower import EventFollower
from app.sources.kubernetes.journal import Journal
from app.sources.kubernetes.resources import STATUS_KINDS
from app.sources.kubernetes.service import _EVENT_ROWS
from app.sources.kubernetes.status_follower import StatusFollower
from app.sources.publish import EventPublishers
from streams.ops import ops

CLUSTER: Final = "prod"
_PROBE: Final = "ops.probe"
NOW: Final = 1_795_410_000.0  # Unix seconds, on the clock of the tests
_UIDS: Final = UUID("6e4a3e45-5278-499b-8f9f-11f86a4055f3")

Stored = dict[str, Any]  # an event of the stream


@dataclass
class Followed:
    """A process that follows events, or the status of Hosts: with a journal of its own on the common bucket."""

    events: EventFollower
    hosts: StatusFollower
    journals: tuple[Journal, Journal]
    now: float = NOW

    async def stop(self) -> None:
        """End as a process does that is asked to."""
        for journal in self.journals:
            await journal.close(10)

    async def published(self) -> None:
        """Wait until all that was taken is on the stream."""
        for journal in self.journals:
            await journal._pipeline.finish(10)


@asynccontextmanager
async def followed(client: Client, now: float = NOW) -> AsyncIterator[Followed]:
    publisher = JetStreamPublisher()
    await publisher.listen(client)
    publishers = EventPublishers(NatsBroker(), CLUSTER, publisher)
    reader = StreamReader(lambda: client)

    def journal(name: str, filters: list[str]) -> Journal:
        return Journal(Checkpoints(lambda: client), key_of(CLUSTER, name, ""), reader, filters, _raise)

    events = journal("events", [recall.filter_of(row, CLUSTER, "events") for row in _EVENT_ROWS])
    hosts = journal("hosts", [recall.filter_of(STATUS_KINDS["Host"].row, CLUSTER, "status")])
    process = Followed(
        EventFollower(CLUSTER, events, publishers, clock=lambda: process.now),
        StatusFollower(STATUS_KINDS["Host"], CLUSTER, hosts, publishers, reader),
        (events, hosts),
        now,
    )
    yield process
    await process.published()


def _raise(error: BaseException) -> None:
    raise error


def observed(number: int, version: int, seconds_ago: float, now: float = NOW) -> dict[str, Any]:
    """An event object as kubelet writes it."""
    last = dt.datetime.fromtimestamp(now - seconds_ago, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {
            "name": f"web-{number}.3f4",
            "namespace": "default",
            "uid": str(uuid5(_UIDS, f"event {number}")),
            "resourceVersion": str(version),
            "creationTimestamp": "2026-11-23T04:00:00Z",
        },
        "eventTime": None,
        "regarding": {"kind": "Pod", "namespace": "default", "name": f"web-{number}"},
        "reportingController": "kubelet",
        "deprecatedLastTimestamp": last,
        "reason": "BackOff",
        "note": f"Back-off of {number} at version {version}",
        "type": "Warning",
    }


def host(number: int, version: int, disk: str = "", **metadata: Any) -> dict[str, Any]:
    """A Host as its controller writes it; with a status where a disk is named."""
    names = {"name": f"node-{number}", "namespace": "ops-system", "uid": str(uuid5(_UIDS, f"host {number}"))}
    return {
        "apiVersion": "crd.chenshaowen.com/v1",
        "kind": "Host",
        "metadata": {**names, "resourceVersion": str(version), **metadata},
        "spec": {"address": "10.0.0.11", "port": 22, "password": "c2VjcmV0"},
        **({"status": {"diskUsagePercent": disk, "heartStatus": "Successed"}} if disk else {}),
    }


async def on_the_stream(client: Client) -> list[Stored]:
    """Every event, in order."""
    context = client.jetstream()
    last = (await context.stream_info("ops")).state.last_seq
    events = []
    for sequence in range(1, last + 1):
        with suppress(NotFoundError):  # a probe, see `forget_ids`
            events.append(json.loads((await context.get_msg("ops", seq=sequence)).data or b"{}"))
    return events


async def messages_on(client: Client) -> list[str]:
    """What each event says, in order."""
    return [str(event["data"]["message"]) for event in await on_the_stream(client)]


async def disks_on(client: Client) -> list[str]:
    return [str(event["data"]["status"]["diskUsagePercent"]) for event in await on_the_stream(client)]


async def forget_ids(client: Client) -> None:
    """Let the dedup window pass: what is stored now is no duplicate of anything."""
    context, config = client.jetstream(), ops(1)
    windows = itertools.cycle((0.1, 0.2))  # seconds; now and then the server forgets to look, until it is told anew
    while True:
        config.duplicate_window = next(windows)
        await context.update_stream(config)
        await context.publish(_PROBE, b"", headers={"Nats-Msg-Id": "probe"})
        await asyncio.sleep(0.3)
        if not (await context.publish(_PROBE, b"", headers={"Nats-Msg-Id": "probe"})).duplicate:
            break
    await context.purge_stream("ops", subject=_PROBE)
