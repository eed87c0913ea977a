"""Follows the EventHooks of the API, for whoever keeps the registry of hooks like them (`main` plugs it in)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.sources.kubernetes.change import Change, Object


class HookMirror(Protocol):
    """What is told of EventHooks. It may be told the same twice, and does not wait for what it does about it."""

    def begin(self) -> None:
        """A list of all begins."""

    async def listed(self, resources: Sequence[Object]) -> None:
        """A page of it."""

    def synced(self, version: str) -> None:
        """The list is complete as of a version: what was not listed is gone."""

    async def changed(self, resource: Object) -> None:
        """One is new, or another."""

    def deleted(self, resource: Object) -> None:
        """One was deleted, under the version of the deletion."""

    def reached(self, version: str) -> None:
        """There is no change up to a version that was not told."""


class HookFollower:
    """Hands on what the watch tells.

    No process goes on where another has stopped: the registry is made like what is there now, however it came about.
    """

    def __init__(self, mirror: HookMirror) -> None:
        self._mirror = mirror

    async def since(self) -> str:
        return ""

    async def begin(self, *, known: bool) -> None:
        del known
        self._mirror.begin()

    async def listed(self, objects: Sequence[Object], version: str) -> None:
        del version
        await self._mirror.listed(objects)

    async def synced(self, version: str) -> None:
        self._mirror.synced(version)

    async def changed(self, change: Change) -> None:
        if change.kind == "DELETED":
            self._mirror.deleted(change.object)
        else:
            await self._mirror.changed(change.object)

    async def reached(self, version: str) -> None:
        self._mirror.reached(version)
