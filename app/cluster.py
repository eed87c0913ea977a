"""What the app has besides where there is Kubernetes: watches that publish, and hooks that are custom resources.

Made by `main.py`. It is here that `sources/kubernetes/` and `hooks/` meet, which know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from app.delivery.service import Work
from app.hooks.kubernetes.service import CustomHookService
from app.hooks.service import HookService
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.health import State
from app.sources.kubernetes.hooks import HookFollower
from app.sources.kubernetes.objects import KubernetesObjects
from app.sources.kubernetes.service import EVENT_HOOKS, Outlet, Place, WatchService


class Cluster:
    """A Kubernetes cluster, as far as this process has to do with it."""

    def __init__(self, kubernetes: Connection, hooks: HookService, outlet: Outlet, place: Place) -> None:
        objects = KubernetesObjects(kubernetes, EVENT_HOOKS.within(place.watched))
        self._hooks = CustomHookService(hooks, objects, place.watched)
        self._watches = WatchService(kubernetes, outlet, place, HookFollower(self._hooks.mirroring))
        self.resources = self._hooks.resources

    def work(self) -> Iterator[Work]:
        """What is to run as long as the app does, in a process that watches."""
        return chain(self._hooks.work(), self._watches.work())

    async def stop(self, seconds: float) -> None:
        """Bring what is on its way to the stream, in so much time at most; the work has ended."""
        await self._watches.stop(seconds)

    def told(self) -> Sequence[dict[str, object]]:
        """How each watch is, as /readyz shows it."""
        return self._watches.told()

    def states(self) -> Sequence[State]:
        """The same as values."""
        return self._watches.states()
