"""Typed publishers in memory: wiring and wire format, without a server."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from faststream import Context, Path
from faststream.nats import JStream, NatsBroker, TestNatsBroker
from faststream.nats.message import NatsMessage

from app.asyncapi import EventCatalog
from app.errors import UnavailableError
from app.events import catalog, payloads
from app.events.catalog import CATALOG
from app.events.cloudevent import CloudEvent
from app.events.compose import Attributes
from app.events.subject import InvalidSubjectError
from app.jetstream.publish import Stored
from app.sources.publish import EventPublishers

HOSTS = "ops.clusters.{cluster}.namespaces.{namespace}.hosts.{host}.status"
Message = Annotated[NatsMessage, Context("message")]


class Taking:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        self.taken.append((subject, payload, headers))
        return Stored("ops", 7, duplicate=True)

    async def begin(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> asyncio.Future[Stored]:
        return asyncio.ensure_future(self(subject, payload, headers))


async def test_a_payload_arrives_as_a_typed_cloudevent() -> None:
    broker = NatsBroker()
    arrived: list[tuple[CloudEvent[payloads.Host], str, NatsMessage]] = []

    @broker.subscriber(HOSTS, stream=JStream("ops", declare=False))
    async def on_host(event: CloudEvent[payloads.Host], host: Annotated[str, Path()], message: Message) -> None:
        arrived.append((event, host, message))

    publishers = EventPublishers(broker, "prod")
    async with TestNatsBroker(broker):
        payload = payloads.Host(cluster="prod", address="10.0.0.11", port=22)
        await publishers.publish(catalog.HOST, payload, namespace="ops-system", host="node-a.example.internal")

    ((event, host, message),) = arrived
    assert (event.data, host) == (payload, "node-a_example_internal")
    assert event.subject == "ops.clusters.prod.namespaces.ops-system.hosts.node-a_example_internal.status"
    assert (event.type, event.cluster) == ("Host", "prod")
    assert message.headers["Nats-Msg-Id"] == event.id
    assert message.headers["Content-Type"] == "application/cloudevents+json"
    assert json.loads(message.body)["data"] == {
        "cluster": "prod", "address": "10.0.0.11", "port": 22, "status": {},
    }  # fmt: skip


async def test_an_id_and_extensions_that_are_given_are_kept() -> None:
    broker = NatsBroker()
    arrived: list[tuple[str, CloudEvent[Any]]] = []

    @broker.subscriber("ops.>", stream=JStream("ops", declare=False))
    async def on_event(event: CloudEvent[Any], message: Message) -> None:
        arrived.append((message.headers["Nats-Msg-Id"], event))

    publishers = EventPublishers(broker, "prod")
    async with TestNatsBroker(broker):
        await publishers.publish(
            catalog.CONTROLLER,
            payloads.Controller(kind="Hosts"),
            event_id="known",
            extensions={"deleted": True},
            namespace="ops-system",
            resource_type="hosts",
        )
    ((header, event),) = arrived
    assert header == event.id == "known"
    assert event.model_extra == {"deleted": True}


async def test_the_test_broker_stores_nothing_and_that_is_told() -> None:
    broker = NatsBroker()
    publishers = EventPublishers(broker, "prod")
    async with TestNatsBroker(broker):
        stored = await publishers.publish(catalog.HOST, payloads.Host(), namespace="n", host="h")
    assert stored == Stored("ops", 0, duplicate=False)


async def test_a_transport_takes_the_event_in_the_place_of_the_broker() -> None:
    transport = Taking()
    publishers = EventPublishers(NatsBroker(), "prod", transport)
    stored = await publishers.publish(catalog.HOST, payloads.Host(), event_id="known", namespace="n", host="h")

    ((subject, payload, headers),) = transport.taken
    assert stored == Stored("ops", 7, duplicate=True)
    assert subject == json.loads(payload)["subject"] == "ops.clusters.prod.namespaces.n.hosts.h.status"
    assert headers == {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": "known"}


@pytest.mark.parametrize("transport", [None, Taking()], ids=["broker", "transport"])
async def test_what_is_begun_is_what_is_published(transport: Taking | None) -> None:
    broker = NatsBroker()
    arrived: list[CloudEvent[payloads.Host]] = []

    @broker.subscriber(HOSTS, stream=JStream("ops", declare=False))
    async def on_host(event: CloudEvent[payloads.Host]) -> None:
        arrived.append(event)

    publishers = EventPublishers(broker, "prod", transport)
    at = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    async with TestNatsBroker(broker):
        begun = await publishers.begin(
            catalog.HOST, payloads.Host(hostname="h"), {"namespace": "n", "host": "h"}, Attributes("prod", "known", at)
        )
        await begun
    events = arrived if transport is None else [CloudEvent.model_validate_json(transport.taken[0][1])]
    assert [(event.id, event.time, event.subject) for event in events] == [
        ("known", at, "ops.clusters.prod.namespaces.n.hosts.h.status")
    ]


@pytest.mark.parametrize("transport", [None, UnavailableError], ids=["broker", "transport"])
def test_the_channels_are_described_whichever_way_events_go(transport: Any) -> None:
    broker = NatsBroker("nats://nats.example.internal:4222")
    EventPublishers(broker, "prod", transport)
    document = EventCatalog(title="Ops events", version="1")
    document.add_broker(broker)
    assert list(document.to_specification().to_jsonable()["channels"]) == [row.channel for row in CATALOG]


async def test_a_name_that_is_missing_or_unknown_is_told() -> None:
    publishers = EventPublishers(NatsBroker(), "prod")
    with pytest.raises(InvalidSubjectError, match="needs the names namespace, host: namespace is missing"):
        await publishers.publish(catalog.HOST, payloads.Host(), host="h")
    with pytest.raises(InvalidSubjectError, match="needs the names namespace, host: node is unknown"):
        await publishers.publish(catalog.HOST, payloads.Host(), namespace="n", host="h", node="h")


async def test_the_type_checker_holds_a_payload_against_its_row() -> None:
    publishers = EventPublishers(NatsBroker(), "prod")
    with pytest.raises(TypeError, match="carries a Host"):
        # mypy would tell if there were nothing to ignore.
        await publishers.publish(catalog.HOST, payloads.Cluster(), namespace="n", host="h")  # type: ignore[misc]


async def test_a_broker_that_is_not_connected_is_told() -> None:
    publishers = EventPublishers(NatsBroker(), "prod")
    with pytest.raises(UnavailableError, match="connect the broker first"):
        await publishers.publish(catalog.HOST, payloads.Host(), namespace="n", host="h")


async def test_every_row_of_the_catalog_can_be_published() -> None:
    broker = NatsBroker()
    subjects: list[str] = []

    @broker.subscriber("ops.>", stream=JStream("ops", declare=False))
    async def on_event(message: Message) -> None:
        subjects.append(message.raw_message.subject)

    publishers = EventPublishers(broker, "c")
    async with TestNatsBroker(broker):
        for row in CATALOG:
            names: dict[str, Any] = {name: name for name in row.names}
            payload = payloads.Controller(kind="x") if row is catalog.CONTROLLER else row.payload()
            await publishers.publish(row, payload, **names)
    assert len(subjects) == len(CATALOG)
    assert all(subject.startswith("ops.") and "{" not in subject for subject in subjects)
