"""The hooks as delivery sees them: targets by key, what they want, and the queues of the ordered ones."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection
from typing import Final

from nats.js.api import ConsumerConfig

from app.delivery.backlog.queues import OrderedQueue
from app.delivery.delivery import Received, Target
from app.delivery.secrets.masks import Masks
from app.events import subject
from app.hooks.matching.judge import Judge
from app.hooks.registry import Registry
from streams import consumers

# Seconds for which both ways are open after a hook has ceased to be ordered, until every replica knows: an event may
# come twice then, with the same id, and none is missed.
OVERLAP: Final = 10.0


class HookTargets:
    """Answers for delivery, from the registry."""

    def __init__(self, registry: Registry, replicas: int, judge: Judge) -> None:
        self._registry = registry
        self._replicas = replicas
        self._judge = judge
        self.masked = Masks(registry)

    def target(self, key: str) -> Target | None:
        return self._registry.target(key)

    def is_gone(self, key: str) -> bool:
        return self._registry.is_gone(key)

    async def confirm_gone(self, key: str) -> bool:
        return await self._registry.confirm_gone(key)

    async def wants(self, key: str, received: Received) -> bool | None:
        """Whether the hook as it is now wants an event; None where that cannot be decided."""
        compiled = self._registry.compiled(key)
        if compiled is None:
            return None
        if not subject.matches(compiled.hook.spec.subject, received.subject):
            return False
        return await self._judge.wants(compiled, received)

    def ordered(self) -> Collection[str]:
        """The targets of ordered hooks."""
        return self._registry.ordered

    def queue(self, key: str) -> OrderedQueue:
        """The queue of a hook that is ordered, or was."""
        return OrderedQueue(key, lambda: self._consumer(key), lambda: self._ends(key), self.wants)

    def _consumer(self, key: str) -> ConsumerConfig:
        compiled = self._registry.compiled(key)
        since = dt.datetime.fromtimestamp(self._registry.since(key), dt.UTC)
        return consumers.ordered(key, compiled.hook.spec.subject if compiled else "", since, self._replicas)

    def _ends(self, key: str) -> float:
        """Until when the queue brings events, Unix seconds; while a hook cannot be read, there is no end."""
        if key in self._registry.ordered or self._registry.compiled(key) is None:
            return math.inf
        return self._registry.since(key) + OVERLAP
