"""Hooks as resources: what the HTTP endpoints speak, kept in the registry."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from app.errors import ConflictError
from app.events import cloudevent
from app.hooks.hook import Hook, parse
from app.hooks.registry import Registry

Resource = Mapping[str, Any]


class HookResources:
    """Creates, reads, replaces and deletes EventHooks resources in the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def list(self, namespace: str, search: str) -> list[Hook]:
        """The hooks of a namespace whose name, type, subject or URL holds a text, whatever its case."""
        wanted = search.casefold()
        return [hook for hook in self._registry.hooks(namespace) if wanted in _searchable(hook)]

    def get(self, namespace: str, name: str) -> Hook:
        return self._registry.get(namespace, name)

    async def create(self, namespace: str, resource: Resource) -> Hook:
        posted = parse(resource, namespace)
        born = {
            "uid": str(uuid.uuid4()),
            "generation": 1,
            "creation_timestamp": cloudevent.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return await self._registry.create(_with_metadata(posted, born))

    async def replace(self, namespace: str, name: str, resource: Resource) -> Hook:
        posted = parse(resource, namespace, name)
        current = self._registry.get(namespace, name)
        revision = current.metadata.resource_version
        if posted.metadata.resource_version not in {"", revision}:
            raise ConflictError(
                f"metadata.resourceVersion is {posted.metadata.resource_version}, but the hook is at {revision}:"
                " read it again, then replace it"
            )
        kept = {
            "uid": current.metadata.uid,
            "generation": current.metadata.generation + (posted.spec != current.spec),
            "creation_timestamp": current.metadata.creation_timestamp,
        }
        return await self._registry.replace(_with_metadata(posted, kept), int(revision))

    async def delete(self, namespace: str, name: str) -> None:
        await self._registry.delete(namespace, name)


def _with_metadata(hook: Hook, changes: Mapping[str, Any]) -> Hook:
    return hook.model_copy(update={"metadata": hook.metadata.model_copy(update=changes)})


def _searchable(hook: Hook) -> str:
    return f"{hook.metadata.name} {hook.spec.type} {hook.spec.subject} {hook.spec.url}".casefold()
