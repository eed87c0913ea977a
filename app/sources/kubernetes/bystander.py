"""A follower of what is watched only to know whether it can be: Task and Pipeline, which have no status to publish."""

from __future__ import annotations

from collections.abc import Sequence

from app.sources.kubernetes.change import Change, Object


class Bystander:
    """Is told, and does nothing."""

    async def since(self) -> str:
        return ""

    async def begin(self, *, known: bool) -> None: ...

    async def listed(self, objects: Sequence[Object], version: str) -> None: ...

    async def synced(self, version: str) -> None: ...

    async def changed(self, change: Change) -> None: ...

    async def reached(self, version: str) -> None: ...
