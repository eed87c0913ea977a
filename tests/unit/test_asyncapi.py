from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from faststream.nats import NatsBroker
from pydantic_core import to_json

from app.asyncapi import EventCatalog
from app.events import subject
from app.events.catalog import CATALOG, DEFAULT_TYPE, FIELDS, EventType


def broker_of(url: str = "nats://nats.example.internal:4222") -> NatsBroker:
    broker = NatsBroker(url)
    for row in CATALOG:
        broker.publisher(row.subject, stream="ops", schema=row.event, title=row.channel, description=row.description)
    return broker


def catalog(broker: NatsBroker | None = None) -> EventCatalog:
    factory = EventCatalog(title="Ops events", version="1.2.3")
    factory.add_broker(broker or broker_of())
    return factory


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    generated: dict[str, Any] = catalog().to_specification().to_jsonable()
    return generated


each_row = pytest.mark.parametrize("row", CATALOG, ids=lambda row: row.channel)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def resolve(document: dict[str, Any], reference: str) -> Any:
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def message(document: dict[str, Any], row: EventType[Any]) -> dict[str, Any]:
    [reference] = document["channels"][row.channel]["messages"].values()
    found: dict[str, Any] = resolve(document, reference["$ref"])
    return found


def example(document: dict[str, Any], row: EventType[Any]) -> dict[str, Any]:
    [found] = message(document, row)["examples"]
    payload: dict[str, Any] = found["payload"]
    return payload


def test_there_is_a_channel_for_each_row_of_the_catalog_in_its_order(document: dict[str, Any]) -> None:
    assert list(document["channels"]) == [row.channel for row in CATALOG]


def test_rows_that_share_an_address_have_channels_of_their_own(document: dict[str, Any]) -> None:
    addresses = {document["channels"][name]["address"] for name in ("Webhook", "TaskRunReport", "Custom")}
    assert addresses == {"ops.clusters.{cluster}.namespaces.{namespace}.{event}"}


@each_row
def test_each_field_of_a_subject_is_a_described_parameter_with_an_example(
    document: dict[str, Any], row: EventType[Any]
) -> None:
    channel = document["channels"][row.channel]
    assert channel["address"] == row.subject
    assert list(channel["parameters"]) == list(subject.fields(row.subject))
    for field, parameter in channel["parameters"].items():
        assert parameter["description"] == FIELDS[field]
        [example] = parameter["examples"]
        names = map(subject.decode, example.split(".")) if field == subject.TOKENS else [subject.decode(example)]
        assert subject.join(*names) == example


def test_the_observations_are_listed(document: dict[str, Any]) -> None:
    assert document["channels"]["Kube"]["parameters"]["observation"]["enum"] == list(subject.OBSERVATIONS)


@each_row
def test_an_example_is_an_event_of_its_type(document: dict[str, Any], row: EventType[Any]) -> None:
    event = row.event.model_validate_json(to_json(example(document, row)))
    assert event.type == row.ce_type
    assert event.time is not None
    assert isinstance(event.data, row.payload)


@each_row
def test_an_example_shows_fields_of_its_payload(document: dict[str, Any], row: EventType[Any]) -> None:
    data = example(document, row)["data"]
    names = {field.alias or name for name, field in row.payload.model_fields.items()}
    assert data
    assert set(data) <= names or row.payload.model_config.get("extra") == "allow"


@each_row
def test_the_subject_of_an_example_is_seen_by_the_filter_of_its_channel(
    document: dict[str, Any], row: EventType[Any]
) -> None:
    assert subject.matches(subject.as_filter(row.subject), example(document, row)["subject"])
    assert f"`{subject.as_filter(row.subject)}`" in document["channels"][row.channel]["description"]


@each_row
def test_the_subject_of_an_example_is_made_of_the_examples_of_the_parameters(
    document: dict[str, Any], row: EventType[Any]
) -> None:
    parameters = document["channels"][row.channel]["parameters"]
    tokens = {field: parameter["examples"][0] for field, parameter in parameters.items()}
    assert example(document, row)["subject"] == row.subject.format_map(tokens)


def test_the_filter_of_a_posted_event_sees_events_of_several_tokens() -> None:
    [row] = [row for row in CATALOG if row.channel == "Custom"]
    assert subject.matches(subject.as_filter(row.subject), "ops.clusters.c.namespaces.n.alerts.disk.full")


@each_row
def test_a_message_names_its_content_type_and_shows_its_headers(document: dict[str, Any], row: EventType[Any]) -> None:
    found = message(document, row)
    assert found["contentType"] == "application/cloudevents+json"
    assert found["summary"] == row.description
    assert found["examples"][0]["headers"]["Nats-Msg-Id"] == example(document, row)["id"]


@each_row
def test_a_message_leads_to_the_schema_of_its_payload(document: dict[str, Any], row: EventType[Any]) -> None:
    envelope = resolve(document, message(document, row)["payload"]["$ref"])
    assert envelope["title"] == f"{row.payload.__name__}Event"
    data = resolve(document, envelope["properties"]["data"]["$ref"])
    names = {field.alias or name for name, field in row.payload.model_fields.items()}
    assert set(data["properties"]) == names


@each_row
def test_the_type_is_a_constant_but_for_custom_events(document: dict[str, Any], row: EventType[Any]) -> None:
    envelope = resolve(document, message(document, row)["payload"]["$ref"])
    expected = None if row.ce_type == DEFAULT_TYPE else row.ce_type
    assert envelope["properties"]["type"].get("const") == expected


def test_each_event_type_is_described_once(document: dict[str, Any]) -> None:
    events = [name for name in document["components"]["schemas"] if name.endswith("Event")]
    assert len(events) == len({row.payload for row in CATALOG})


def test_each_operation_sends_the_message_of_its_channel(document: dict[str, Any]) -> None:
    channels = [resolve(document, operation["channel"]["$ref"]) for operation in document["operations"].values()]
    assert [channel["title"] for channel in channels] == [row.channel for row in CATALOG]
    assert {operation["action"] for operation in document["operations"].values()} == {"send"}


def test_each_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(document) if "$ref" in node}
    assert references
    for reference in references:
        resolve(document, reference)


def test_schemas_have_names_that_people_can_read(document: dict[str, Any]) -> None:
    assert all(name.isidentifier() for name in document["components"]["schemas"])


def test_what_is_never_sent_is_not_in_a_schema(document: dict[str, Any]) -> None:
    assert {"type": "null"} not in list(nodes(document["components"]["schemas"]))


def test_a_field_called_title_is_kept(document: dict[str, Any]) -> None:
    assert "title" in document["components"]["schemas"]["Notification"]["properties"]


def test_two_generations_are_equal_to_the_byte() -> None:
    factory = catalog()
    assert factory.to_specification().to_json() == factory.to_specification().to_json()
    assert factory.to_specification().to_json() == catalog().to_specification().to_json()


def test_a_password_in_the_address_of_the_server_is_not_told() -> None:
    generated = catalog(broker_of("nats://user:hunter2@nats.example.internal:4222")).to_specification().to_jsonable()
    assert "hunter2" not in str(generated)
    assert generated["servers"]["nats"]["host"] == "nats.example.internal:4222"


def test_the_server_says_how_to_log_in(document: dict[str, Any]) -> None:
    schemes = [resolve(document, need["$ref"])["type"] for need in document["servers"]["nats"]["security"]]
    assert schemes == ["userPassword", "asymmetricEncryption"]


def test_what_the_program_reads_for_itself_is_not_described() -> None:
    broker = broker_of()

    @broker.subscriber("ops.>")
    async def matcher(body: bytes) -> None: ...

    assert list(catalog(broker).to_specification().to_jsonable()["channels"]) == [row.channel for row in CATALOG]


def test_the_description_says_how_to_subscribe(document: dict[str, Any]) -> None:
    description = document["info"]["description"]
    for part in ("durable", "`ops.clusters.*.nodes.*.events`", "`ops.clusters.*.namespaces.*.*.*.events`", "24 hours"):
        assert part in description
    assert document["info"]["version"] == "1.2.3"
    assert document["info"]["contact"]["url"]


def test_each_filter_in_the_description_is_one_that_nats_takes(document: dict[str, Any]) -> None:
    rows = [line for line in document["info"]["description"].splitlines() if line.startswith("| `")]
    assert len(rows) > 3
    for row in rows:
        subject.validate_filter(row.split("`")[1])
