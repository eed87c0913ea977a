"""What the tests of translations share: samples of a real API server, and objects in which anything may be anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from app.events import cloudevent
from app.events.catalog import EventType, P
from app.events.cloudevent import CloudEvent
from app.events.compose import Attributes, compose
from app.events.payloads import Payload
from app.sources.kubernetes.events import Observation, observation_of
from app.sources.kubernetes.resources import STATUS_KINDS
from tests.unit.events.examples import DATA, any_text, json_values, kubernetes

EVENTS: list[dict[str, Any]] = kubernetes("events-list.json")["items"]
WATCHED: list[dict[str, Any]] = [
    json.loads(line) for line in (DATA / "kubernetes" / "events-watch.jsonl").read_text().splitlines()
]

HOST = "hosts-node-a.example.internal.json"
CLUSTER = "clusters-prod-1.json"
TASK_RUN = "taskruns-alert-evicted-pods-7hk2m.json"
PIPELINE_RUN = "pipelineruns-nightly-x9q4z.json"
RESOURCES = (HOST, CLUSTER, TASK_RUN, PIPELINE_RUN)

anything = json_values | any_text


def with_fields(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these fields, each as it should be or anything at all."""
    return st.fixed_dictionaries({}, optional={name: right | anything for name, right in known.items()})


def an_event(**fields: Any) -> dict[str, Any]:
    """An event about a pod, seen when it was created, with other fields."""
    metadata = {"uid": "u-1", "resourceVersion": "7", "creationTimestamp": "2026-11-23T05:10:16Z"}
    return {"metadata": metadata, "regarding": {"kind": "Pod", "namespace": "default", "name": "web-0"}, **fields}


def observed(event: dict[str, Any]) -> Observation:
    found = observation_of(event)
    assert found is not None
    return found


def data(payload: Payload) -> dict[str, Any]:
    """A payload as it is read from the wire."""
    found: dict[str, Any] = json.loads(cloudevent.compact_json(payload))
    return found


def payload_of(resource: dict[str, Any], kind: str = "") -> Payload:
    """What the status of a custom resource becomes, read as one of a kind."""
    return STATUS_KINDS[kind or resource["kind"]].payload(resource, "default")


def read(resource: dict[str, Any], kind: str = "") -> dict[str, Any]:
    """The same as it is read from the wire."""
    return data(payload_of(resource, kind))


def changed(sample: str, part: str, **fields: Any) -> dict[str, Any]:
    """A sample with other fields in its `spec` or `status`."""
    resource = kubernetes(sample)
    return {**resource, part: {**resource[part], **fields}}


def published(row: EventType[P], names: Mapping[str, str], payload: P) -> CloudEvent[Any]:
    """The event as its readers get it. Raises where it has no legal subject, or cannot be written as JSON."""
    composed = compose(row, payload, names, Attributes("default"))
    return cloudevent.read(composed.payload, composed.headers)


def subject_of(row: EventType[P], names: Mapping[str, str], payload: P) -> str:
    """Where it is published."""
    found = published(row, names, payload).subject
    assert found is not None
    return found
