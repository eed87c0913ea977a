"""Hooks as resources where there is Kubernetes: what the HTTP endpoints speak, kept as custom resources.

`resources.py` stands in its place where there is none. The registry, which matching and delivery ask, is kept like the
custom resources by a mirror; it is told of each write here, so that a hook is in force when the answer comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.errors import ConflictError
from app.hooks.annotations import of_others
from app.hooks.hook import API_VERSION, KIND, Hook, Metadata, parse
from app.hooks.kubernetes.api import HookMirror, HookObjects, Object
from app.hooks.kubernetes.shown import read, told
from app.hooks.pauses import Pauses
from app.hooks.secrets.write_only import Resource, refuse_masks, restored
from app.hooks.status import ToldHook, holds

_TRIES: Final = 5  # of a write that its status, which is written all the time, keeps overtaking


class CustomHooks:
    """Creates, reads, replaces and deletes EventHooks custom resources. Its methods raise what `HookObjects` says."""

    def __init__(self, objects: HookObjects, mirror: HookMirror, pauses: Pauses) -> None:
        self._objects = objects
        self._mirror = mirror
        self._pauses = pauses

    async def list(self, namespace: str, search: str) -> Sequence[ToldHook]:
        """The hooks of a namespace whose name, type, subject or URL (masked) holds a text, by name."""
        found = await self._told(*await self._objects.list(namespace))
        return sorted((hook for hook in found if holds(hook, search)), key=lambda hook: hook.metadata.name)

    async def get(self, namespace: str, name: str) -> ToldHook:
        return await self._told_one(await self._objects.get(namespace, name))

    async def create(self, namespace: str, resource: Resource) -> ToldHook:
        refuse_masks(resource, "a new hook keeps no secret yet, write it")
        posted = await asyncio.to_thread(parse, resource, namespace)
        return await self._in_force(await self._objects.create(namespace, _new(posted, resource["spec"])))

    async def replace(self, namespace: str, name: str, resource: Resource) -> ToldHook:
        """Put a spec in the place of the one that is kept; labels and annotations are added to those that are there.

        Others keep theirs on a custom resource: kubectl, Helm, controllers. What is left out stays.
        """
        current = await self._objects.get(namespace, name)
        stored = await asyncio.to_thread(read, current)
        whole = restored(resource, stored.spec)
        refuse_masks(whole, "what is kept there is masked too, write the secret")
        posted = await asyncio.to_thread(parse, whole, namespace, name)
        _refuse_stale(posted.metadata, stored.metadata)
        return await self._in_force(await self._replaced(current, posted, whole["spec"]))

    async def delete(self, namespace: str, name: str) -> None:
        await self._objects.delete(namespace, name)
        await self._mirror.gone(f"{namespace}.{name}")

    async def _replaced(self, current: Object, posted: Hook, spec: Mapping[str, Any]) -> Object:
        """The resource as it is kept. That only its status has moved on since it was read is no conflict."""
        namespace, name = posted.metadata.namespace, posted.metadata.name
        for _ in range(_TRIES):
            try:
                return await self._objects.replace(namespace, name, _merged(current, posted, spec))
            except ConflictError:
                latest = await self._objects.get(namespace, name)
                if _identity(latest) != _identity(current):
                    raise
                current = latest
        raise ConflictError(f"the hook {name} is written by others all the time: replace it again")

    async def _in_force(self, kept: Object) -> ToldHook:
        await self._mirror.apply(kept)
        return await self._told_one(kept)

    async def _told_one(self, resource: Object) -> ToldHook:
        return (await self._told(resource))[0]

    async def _told(self, *resources: Object) -> Sequence[ToldHook]:
        hooks = await asyncio.to_thread(lambda: [read(resource) for resource in resources])
        return [
            told(hook, resource, self._pauses.get(_target(hook.metadata)))
            for hook, resource in zip(hooks, resources, strict=True)
        ]


def _new(posted: Hook, spec: Mapping[str, Any]) -> Object:
    metadata = posted.metadata
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "labels": metadata.labels,
            "annotations": of_others(metadata.annotations),
        },
        "spec": spec,
    }


def _merged(current: Object, posted: Hook, spec: Mapping[str, Any]) -> Object:
    """The current resource with what was posted; at its version, so that nothing in between is overwritten."""
    metadata = current["metadata"]
    labels = {**(metadata.get("labels") or {}), **posted.metadata.labels}
    annotations = {**(metadata.get("annotations") or {}), **of_others(posted.metadata.annotations)}
    return {**current, "metadata": {**metadata, "labels": labels, "annotations": annotations}, "spec": spec}


def _refuse_stale(posted: Metadata, current: Metadata) -> None:
    """Take no replacement of a spec that is not the current one, as far as what was posted tells.

    Raises:
        ConflictError: the spec, or the resource, is another than the one that was read.
    """
    if posted.resource_version in {"", current.resource_version}:
        return
    if (posted.uid, posted.generation) == (current.uid, current.generation):
        return  # only its status has moved on
    raise ConflictError(
        f"metadata.resourceVersion is {posted.resource_version}, but the hook is at {current.resource_version}: read it"
        " again, then replace it"
    )


def _identity(resource: Object) -> tuple[Any, Any]:
    """Changes with the spec, and with nothing else."""
    metadata = resource["metadata"]
    return metadata.get("uid"), metadata.get("generation")


def _target(metadata: Metadata) -> str:
    return f"hooks.{metadata.namespace}.{metadata.name}"
