"""What the status of custom resources becomes; hostile ones are in `test_kubernetes_hostile_resources.py`."""

from __future__ import annotations

import json

import pytest

from app.events import cloudevent
from app.sources.kubernetes.resources import STATUS_KINDS, status_digest
from tests.unit.events.examples import kubernetes, wire
from tests.unit.sources.objects import (
    CLUSTER,
    HOST,
    PIPELINE_RUN,
    RESOURCES,
    TASK_RUN,
    changed,
    payload_of,
    published,
    read,
)

SECRETS = ("c2VjcmV0", "a3ViZWNvbmZpZw==", "c2VjcmV0LXRva2Vu")

KINDS = pytest.mark.parametrize("kind", STATUS_KINDS)
SAMPLES = pytest.mark.parametrize("name", RESOURCES)


# --- The samples -----------------------------------------------------------------------------------------------------


def test_a_host_is_its_address_and_everything_that_was_measured() -> None:
    host = kubernetes(HOST)

    assert read(host) == {
        "cluster": "default",
        "address": "10.0.0.11",
        "port": 22,
        "username": "root",
        "status": host["status"],
    }


def test_a_cluster_is_its_server_and_everything_that_was_measured() -> None:
    cluster = kubernetes(CLUSTER)

    assert read(cluster) == {"cluster": "default", "server": "https://10.0.0.1:6443", "status": cluster["status"]}


def test_a_task_run_lists_its_nodes_by_name() -> None:
    assert read(kubernetes(TASK_RUN)) == {
        "cluster": "default",
        "taskRef": "alert-evicted-pods",
        "desc": "clean evicted pods",
        "variables": {"host": "node-a", "threshold": "10"},
        "runStatus": "Failed",
        "startTime": "2026-11-23T04:49:26Z",
        "taskRunNodeStatus": [
            {
                "nodeName": "node-a",
                "runStatus": "Successed",
                "taskRunStep": [{"stepName": "count", "stepOutput": "12\n", "stepStatus": "Successed"}],
            },
            {
                "nodeName": "node-b",
                "runStatus": "Failed",
                "taskRunStep": [
                    {
                        "stepName": "count",
                        "stepOutput": "ssh: connect to host 10.0.0.12 port 22: Connection refused",
                        "stepStatus": "Failed",
                    }
                ],
            },
        ],
    }


def test_a_pipeline_run_lists_its_tasks_and_their_nodes() -> None:
    steps = [{"stepName": "df", "stepOutput": "31%\n", "stepStatus": "Successed"}]
    nodes = [{"nodeName": "node-a", "runStatus": "Successed", "taskRunStep": steps}]

    assert read(kubernetes(PIPELINE_RUN)) == {
        "cluster": "default",
        "pipelineRef": "nightly",
        "desc": "nightly checks",
        "variables": {"TIME": "1795409366582186"},
        "runStatus": "Successed",
        "startTime": "2026-11-23T01:00:00Z",
        "pipelineRunStatus": [
            {
                "taskName": "disk",
                "taskRef": "check-disk",
                "taskRunStatus": {"runStatus": "Successed", "taskRunNodeStatus": nodes},
            }
        ],
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (HOST, "hosts.node-a_example_internal"),
        (CLUSTER, "clusters.prod-1"),
        (TASK_RUN, "taskruns.alert-evicted-pods-7hk2m"),
        (PIPELINE_RUN, "pipelineruns.nightly-x9q4z"),
    ],
)
def test_a_status_goes_to_the_subject_of_its_resource(name: str, expected: str) -> None:
    resource = kubernetes(name)
    kind = STATUS_KINDS[resource["kind"]]
    event = published(kind.row, kind.names(resource), payload_of(resource))

    assert event.subject == f"ops.clusters.default.namespaces.ops-system.{expected}.status"
    assert event.type == resource["kind"]


@SAMPLES
def test_no_secret_of_the_samples_is_in_a_payload(name: str) -> None:
    written = cloudevent.compact_json(payload_of(kubernetes(name))).decode()

    assert not [secret for secret in SECRETS if secret in written]


@SAMPLES
@KINDS
def test_no_secret_of_a_spec_is_in_a_payload_of_any_kind(name: str, kind: str) -> None:
    resource = changed(name, "spec", config=SECRETS[1], token=SECRETS[2], password=SECRETS[0], privatekey=SECRETS[0])
    written = cloudevent.compact_json(payload_of(resource, kind)).decode()

    assert not [secret for secret in SECRETS if secret in written]


# --- What the earlier system wrote -----------------------------------------------------------------------------------


def test_measured_values_are_kept_as_controllers_write_them_white_space_included() -> None:
    written = json.loads(wire("nats-host-status.body.json"))["data"]
    host = {"kind": "Host", "spec": {**written, "password": "c2VjcmV0"}, "status": written["status"]}

    assert read(host) == {"cluster": "default", **written}


def test_a_task_run_of_the_earlier_system_differs_only_in_the_list_of_nodes() -> None:
    written = json.loads(wire("nats-taskrun-status-typed.body.json"))["data"]
    run = {"kind": "TaskRun", "spec": written, "status": written}
    nodes = [{"nodeName": name, **node} for name, node in written.pop("taskrunNodeStatus").items()]
    run["status"] = {**written, "taskrunNodeStatus": {node["nodeName"]: node for node in nodes}}
    found = read(run)

    assert found.pop("taskRunNodeStatus") == [
        {name: value for name, value in node.items() if name != "startTime"} for node in nodes
    ]
    assert found == {"cluster": "default", **written}


@pytest.mark.parametrize(
    ("server", "shown"),
    [
        ("https://admin:s3cr3t@10.0.0.1:6443", "https://***@10.0.0.1:6443"),
        ("https://t0k3n@10.0.0.1:6443/k8s/clusters/c-1", "https://***@10.0.0.1:6443/k8s/clusters/c-1"),
        ("https://a@b:p@ss@10.0.0.1", "https://***@10.0.0.1"),
        ("10.0.0.1:6443", "10.0.0.1:6443"),
    ],
)
def test_the_server_of_a_cluster_is_shown_without_its_user(server: str, shown: str) -> None:
    assert read(changed(CLUSTER, "spec", server=server))["server"] == shown


# --- Whether the status changed --------------------------------------------------------------------------------------


@SAMPLES
def test_the_digest_is_of_the_status_and_of_nothing_else(name: str) -> None:
    resource = kubernetes(name)
    touched = {**resource, "metadata": {"resourceVersion": "999"}, "spec": {}}
    other_order = {**resource, "status": dict(reversed(resource["status"].items()))}

    assert status_digest(touched) == status_digest(other_order) == status_digest(resource)
    assert status_digest(changed(name, "status", heartTime="2026-11-23T05:00:00Z")) != status_digest(resource)


@pytest.mark.parametrize("status", [None, {}, [], ""])
def test_an_object_without_a_status_has_no_digest(status: object) -> None:
    assert status_digest({"status": status}) == status_digest({}) == ""
