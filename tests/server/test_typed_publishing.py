"""Typed publishing to a real server, through FastStream's publishers and through the pipelined transport alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from faststream import AckPolicy, Path
from faststream.nats import JStream, NatsBroker
from nats.aio.client import Client

from app.errors import TooLargeError, UnavailableError
from app.events import catalog, cloudevent, payloads
from app.events.cloudevent import CloudEvent
from app.jetstream.publish import JetStreamPublisher, Stored
from app.sources.publish import EventPublishers
from tests.servers import NatsServer, settle

HOSTS = "ops.clusters.{cluster}.namespaces.{namespace}.hosts.{host}.status"
NODE_A = {"namespace": "ops-system", "host": "node-a.example.internal"}


@pytest.fixture
async def broker(client: Client, nats_server: NatsServer) -> AsyncIterator[NatsBroker]:
    broker = NatsBroker(nats_server.url, reconnect_time_wait=1, max_reconnect_attempts=-1, logger=None)
    yield broker
    await broker.stop()


@pytest.fixture(params=["faststream", "pipelined"])
async def publishers(request: pytest.FixtureRequest, broker: NatsBroker) -> EventPublishers:
    """Publishers on a connected broker."""
    connection = await broker.connect()
    if request.param == "faststream":
        return EventPublishers(broker, "prod")
    transport = JetStreamPublisher()
    await transport.listen(connection)
    return EventPublishers(broker, "prod", transport)


async def publish(publishers: EventPublishers, payload: payloads.Host, event_id: str | None = None) -> Stored:
    return await publishers.publish(
        catalog.HOST, payload, event_id=event_id, namespace="ops-system", host="node-a.example.internal"
    )


async def test_an_event_is_stored_once_however_often_its_id_is_published(
    client: Client, publishers: EventPublishers
) -> None:
    host = payloads.Host(address="10.0.0.11")
    assert await publish(publishers, host, "known") == Stored("ops", 1, duplicate=False)
    assert await publish(publishers, host, "known") == Stored("ops", 1, duplicate=True)
    assert (await client.jetstream().stream_info("ops")).state.messages == 1


async def test_what_is_stored_is_a_cloudevent_on_its_subject(client: Client, publishers: EventPublishers) -> None:
    await publish(publishers, payloads.Host(address="10.0.0.11"), "known")
    message = await client.jetstream().get_msg("ops", seq=1)
    assert message.data is not None
    event = cloudevent.read(message.data, message.headers)

    assert (
        message.subject
        == event.subject
        == HOSTS.format(cluster="prod", namespace="ops-system", host="node-a_example_internal")
    )
    assert event.data == {"cluster": "prod", "address": "10.0.0.11", "status": {}}
    assert message.headers is not None
    assert message.headers["Nats-Msg-Id"] == event.id == "known"
    assert message.headers["Content-Type"] == "application/cloudevents+json"


async def test_a_subscriber_with_names_in_its_subject_gets_the_payload_typed(
    broker: NatsBroker, publishers: EventPublishers
) -> None:
    arrived: asyncio.Queue[tuple[CloudEvent[payloads.Host], str, str]] = asyncio.Queue()

    @broker.subscriber(HOSTS, stream=JStream("ops", declare=False), ack_policy=AckPolicy.NACK_ON_ERROR)
    async def on_host(
        event: CloudEvent[payloads.Host], namespace: Annotated[str, Path()], host: Annotated[str, Path()]
    ) -> None:
        await arrived.put((event, namespace, host))

    await broker.start()
    payload = payloads.Host(cluster="prod", status=payloads.HostStatus(disk_usage_percent="91%"))
    await publish(publishers, payload)
    event, namespace, host = await asyncio.wait_for(arrived.get(), 10)
    assert (event.data, namespace, host) == (payload, "ops-system", "node-a_example_internal")


async def test_a_finding_is_seen_by_the_filter_of_findings(client: Client, publishers: EventPublishers) -> None:
    findings = await client.subscribe("ops.clusters.*.namespaces.*.*.*.findings")
    await settle(client)
    report = payloads.TaskRunReport(host="node-a", kind="disk", value="91%")
    await publishers.publish(
        catalog.TASK_RUN_REPORT, report, namespace="ops-system", event="hosts.node-a_example_internal.findings"
    )
    event = cloudevent.read((await findings.next_msg(timeout=10)).data)
    assert event.type == "TaskRunReport"
    assert event.data == {"cluster": "prod", "host": "node-a", "kind": "disk", "value": "91%"}


async def test_a_server_that_is_away_is_reported_and_the_same_id_is_stored_once_when_it_is_back(
    client: Client, broker: NatsBroker, publishers: EventPublishers, nats_server: NatsServer
) -> None:
    await nats_server.kill()
    with pytest.raises(UnavailableError, match="with the same id"):
        await publish(publishers, payloads.Host(), "known")
    await nats_server.start()
    assert await broker.ping(timeout=10)
    assert (await publish(publishers, payloads.Host(), "known")).sequence == 1
    assert (await client.jetstream().stream_info("ops")).state.messages == 1


async def test_a_full_stream_is_reported(client: Client, publishers: EventPublishers) -> None:
    stream = client.jetstream()
    await stream.update_stream((await stream.stream_info("ops")).config.evolve(max_msgs=1))
    await publish(publishers, payloads.Host())
    with pytest.raises(UnavailableError, match="maximum messages exceeded"):
        await publish(publishers, payloads.Host())


async def test_an_event_that_is_too_large_with_its_envelope_is_refused_and_the_next_is_stored(
    client: Client, publishers: EventPublishers
) -> None:
    """Its payload alone would pass: it is the headers that the server ends the connection for."""
    empty = len(cloudevent.encode(CloudEvent(id="x", type="Host")))
    with pytest.raises(TooLargeError, match=str(client.max_payload)):
        await publish(publishers, payloads.Host(address="x" * (client.max_payload - empty)), "x")
    assert (await publish(publishers, payloads.Host())).sequence == 1
