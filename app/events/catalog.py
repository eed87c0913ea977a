"""The catalog: which event types exist, what they carry and where they go.

Typed publishers (`sources/publish.py`), the AsyncAPI document and the documentation are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from app.events import payloads
from app.events.cloudevent import CloudEvent

_NAMESPACED: Final = "ops.clusters.{cluster}.namespaces.{namespace}"
_CUSTOM: Final = f"{_NAMESPACED}.{{event}}"

DEFAULT_TYPE: Final = "Default"


@dataclass(frozen=True, slots=True)
class EventType:
    """One row of the catalog."""

    channel: str  # the channel's name in the AsyncAPI document, unique
    ce_type: str  # the CloudEvents attribute `type`
    payload: type[BaseModel]
    subject: str  # a template: each {field} is one encoded name
    description: str

    @property
    def event(self) -> type[CloudEvent[Any]]:
        """The model of the whole event."""
        return CloudEvent[self.payload]  # type: ignore[name-defined]  # a type made at run time


def _status(name: str, payload: type[BaseModel], resource: str) -> EventType:
    subject = f"{_NAMESPACED}.{resource}s.{{{resource}}}.status"
    return EventType(name, name, payload, subject, f"The status of a {name} resource changed.")


CATALOG: Final = (
    EventType(
        "Controller",
        "Controller",
        payloads.Controller,
        f"{_NAMESPACED}.controllers.{{resource_type}}.status",
        "A watcher is ready.",
    ),
    _status("Host", payloads.Host, "host"),
    EventType(
        "Cluster",
        "Cluster",
        payloads.Cluster,
        f"{_NAMESPACED}.clusters.{{cluster_resource}}.status",
        "The status of a Cluster resource changed.",
    ),
    _status("Task", payloads.Task, "task"),
    _status("TaskRun", payloads.TaskRun, "taskrun"),
    _status("Pipeline", payloads.Pipeline, "pipeline"),
    _status("PipelineRun", payloads.PipelineRun, "pipelinerun"),
    EventType(
        "Kube",
        "Kube",
        payloads.Kube,
        f"{_NAMESPACED}.{{resource_type}}.{{name}}.{{observation}}",
        "Kubernetes reported something about an object in a namespace.",
    ),
    EventType(
        "KubeNode",
        "Kube",
        payloads.Kube,
        "ops.clusters.{cluster}.nodes.{node}.{observation}",
        "Kubernetes reported something about a node.",
    ),
    EventType(
        "KubeClusterScoped",
        "Kube",
        payloads.Kube,
        "ops.clusters.{cluster}.{resource_type}.{name}.{observation}",
        "Kubernetes reported something about another object without a namespace.",
    ),
    EventType("Webhook", "Webhook", payloads.Webhook, _CUSTOM, "A text to pass on, posted over HTTP."),
    EventType("TaskRunReport", "TaskRunReport", payloads.TaskRunReport, _CUSTOM, "A finding that a task run posts."),
    EventType(
        "Notification",
        "Notification",
        payloads.Notification,
        "ops.notifications.providers.{provider}.channels.{channel}.severities.{severity}",
        "A message to people.",
    ),
    EventType("Custom", DEFAULT_TYPE, payloads.Custom, _CUSTOM, "Any JSON object, posted over HTTP."),
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
