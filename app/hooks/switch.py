"""Pausing and resuming hooks as operators ask for it. `pauses.py` keeps the pauses, `ingress/pauses.py` asks."""

from __future__ import annotations

import time

from app.hooks.hook import Hook
from app.hooks.moment import rfc3339
from app.hooks.pauses import Pause, Pauses
from app.hooks.registry import Registry
from app.hooks.status import Status, status_of


class Switch:
    """Pauses and resumes. Its methods raise NotFoundError where there is no such hook, and UnavailableError."""

    def __init__(self, registry: Registry, pauses: Pauses) -> None:
        self._registry = registry
        self._pauses = pauses

    async def pause(self, namespace: str, name: str, reason: str) -> Status:
        """Pause a hook until somebody resumes it; one that an operator paused already stays paused since then."""
        hook = self._registry.get(namespace, name)
        before = self._pauses.get(hook.target.key)
        if before is None or before.by != "operator" or reason not in {"", before.reason}:
            await self._pauses.pause(hook.target.key, _pause(hook, reason, before))
        return status_of(self._pauses.get(hook.target.key))

    async def resume(self, namespace: str, name: str) -> Status:
        """Let a hook go on, whoever paused it: what is parked is delivered, the oldest first."""
        hook = self._registry.get(namespace, name)
        if (compiled := self._registry.compiled(hook.target.key)) is not None:
            compiled.fuse.mend()  # its keywords may have tripped it
        await self._pauses.resume(hook.target.key)
        return status_of(self._pauses.get(hook.target.key))


def _pause(hook: Hook, reason: str, before: Pause | None) -> Pause:
    goes_on = before is not None and before.by == "operator"
    return Pause(
        reason=reason or "paused by an operator",
        by="operator",
        since=before.since if before and goes_on else rfc3339(time.time()),
        generation=hook.metadata.generation,
    )
