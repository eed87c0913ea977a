"""What the status of a custom resource becomes: the payloads of Host, Cluster, TaskRun and PipelineRun. Pure.

`status_follower.py` publishes them when `status_digest` says that the status is another one. Values are kept as the
controllers write them, white space at their ends included. What has the wrong type is left out, and what can be read
all the same is converted, so that no event is lost for one bad field.

A payload holds the fields of its model and no others, so nothing of a spec is published by accident; what runs were
given and have printed is cleaned of secrets by `redaction.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.events import payloads
from app.events.catalog import CLUSTER, HOST, PIPELINE_RUN, TASK_RUN, EventType
from app.sources.kubernetes import fields
from app.sources.kubernetes.change import Object
from app.sources.kubernetes.names import fitting
from app.sources.kubernetes.redaction import Redaction, without_user

_READ: Final[Mapping[Any, Callable[[object], object]]] = {str | None: fields.spelled, int | None: fields.whole}


@dataclass(frozen=True, slots=True)
class StatusKind:
    """A kind of custom resource whose status is published."""

    row: EventType[Any]
    payload: Callable[[Object, str], payloads.ClusterPayload]  # of an object, and the name of this cluster

    def names(self, resource: Object) -> dict[str, str]:
        """The names of an object for the row's subject template, without `cluster`."""
        metadata = fields.table(resource.get("metadata"))
        named = (fitting(fields.text(metadata.get(key)) or "") for key in ("namespace", "name"))
        return dict(zip(self.row.names, named, strict=True))


def status_digest(resource: Object) -> str:
    """Tells one status from another, whatever else of the object has changed; empty where there is none."""
    status = resource.get("status")
    if not status:
        return ""
    canonical = json.dumps(status, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def _host(resource: Object, cluster: str) -> payloads.Host:
    spec, status = _parts(resource)
    measured = payloads.HostStatus.model_validate(_read(payloads.HostStatus, status))
    return payloads.Host(
        cluster=cluster,
        address=fields.spelled(spec.get("address")),
        port=fields.whole(spec.get("port")),
        username=fields.spelled(spec.get("username")),
        status=measured,
    )


def _cluster(resource: Object, cluster: str) -> payloads.Cluster:
    spec, status = _parts(resource)
    server = fields.spelled(spec.get("server"))
    measured = payloads.ClusterStatus.model_validate(_read(payloads.ClusterStatus, status))
    return payloads.Cluster(cluster=cluster, server=server and without_user(server), status=measured)


def _task_run(resource: Object, cluster: str) -> payloads.TaskRun:
    spec, status = _parts(resource)
    redaction = Redaction(_variables(spec))
    return payloads.TaskRun(
        cluster=cluster,
        task_ref=fields.spelled(spec.get("taskRef")),
        desc=_clean(spec.get("desc"), redaction),
        variables=redaction.variables(),
        run_status=fields.spelled(status.get("runStatus")),
        start_time=fields.spelled(status.get("startTime")),
        task_run_node_status=_nodes(status, redaction),
    )


def _pipeline_run(resource: Object, cluster: str) -> payloads.PipelineRun:
    spec, status = _parts(resource)
    redaction = Redaction(_variables(spec))
    return payloads.PipelineRun(
        cluster=cluster,
        pipeline_ref=fields.spelled(spec.get("pipelineRef")),
        desc=_clean(spec.get("desc"), redaction),
        variables=redaction.variables(),
        run_status=fields.spelled(status.get("runStatus")),
        start_time=fields.spelled(status.get("startTime")),
        pipeline_run_status=[
            _pipeline_task(fields.table(task), redaction) for task in fields.items(status.get("pipelineRunStatus"))
        ],
    )


def _pipeline_task(task: Mapping[str, Any], redaction: Redaction) -> payloads.PipelineTask:
    run = fields.table(task.get("taskRunStatus"))
    return payloads.PipelineTask(
        task_name=fields.spelled(task.get("name")),
        task_ref=fields.spelled(task.get("taskRef")),
        task_run_status=payloads.PipelineTaskStatus(
            run_status=fields.spelled(run.get("runStatus")), task_run_node_status=_nodes(run, redaction)
        ),
    )


def _nodes(run: Mapping[str, Any], redaction: Redaction) -> list[payloads.TaskRunNodeStatus]:
    """The resource keeps them as a map by node name."""
    by_name = fields.table(run.get("taskrunNodeStatus"))
    return [_node(name, fields.table(node), redaction) for name, node in by_name.items()]


def _node(name: str, node: Mapping[str, Any], redaction: Redaction) -> payloads.TaskRunNodeStatus:
    return payloads.TaskRunNodeStatus(
        node_name=fields.text(name),
        run_status=fields.spelled(node.get("runStatus")),
        task_run_step=[_step(fields.table(step), redaction) for step in fields.items(node.get("taskRunStep"))],
    )


def _step(step: Mapping[str, Any], redaction: Redaction) -> payloads.TaskRunStep:
    return payloads.TaskRunStep(
        step_name=fields.spelled(step.get("stepName")),
        step_content=_clean(step.get("stepContent"), redaction),
        step_output=_clean(step.get("stepOutput"), redaction),
        step_status=fields.spelled(step.get("stepStatus")),
    )


def _parts(resource: Object) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return fields.table(resource.get("spec")), fields.table(resource.get("status"))


def _read(model: type[payloads.Payload], source: Mapping[str, Any]) -> dict[str, object]:
    """What a map holds of a flat model's fields, under their names on the wire."""
    known = ((field.alias or name, _READ[field.annotation]) for name, field in model.model_fields.items())
    return {name: read(source.get(name)) for name, read in known}


def _variables(spec: Mapping[str, Any]) -> dict[str, str]:
    read = ((fields.text(name), fields.spelled(value)) for name, value in fields.table(spec.get("variables")).items())
    return {name: value for name, value in read if name is not None and value is not None}


def _clean(value: object, redaction: Redaction) -> str | None:
    found = fields.spelled(value)
    return None if found is None else redaction.text(found)


# By the kind of the resource. `Task` and `Pipeline` are definitions: they have no status to tell of.
STATUS_KINDS: Final[Mapping[str, StatusKind]] = {
    "Host": StatusKind(HOST, _host),
    "Cluster": StatusKind(CLUSTER, _cluster),
    "TaskRun": StatusKind(TASK_RUN, _task_run),
    "PipelineRun": StatusKind(PIPELINE_RUN, _pipeline_run),
}
