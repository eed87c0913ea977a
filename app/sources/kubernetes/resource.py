"""A resource of the Kubernetes API: where it is served, and what it is called where rights are given. Pure.

`watch.py` lists and watches one, `objects.py` reads and writes single objects of one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from app.sources.kubernetes.answers import Permission


@dataclass(frozen=True, slots=True)
class Resource:
    """All objects of a kind, in a namespace or (empty) in all."""

    group: str  # empty: the core group
    version: str
    plural: str
    namespace: str = ""

    def __str__(self) -> str:
        """As in `kubectl get`: `events`, `hosts.crd.chenshaowen.com`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def path(self) -> str:
        """Where it is listed and watched; an object of it is at `{path}/{name}`."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{self.namespace}/{self.plural}" if self.namespace else f"{root}/{self.plural}"

    def within(self, namespace: str) -> Self:
        """The same in one namespace, or (empty) in all."""
        return replace(self, namespace=namespace)

    def permission(self, verb: str) -> Permission:
        return Permission(verb, str(self), self.namespace)
