"""The resources that the double has, as discovery names them. The other modules speak of a resource by its Kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Object = dict[str, Any]
JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource of the API. All are namespaced; the custom ones have a status subresource."""

    group: str  # empty: the core group
    version: str
    plural: str
    kind: str
    singular: str
    custom: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As messages name it: `hosts.crd.chenshaowen.com`, `events`."""
        return _qualified(self.plural, self.group)

    @property
    def qualified(self) -> str:
        """As messages name an object's type: `Host.crd.chenshaowen.com`."""
        return _qualified(self.kind, self.group)

    @property
    def type(self) -> Object:
        return {"kind": self.kind, "apiVersion": self.api_version}

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        base = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return base + scope + "".join(f"/{part}" for part in (self.plural, name, subresource) if part)


def _qualified(name: str, group: str) -> str:
    return f"{name}.{group}" if group else name


def _crd(plural: str, kind: str, singular: str = "") -> Kind:
    return Kind("crd.chenshaowen.com", "v1", plural, kind, singular or kind.lower())


HOSTS: Final = _crd("hosts", "Host")
CLUSTERS: Final = _crd("clusters", "Cluster")
TASKS: Final = _crd("tasks", "Task")
TASKRUNS: Final = _crd("taskruns", "TaskRun")
PIPELINES: Final = _crd("pipelines", "Pipeline")
PIPELINERUNS: Final = _crd("pipelineruns", "PipelineRun")
EVENTHOOKS: Final = _crd("eventhooks", "EventHooks")
EVENTS: Final = Kind("events.k8s.io", "v1", "events", "Event", "event", custom=False)
CORE_EVENTS: Final = Kind("", "v1", "events", "Event", "event", custom=False)
SECRETS: Final = Kind("", "v1", "secrets", "Secret", "secret", custom=False)

KINDS: Final = (
    *(HOSTS, CLUSTERS, TASKS, TASKRUNS, PIPELINES, PIPELINERUNS, EVENTHOOKS),
    *(EVENTS, CORE_EVENTS, SECRETS),
)
