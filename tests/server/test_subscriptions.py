"""What subscriptions of the published specification receive: of a corpus, exactly what stands in the table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from faststream.nats import NatsBroker, NatsMessage
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig

from tests.servers import NatsServer, settle

SECONDS: Final = 20.0  # that everything may take
LAST: Final = "ops.clusters.prod.namespaces.ops-system.nodes.all.hosts.status"  # seen by `ops.>` and by ops-system only

PLACE: Final = "ops.clusters.prod"
SYSTEM: Final = f"{PLACE}.namespaces.ops-system"
NOTIFY: Final = "ops.notifications.providers"

CORPUS: Final = {
    "pod": f"{PLACE}.namespaces.default.pods.web-1.events",
    "pod of the system": f"{SYSTEM}.pods.ops-1.events",
    "pod with a dot": f"{PLACE}.namespaces.default.pods.web_1.events",
    "pod with a percent sign": f"{PLACE}.namespaces.default.pods.web%2A.events",
    "ingress": f"{PLACE}.namespaces.default.ingresss.front.events",
    "pod of another cluster": "ops.clusters.edge.namespaces.default.pods.web-1.events",
    "alert of a pod": f"{PLACE}.namespaces.default.pods.web-1.alerts",
    "node": f"{PLACE}.nodes.node-1.events",
    "node with dots": f"{PLACE}.nodes.ip-10-0-0-1_ec2_internal.events",
    "finding of a node": f"{PLACE}.nodes.node-1.findings",
    "volume": f"{PLACE}.persistentvolumes.pv-1.events",
    "host": f"{SYSTEM}.hosts.node-1.status",
    "host elsewhere": f"{PLACE}.namespaces.default.hosts.node_1_internal.status",
    "metrics of a host": f"{SYSTEM}.hosts.node-1.metrics",
    "cluster": f"{SYSTEM}.clusters.edge.status",
    "task run": f"{SYSTEM}.taskruns.t-1.status",
    "task run elsewhere": f"{PLACE}.namespaces.default.taskruns.t-2.status",
    "pipeline run": f"{SYSTEM}.pipelineruns.p-1.status",
    "controller of hosts": f"{SYSTEM}.controllers.hosts.status",
    "custom": f"{SYSTEM}.alerts.disk",
    "custom in another case": f"{PLACE}.namespaces.Ops-System.alerts.disk",
    "page": f"{NOTIFY}.ksyun.channels.webhook.severities.error",
    "hint": f"{NOTIFY}.ksyun.channels.xiezuo.severities.info",
    "page of another": f"{NOTIFY}.slack.channels.webhook.severities.error",
    "mail": f"{NOTIFY}.smtp.channels.mail.severities.error",
    "page in another case": f"{NOTIFY}.smtp.channels.mail.severities.Error",
    "provider only": f"{NOTIFY}.ksyun",
    "notes": "ops.notificationss.providers.ksyun",
    "last": LAST,
}

# Filter, and what it is to see of the corpus, written by hand: "*" is all of it.
TABLE: Final[dict[str, set[str]]] = {
    "ops.>": {"*"},
    "ops.clusters.*.namespaces.ops-system.>": {
        "pod of the system",
        "host",
        "metrics of a host",
        "cluster",
        "task run",
        "pipeline run",
        "controller of hosts",
        "custom",
        "last",
    },
    "ops.clusters.*.namespaces.*.hosts.*.status": {"host", "host elsewhere"},
    "ops.clusters.*.namespaces.*.taskruns.*.status": {"task run", "task run elsewhere"},
    "ops.clusters.*.namespaces.*.pipelineruns.*.status": {"pipeline run"},
    "ops.clusters.*.namespaces.*.*.*.events": {
        "pod",
        "pod of the system",
        "pod with a dot",
        "pod with a percent sign",
        "ingress",
        "pod of another cluster",
    },
    "ops.clusters.*.nodes.*.events": {"node", "node with dots"},
    "ops.notifications.>": {"page", "hint", "page of another", "mail", "page in another case", "provider only"},
    "ops.notifications.providers.ksyun.>": {"page", "hint"},
    "ops.notifications.providers.*.channels.webhook.>": {"page", "page of another"},
    "ops.notifications.providers.*.channels.*.severities.error": {"page", "page of another", "mail"},
}


def expected(pattern: str) -> list[str]:
    wanted = TABLE[pattern]
    return sorted(CORPUS if "*" in wanted else wanted)


def event(name: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": "https://github.com/shaowenchen/ops",
        "type": "Default",
        "subject": CORPUS[name],
        "time": "2026-11-23T04:50:41.125Z",
        "datacontenttype": "application/json",
        "cluster": "prod",
        "data": {"cluster": "prod", "name": name},
    }


async def publish(client: Client) -> None:
    """Put the corpus on the stream."""
    for name, where in CORPUS.items():
        headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": f"corpus-{len(name)}-{where}"}
        await client.jetstream().publish(where, json.dumps(event(name)).encode(), headers=headers)


def read_by_the_sdk(payload: bytes) -> str:
    """The id of an event as the official SDK reads it, which has the attributes that were sent."""
    told = from_structured_event(HTTPMessage({"content-type": "application/cloudevents+json"}, payload), JSONFormat())
    name = told.get_id()
    assert told.get_subject() == CORPUS[name]
    assert told.get_extension("cluster") == "prod"
    assert told.get_data() == {"cluster": "prod", "name": name}
    return name


async def test_plain_subscribers_receive_what_the_table_says(client: Client) -> None:
    subscriptions = {pattern: await client.subscribe(pattern) for pattern in TABLE}
    await settle(client)
    await publish(client)
    await settle(client)
    for pattern, subscription in subscriptions.items():
        found = [await subscription.next_msg(SECONDS) for _ in range(subscription.pending_msgs)]
        assert sorted(read_by_the_sdk(message.data) for message in found) == expected(pattern), pattern


async def test_consumers_of_the_stream_receive_what_the_table_says(client: Client) -> None:
    await publish(client)
    for pattern in TABLE:
        consumer = ConsumerConfig(filter_subject=pattern, ack_policy=AckPolicy.NONE, mem_storage=True)
        told = await client.jetstream().add_consumer("ops", consumer)
        assert told.num_pending == len(expected(pattern)), pattern
        pull = await client.jetstream().pull_subscribe_bind(told.name, "ops")
        found = await pull.fetch(len(CORPUS), timeout=SECONDS) if told.num_pending == len(CORPUS) else []
        while len(found) < (told.num_pending or 0):
            found += await pull.fetch(1, timeout=SECONDS)
        assert sorted(read_by_the_sdk(message.data) for message in found) == expected(pattern), pattern


@pytest.fixture
async def received(nats_server: NatsServer, client: Client) -> AsyncIterator[dict[str, list[str]]]:
    """What FastStream subscribers, one of each filter, have received."""
    broker, received = NatsBroker(nats_server.url), {pattern: list[str]() for pattern in TABLE}

    def handler(pattern: str) -> Any:
        async def take(message: NatsMessage) -> None:
            received[pattern].append(read_by_the_sdk(message.body))

        return take

    for pattern in TABLE:
        broker.subscriber(pattern)(handler(pattern))
    await broker.start()
    assert broker.connection is not None
    await settle(broker.connection)
    yield received
    await broker.stop()


async def test_faststream_subscribers_receive_what_the_table_says(
    client: Client, received: dict[str, list[str]]
) -> None:
    await publish(client)
    async with asyncio.timeout(SECONDS):
        while any(len(received[pattern]) < len(expected(pattern)) for pattern in TABLE):  # noqa: ASYNC110 -- the broker's own tasks
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)  # for what ought not to come
    assert {pattern: sorted(found) for pattern, found in received.items()} == {
        pattern: expected(pattern) for pattern in TABLE
    }


def test_the_table_has_each_example_and_the_corpus_near_misses() -> None:
    assert len(TABLE) == 11
    seen = set[str]().union(*(wanted for pattern, wanted in TABLE.items() if pattern != "ops.>"))
    assert seen < set(CORPUS)
    assert {"notes", "alert of a pod", "finding of a node", "custom in another case"} <= set(CORPUS) - seen
