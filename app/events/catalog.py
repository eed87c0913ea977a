"""The catalog: which event types exist, what they carry and where they go.

Each row is a constant, generic in its payload, so that the type checker holds a payload against its row. `CATALOG` is
the whole table: the typed publishers (`sources/publish.py`), the AsyncAPI document and the documentation come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel

from app.events import payloads, subject
from app.events.cloudevent import CloudEvent

P = TypeVar("P", bound=BaseModel)

_NAMESPACED: Final = "ops.clusters.{cluster}.namespaces.{namespace}"
_CUSTOM: Final = f"{_NAMESPACED}.{{event}}"

DEFAULT_TYPE: Final = "Default"


@dataclass(frozen=True, slots=True)
class EventType(Generic[P]):
    """One row of the catalog."""

    channel: str  # the channel's name in the AsyncAPI document, unique
    ce_type: str  # the CloudEvents attribute `type`
    payload: type[P]
    subject: str  # a template: each {field} is one encoded name, but for {event}, which is one or more tokens
    description: str

    @property
    def event(self) -> type[CloudEvent[P]]:
        """The model of the whole event."""
        return CloudEvent[self.payload]  # type: ignore[name-defined]  # a type made at run time

    @property
    def names(self) -> tuple[str, ...]:
        """What who publishes has to name, in the order of the subject: its fields but for the cluster."""
        return tuple(field for field in subject.fields(self.subject) if field != "cluster")


def _status(name: str, payload: type[P], resource: str) -> EventType[P]:
    template = f"{_NAMESPACED}.{resource}s.{{{resource}}}.status"
    return EventType(name, name, payload, template, f"The status of a {name} resource changed.")


CONTROLLER: Final = EventType(
    "Controller",
    "Controller",
    payloads.Controller,
    f"{_NAMESPACED}.controllers.{{resource_type}}.status",
    "A watcher is ready.",
)
HOST: Final = _status("Host", payloads.Host, "host")
CLUSTER: Final = EventType(
    "Cluster",
    "Cluster",
    payloads.Cluster,
    f"{_NAMESPACED}.clusters.{{cluster_resource}}.status",
    "The status of a Cluster resource changed.",
)
TASK: Final = _status("Task", payloads.Task, "task")
TASK_RUN: Final = _status("TaskRun", payloads.TaskRun, "taskrun")
PIPELINE: Final = _status("Pipeline", payloads.Pipeline, "pipeline")
PIPELINE_RUN: Final = _status("PipelineRun", payloads.PipelineRun, "pipelinerun")
KUBE: Final = EventType(
    "Kube",
    "Kube",
    payloads.Kube,
    f"{_NAMESPACED}.{{resource_type}}.{{name}}.{{observation}}",
    "Kubernetes reported something about an object in a namespace.",
)
KUBE_NODE: Final = EventType(
    "KubeNode",
    "Kube",
    payloads.Kube,
    "ops.clusters.{cluster}.nodes.{node}.{observation}",
    "Kubernetes reported something about a node.",
)
KUBE_CLUSTER_SCOPED: Final = EventType(
    "KubeClusterScoped",
    "Kube",
    payloads.Kube,
    "ops.clusters.{cluster}.{resource_type}.{name}.{observation}",
    "Kubernetes reported something about another object without a namespace.",
)
WEBHOOK: Final = EventType("Webhook", "Webhook", payloads.Webhook, _CUSTOM, "A text to pass on.")
TASK_RUN_REPORT: Final = EventType(
    "TaskRunReport",
    "TaskRunReport",
    payloads.TaskRunReport,
    _CUSTOM,
    "A finding that a task run reports. About an object it goes to `{resourceType}.{resourceName}.findings`.",
)
NOTIFICATION: Final = EventType(
    "Notification",
    "Notification",
    payloads.Notification,
    "ops.notifications.providers.{provider}.channels.{channel}.severities.{severity}",
    "A message to people.",
)
CUSTOM: Final = EventType("Custom", DEFAULT_TYPE, payloads.Custom, _CUSTOM, "Any JSON object.")

CATALOG: Final[tuple[EventType[Any], ...]] = (
    CONTROLLER,
    HOST,
    CLUSTER,
    TASK,
    TASK_RUN,
    PIPELINE,
    PIPELINE_RUN,
    KUBE,
    KUBE_NODE,
    KUBE_CLUSTER_SCOPED,
    WEBHOOK,
    TASK_RUN_REPORT,
    NOTIFICATION,
    CUSTOM,
)

# What each field of a subject template stands for.
FIELDS: Final = {
    "cluster": "The cluster the event came from: the value of EVENT_CLUSTER.",
    "namespace": "The Kubernetes namespace.",
    "resource_type": "The object's kind in lower case plus a literal s, such as pods.",
    "name": "The object's name.",
    "node": "The node's name.",
    "host": "The name of the Host resource.",
    "cluster_resource": "The name of the Cluster resource.",
    "task": "The name of the Task resource.",
    "taskrun": "The name of the TaskRun resource.",
    "pipeline": "The name of the Pipeline resource.",
    "pipelinerun": "The name of the PipelineRun resource.",
    "observation": "What was observed: status, metrics, logs, events, traces, alerts or findings.",
    "event": "One or more tokens of the caller's choice.",
    "provider": "Who sends it.",
    "channel": "By which channel it is to go.",
    "severity": "debug, info, warning, error, critical, or a word of the caller's.",
}
