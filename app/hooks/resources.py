"""Hooks as resources: what the HTTP endpoints speak, kept in the registry. Secrets go in, and never out.

Where there is Kubernetes, `kubernetes/resources.py` stands in its place.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from app.errors import ConflictError
from app.events import cloudevent
from app.hooks.annotations import noted
from app.hooks.hook import Hook, parse
from app.hooks.pauses import Pauses
from app.hooks.registry import Registry
from app.hooks.secrets.write_only import Resource, refuse_masks, restored, shown, without_copy
from app.hooks.status import HookWithStatus, holds, status_of, with_status


class HookResources:
    """Creates, reads, replaces and deletes EventHooks resources in the registry."""

    def __init__(self, registry: Registry, pauses: Pauses) -> None:
        self._registry = registry
        self._pauses = pauses

    async def list(self, namespace: str, search: str) -> list[HookWithStatus]:
        """The hooks of a namespace whose name, type, subject or URL (masked) holds a text, whatever its case."""
        return [hook for hook in map(self._told, self._registry.hooks(namespace)) if holds(hook, search)]

    async def get(self, namespace: str, name: str) -> HookWithStatus:
        return self._told(self._registry.get(namespace, name))

    async def create(self, namespace: str, resource: Resource) -> HookWithStatus:
        refuse_masks(resource, "a new hook keeps no secret yet, write it")
        posted = without_copy(await asyncio.to_thread(parse, resource, namespace))
        await self._drop_leftover(posted.target.key)
        born = {
            "uid": str(uuid.uuid4()),
            "generation": 1,
            "creation_timestamp": cloudevent.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "annotations": noted(posted, None),
        }
        return self._told(await self._registry.create(_with_metadata(posted, born)))

    async def replace(self, namespace: str, name: str, resource: Resource) -> HookWithStatus:
        current = self._registry.get(namespace, name)
        posted = without_copy(await asyncio.to_thread(parse, self._unmasked(resource, current), namespace, name))
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
            "annotations": noted(posted, current),
        }
        return self._told(await self._registry.replace(_with_metadata(posted, kept), int(revision)))

    async def delete(self, namespace: str, name: str) -> None:
        """Delete a hook, and then its pause: the other way round it would go on for a moment."""
        hook = self._registry.get(namespace, name)
        await self._registry.delete(namespace, name)
        await self._pauses.resume(hook.target.key)

    def _told(self, hook: Hook) -> HookWithStatus:
        return with_status(shown(hook), status_of(self._pauses.get(hook.target.key)))

    def _unmasked(self, resource: Resource, current: Hook) -> Resource:
        if locked := self._registry.locked(current.target.key):
            refuse_masks(resource, f"the secret that is kept cannot be read ({locked}), write it anew")
        return restored(resource, current.spec)

    async def _drop_leftover(self, target: str) -> None:
        """A pause stays behind where a process ended while it deleted the hook; a new one is not to be paused by it."""
        if self._pauses.get(target) is not None and await self._registry.confirm_gone(target):
            await self._pauses.resume(target)


def _with_metadata(hook: Hook, changes: Mapping[str, Any]) -> Hook:
    return hook.model_copy(update={"metadata": hook.metadata.model_copy(update=changes)})
