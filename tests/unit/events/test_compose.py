"""An event that code publishes: row, payload and names become subject, bytes and headers."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from uuid import UUID

import pytest

from app.events import catalog, cloudevent, payloads
from app.events.catalog import CATALOG, EventType
from app.events.compose import Attributes, Extension, compose
from app.events.subject import InvalidSubjectError, matches

HOST = {"namespace": "ops-system", "host": "node-a.example.internal"}
REPORT = payloads.TaskRunReport(kind="disk", value="91%")
IN_PARIS = dt.timezone(dt.timedelta(hours=1))


def event_of(
    payload: payloads.Host | None = None,
    *,
    event_id: str | None = None,
    time: dt.datetime | None = None,
    extensions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a Host event says on the wire."""
    attributes = Attributes("prod", event_id, time, extensions)
    composed = compose(catalog.HOST, payload or payloads.Host(), HOST, attributes)
    event: dict[str, Any] = json.loads(composed.payload)
    return event


def report(event: str) -> str:
    """The subject of a finding."""
    return compose(
        catalog.TASK_RUN_REPORT, REPORT, {"namespace": "ops-system", "event": event}, Attributes("prod")
    ).subject


def test_an_event_is_a_cloudevent_of_its_row() -> None:
    time = dt.datetime(2026, 11, 23, 4, 50, 41, tzinfo=dt.UTC)
    host = payloads.Host(address="10.0.0.11", status=payloads.HostStatus(disk_usage_percent="31%"))
    composed = compose(catalog.HOST, host, HOST, Attributes("prod", "known", time, {"deleted": True}))

    assert composed.id == "known"
    assert composed.subject == "ops.clusters.prod.namespaces.ops-system.hosts.node-a_example_internal.status"
    assert composed.headers == {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": "known"}
    assert json.loads(composed.payload) == {
        "specversion": "1.0",
        "id": "known",
        "source": cloudevent.SOURCE,
        "type": "Host",
        "subject": composed.subject,
        "datacontenttype": "application/json",
        "time": "2026-11-23T04:50:41Z",
        "cluster": "prod",
        "deleted": True,
        "data": {"cluster": "prod", "address": "10.0.0.11", "status": {"diskUsagePercent": "31%"}},
    }


@pytest.mark.parametrize("row", CATALOG, ids=lambda row: row.channel)
def test_every_row_can_be_composed_and_is_read_again(row: EventType[Any]) -> None:
    payload = payloads.Controller(kind="Hosts") if row is catalog.CONTROLLER else row.payload()
    composed = compose(row, payload, {name: f"a.{name}" for name in row.names}, Attributes("prod"))
    event = cloudevent.read(composed.payload, composed.headers)

    assert (event.type, event.id, event.subject) == (row.ce_type, composed.id, composed.subject)


def test_an_id_is_random_where_none_is_given() -> None:
    first, second = event_of()["id"], event_of()["id"]

    assert UUID(first) != UUID(second)


@pytest.mark.parametrize("event_id", ["", " x", "x ", "x\r\nNats-Rollup: all", "x\ty", "\ud800", "x" * 256])
def test_an_id_that_a_header_would_not_carry_unchanged_is_refused(event_id: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        event_of(event_id=event_id)


@pytest.mark.parametrize("event_id", ["x", "a b", "tâche/7", "x" * 255])
def test_an_id_of_ones_own_is_kept(event_id: str) -> None:
    assert event_of(event_id=event_id)["id"] == event_id


def test_a_time_is_written_in_utc() -> None:
    assert event_of(time=dt.datetime(2026, 11, 23, 5, 50, 41, tzinfo=IN_PARIS))["time"] == "2026-11-23T04:50:41Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        event_of(time=dt.datetime(2026, 11, 23, 5, 50, 41))  # noqa: DTZ001 -- the point of the test


def test_an_event_without_a_time_happened_now() -> None:
    before = cloudevent.now()
    time = dt.datetime.fromisoformat(event_of()["time"])

    assert before <= time <= cloudevent.now()


def test_the_cluster_is_filled_in_where_the_payload_leaves_it_out() -> None:
    assert event_of(payloads.Host())["data"]["cluster"] == "prod"


def test_a_cluster_that_the_payload_says_is_kept() -> None:
    event = event_of(payloads.Host(cluster="edge"))

    assert (event["cluster"], event["data"]["cluster"]) == ("prod", "edge")


def test_the_payload_that_was_given_is_not_touched() -> None:
    host = payloads.Host()
    event_of(host)

    assert host.cluster is None


def test_a_custom_object_stays_as_it_is() -> None:
    custom = payloads.Custom.model_validate({"message": "hello", "note": None})
    composed = compose(catalog.CUSTOM, custom, {"namespace": "n", "event": "hello"}, Attributes("prod"))

    assert json.loads(composed.payload)["data"] == {"message": "hello", "note": None}


@pytest.mark.parametrize(("named", "type_"), [("Deployed", "Deployed"), ("", "Default"), (7, "Default")])
def test_a_custom_event_names_its_type_itself(named: object, type_: str) -> None:
    custom = payloads.Custom(type=named)
    composed = compose(catalog.CUSTOM, custom, {"namespace": "n", "event": "deployed"}, Attributes("prod"))

    assert json.loads(composed.payload)["type"] == type_


@pytest.mark.parametrize(
    ("name", "value"), [("deleted", True), ("attempt", -(2**31)), ("a1", "text"), ("x" * 20, ""), ("7", 2**31 - 1)]
)
def test_an_extension_attribute_goes_into_the_envelope(name: str, value: Extension) -> None:
    event = event_of(extensions={name: value})

    assert event[name] == value
    assert type(event[name]) is type(value)


@pytest.mark.parametrize("name", ["", "Deleted", "is_deleted", "a-b", "x" * 21, "é", "a\n"])
def test_an_extension_attribute_with_a_name_of_other_characters_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters and digits"):
        event_of(extensions={name: "x"})


@pytest.mark.parametrize(
    "name",
    ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "cluster"],
)
def test_no_extension_attribute_takes_the_place_of_another(name: str) -> None:
    with pytest.raises(ValueError, match="no extension"):
        event_of(extensions={name: "x"})


@pytest.mark.parametrize("value", [None, 1.0, 2**31, -(2**31) - 1, ["x"], {"x": 1}])
def test_an_extension_attribute_of_a_type_that_cloudevents_lacks_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a text, a boolean or"):
        event_of(extensions={"x": value})


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ({"host": "h"}, "needs the names namespace, host: namespace is missing"),
        ({}, "namespace is missing, host is missing"),
        ({**HOST, "node": "h"}, "needs the names namespace, host: node is unknown"),
        ({"namespace": "n", "hots": "h"}, "host is missing, hots is unknown"),
        ({**HOST, "cluster": "c"}, "cluster is unknown"),
    ],
)
def test_names_that_are_missing_or_unknown_are_told(names: dict[str, str], complaint: str) -> None:
    with pytest.raises(InvalidSubjectError, match=complaint):
        compose(catalog.HOST, payloads.Host(), names, Attributes("prod"))


def test_a_payload_of_another_row_is_refused() -> None:
    with pytest.raises(TypeError, match="a Host event carries a Host, not a Cluster"):
        compose(catalog.HOST, payloads.Cluster(), HOST, Attributes("prod"))  # type: ignore[misc]  # mypy sees it too


def test_a_finding_about_an_object_goes_to_the_standard_subject() -> None:
    where = report("hosts.node-a.findings")

    assert where == "ops.clusters.prod.namespaces.ops-system.hosts.node-a.findings"
    assert matches("ops.clusters.*.namespaces.*.*.*.findings", where)


@pytest.mark.parametrize(
    "event", ["", ".", "a..b", "a.", ".a", "a b", "*.findings", "hosts.>", "a\r\nPUB b", "x" * 1024]
)
def test_tokens_that_no_subject_can_have_are_refused(event: str) -> None:
    with pytest.raises(InvalidSubjectError):
        report(event)
