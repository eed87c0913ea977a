"""Typed publishers in memory: wiring and wire format, without a server."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from faststream import Context
from faststream.nats import JStream, NatsBroker, TestNatsBroker
from faststream.nats.message import NatsMessage

from app.events import payloads
from app.events.catalog import CATALOG
from app.events.cloudevent import CloudEvent
from app.events.subject import InvalidSubjectError, fields
from app.sources.publish import EventPublishers

Message = Annotated[NatsMessage, Context("message")]


async def test_a_payload_arrives_as_a_typed_cloudevent() -> None:
    broker = NatsBroker()
    arrived: list[tuple[CloudEvent[payloads.Host], NatsMessage]] = []

    @broker.subscriber("ops.clusters.*.namespaces.*.hosts.*.status", stream=JStream("ops", declare=False))
    async def on_host(event: CloudEvent[payloads.Host], message: Message) -> None:
        arrived.append((event, message))

    publishers = EventPublishers(broker, "prod")
    async with TestNatsBroker(broker):
        host = payloads.Host(cluster="prod", address="10.0.0.11", port=22)
        await publishers.publish("Host", host, {"namespace": "ops-system", "host": "node-a.example.internal"})

    ((event, message),) = arrived
    assert event.data == host
    assert event.subject == "ops.clusters.prod.namespaces.ops-system.hosts.node-a_example_internal.status"
    assert (event.type, event.cluster) == ("Host", "prod")
    assert message.headers["Nats-Msg-Id"] == event.id
    assert message.headers["Content-Type"] == "application/cloudevents+json"
    assert json.loads(message.body)["data"] == {
        "cluster": "prod", "address": "10.0.0.11", "port": 22, "status": {},
    }  # fmt: skip


async def test_an_id_that_is_given_is_kept() -> None:
    broker = NatsBroker()
    ids: list[str] = []

    @broker.subscriber("ops.>", stream=JStream("ops", declare=False))
    async def on_event(message: Message) -> None:
        ids.append(message.headers["Nats-Msg-Id"])

    publishers = EventPublishers(broker, "prod")
    async with TestNatsBroker(broker):
        await publishers.publish(
            "Controller",
            payloads.Controller(kind="Hosts"),
            {"namespace": "ops-system", "resource_type": "hosts"},
            event_id="known",
        )
    assert ids == ["known"]


async def test_a_name_that_is_missing_is_told() -> None:
    publishers = EventPublishers(NatsBroker(), "prod")
    with pytest.raises(InvalidSubjectError, match="needs namespace"):
        await publishers.publish("Host", payloads.Host(), {"host": "h"})


async def test_every_row_of_the_catalog_can_be_published() -> None:
    broker = NatsBroker()
    subjects: list[str] = []

    @broker.subscriber("ops.>", stream=JStream("ops", declare=False))
    async def on_event(message: Message) -> None:
        subjects.append(message.raw_message.subject)

    publishers = EventPublishers(broker, "c")
    async with TestNatsBroker(broker):
        for row in CATALOG:
            names = {name: name for name in fields(row.subject) if name != "cluster"}
            payload = payloads.Controller(kind="x") if row.channel == "Controller" else row.payload()
            await publishers.publish(row.channel, payload, names)
    assert len(subjects) == len(CATALOG)
    assert all(subject.startswith("ops.") and "{" not in subject for subject in subjects)
