"""What each event type carries: the contract's names, and no place for a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from app.events import cloudevent, payloads
from app.events.catalog import CATALOG, FIELDS, EventType
from app.events.cloudevent import CloudEvent
from app.events.subject import OBSERVATIONS, as_filter, fields, validate_filter
from tests.unit.events.contract import EXAMPLES, FIXED
from tests.unit.events.examples import kubernetes

ROWS = pytest.mark.parametrize("row", CATALOG, ids=lambda row: row.channel)
MODELS = {row.ce_type: row.payload for row in CATALOG}
SECRET = re.compile(r"passw|secret|token|key|kubeconfig|config|credential|private|certificate", re.IGNORECASE)
SECRETS = ("c2VjcmV0", "c2VjcmV0LXRva2Vu", "a3ViZWNvbmZpZw==", "host-secret")


def model_within(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, itself or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(model_within, get_args(annotation))), None)


def shape(model: type[BaseModel]) -> dict[str, Any]:
    """The names of a model's fields on the wire, nested models included."""
    return {
        field.alias or name: shape(inner) if (inner := model_within(field.annotation)) else None
        for name, field in model.model_fields.items()
    }


def shape_of(example: dict[str, Any]) -> dict[str, Any]:
    """The names in an example. `variables` is a map: its keys are no fields."""

    def inner(name: str, value: Any) -> Any:
        found = value[0] if isinstance(value, list) else value
        return shape_of(found) if isinstance(found, dict) and name != "variables" else None

    return {name: inner(name, value) for name, value in example.items()}


def names_in(model: type[BaseModel]) -> Iterator[str]:
    def walk(tree: dict[str, Any]) -> Iterator[str]:
        for name, below in tree.items():
            yield name
            yield from walk(below or {})

    return walk(shape(model))


def dumped(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


@ROWS
def test_every_payload_round_trips_by_its_names_on_the_wire(row: EventType[Any]) -> None:
    example = EXAMPLES[row.ce_type]
    event = row.event(id="1", type=row.ce_type, data=row.payload.model_validate(example))
    written = json.loads(cloudevent.encode(event))["data"]

    assert written == example
    assert row.payload.model_validate(written) == event.data
    assert row.event.model_validate_json(cloudevent.encode(event)) == event


@pytest.mark.parametrize("ce_type", sorted(FIXED))
def test_field_names_are_exactly_the_contracts(ce_type: str) -> None:
    assert shape(MODELS[ce_type]) == shape_of(FIXED[ce_type])


@pytest.mark.parametrize("ce_type", sorted(set(MODELS) - {"Notification", "Default"}))
def test_data_says_which_cluster_it_came_from(ce_type: str) -> None:
    assert "cluster" in shape(MODELS[ce_type])


def test_every_type_of_the_contract_is_in_the_catalog() -> None:
    named = "Controller Host Cluster Task TaskRun Pipeline PipelineRun Kube Webhook TaskRunReport Notification Default"

    assert set(MODELS) == set(named.split()) == set(EXAMPLES)


@ROWS
def test_no_payload_has_a_field_for_a_secret(row: EventType[Any]) -> None:
    assert [name for name in names_in(row.payload) if SECRET.search(name)] == []


@pytest.mark.parametrize(
    ("model", "sample"),
    [
        (payloads.Host, "hosts-node-a.example.internal.json"),
        (payloads.Cluster, "clusters-prod-1.json"),
    ],
)
def test_the_secrets_of_a_resource_are_dropped_and_its_status_is_kept(
    model: type[payloads.ClusterPayload], sample: str
) -> None:
    resource = kubernetes(sample)
    kept = dumped(model.model_validate({**resource["spec"], "status": resource["status"]}))

    assert kept["status"] == resource["status"]
    assert not any(secret in json.dumps(kept) for secret in SECRETS)
    assert not any(SECRET.search(name) for name in kept)


def test_the_address_of_a_host_is_kept() -> None:
    host = payloads.Host.model_validate(kubernetes("hosts-node-a.example.internal.json")["spec"])

    assert (host.address, host.port, host.username) == ("10.0.0.11", 22, "root")


def test_the_server_of_a_cluster_is_kept() -> None:
    cluster = payloads.Cluster.model_validate(kubernetes("clusters-prod-1.json")["spec"])

    assert cluster.server == "https://10.0.0.1:6443"


def nodes_of(status: dict[str, Any]) -> list[dict[str, Any]]:
    """The map of the resource as the list of the contract; a node's start time has no place in it."""
    return [
        {"nodeName": name, **{key: value for key, value in node.items() if key != "startTime"}}
        for name, node in status["taskrunNodeStatus"].items()
    ]


def test_a_task_runs_fields_fit() -> None:
    resource = kubernetes("taskruns-alert-evicted-pods-7hk2m.json")
    status = resource["status"]
    expected = {
        **resource["spec"],
        "runStatus": "Failed",
        "startTime": "2026-11-23T04:49:26Z",
        "taskRunNodeStatus": nodes_of(status),
    }

    assert dumped(payloads.TaskRun.model_validate(expected)) == expected


def test_a_pipeline_runs_fields_fit() -> None:
    resource = kubernetes("pipelineruns-nightly-x9q4z.json")
    (task,) = resource["status"]["pipelineRunStatus"]
    run = task["taskRunStatus"]
    expected = {
        **resource["spec"],
        "runStatus": "Successed",
        "startTime": "2026-11-23T01:00:00Z",
        "pipelineRunStatus": [
            {
                "taskName": task["name"],
                "taskRef": task["taskRef"],
                "taskRunStatus": {"runStatus": run["runStatus"], "taskRunNodeStatus": nodes_of(run)},
            }
        ],
    }

    assert dumped(payloads.PipelineRun.model_validate(expected)) == expected


def test_a_notification_keeps_what_else_its_caller_sends() -> None:
    sent = {**EXAMPLES["Notification"], "labels": {"team": "a"}, "count": 3}

    assert dumped(payloads.Notification.model_validate(sent)) == sent


@pytest.mark.parametrize("model", [payloads.Custom, payloads.Notification])
def test_a_null_that_a_caller_sends_is_kept(model: type[BaseModel]) -> None:
    event = CloudEvent[Any](id="1", type="T", data=model.model_validate({"note": None, "message": "x"}))

    assert json.loads(cloudevent.encode(event))["data"] == {"note": None, "message": "x"}


def test_a_payload_is_written_in_code_in_snake_case() -> None:
    status = payloads.HostStatus(disk_usage_percent="31%", cpu_load1="2")

    assert dumped(status) == {"diskUsagePercent": "31%", "cpuLoad1": "2"}


def test_fields_of_a_payload_that_have_no_value_are_not_written() -> None:
    event = CloudEvent[Any](id="1", type="Cluster", data=payloads.Cluster(server="https://c"))

    assert json.loads(cloudevent.encode(event))["data"] == {"server": "https://c", "status": {}}


@ROWS
def test_every_subject_template_is_a_legal_filter_below_ops(row: EventType[Any]) -> None:
    assert validate_filter(as_filter(row.subject)).startswith("ops.")
    assert set(fields(row.subject)) <= set(FIELDS)


def test_channels_have_names_of_their_own() -> None:
    assert len({row.channel for row in CATALOG}) == len(CATALOG)


def test_every_field_that_is_explained_is_used() -> None:
    assert {field for row in CATALOG for field in fields(row.subject)} == set(FIELDS)


@pytest.mark.parametrize(
    ("channel", "template"),
    [
        ("Controller", "ops.clusters.*.namespaces.*.controllers.*.status"),
        ("Host", "ops.clusters.*.namespaces.*.hosts.*.status"),
        ("TaskRun", "ops.clusters.*.namespaces.*.taskruns.*.status"),
        ("Kube", "ops.clusters.*.namespaces.*.*.*.*"),
        ("KubeNode", "ops.clusters.*.nodes.*.*"),
        ("KubeClusterScoped", "ops.clusters.*.*.*.*"),
        ("Notification", "ops.notifications.providers.*.channels.*.severities.*"),
    ],
)
def test_subjects_have_the_contracts_form(channel: str, template: str) -> None:
    (row,) = (row for row in CATALOG if row.channel == channel)

    assert as_filter(row.subject) == template


def test_the_observations_are_the_contracts() -> None:
    assert OBSERVATIONS == ("status", "metrics", "logs", "events", "traces", "alerts", "findings")
