"""The room put together: eight watches of the Kubernetes API, and what each is told to. Made by main.

The names are those of the Controller events. Where there is no Kubernetes, nothing runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nats.aio.client import Client

from app.events import catalog
from app.jetstream.read import StreamReader
from app.sources.kubernetes import recall
from app.sources.kubernetes.bystander import Bystander
from app.sources.kubernetes.change import Follower
from app.sources.kubernetes.checkpoint import Checkpoints, key_of
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.controllers import Controllers
from app.sources.kubernetes.event_follower import EventFollower
from app.sources.kubernetes.journal import Journal
from app.sources.kubernetes.resource import Resource
from app.sources.kubernetes.resources import STATUS_KINDS
from app.sources.kubernetes.status_follower import StatusFollower
from app.sources.kubernetes.watch import State, Watch
from app.sources.publish import EventPublishers

GROUP: Final = "crd.chenshaowen.com"

# The same events under two names; of an API server that is too old for the first the second is taken.
EVENTS: Final = (Resource("events.k8s.io", "v1", "events"), Resource("", "v1", "events"))
EVENT_HOOKS: Final = Resource(GROUP, "v1", "eventhooks")

_PUBLISHED: Final = {"Hosts": "Host", "Clusters": "Cluster", "TaskRuns": "TaskRun", "PipelineRuns": "PipelineRun"}
_WATCHED: Final = ("Tasks", "Pipelines")

_EVENT_ROWS: Final = (catalog.KUBE, catalog.KUBE_NODE, catalog.KUBE_CLUSTER_SCOPED)

Work = tuple[str, Coroutine[Any, Any, Any]]  # what runs as long as the app, and what it is called


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process works."""

    cluster: str  # EVENT_CLUSTER
    watched: str  # the namespace whose custom resources are watched; empty: all
    own: str  # the namespace that Controller events name


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where what happens is brought to."""

    publishers: EventPublishers
    nats: Callable[[], Client | None]  # the connection, once there is one
    fail: Callable[[BaseException], None]  # told of a fault of ours, which waiting does not mend


class WatchService:
    """Watches a Kubernetes API, and publishes what happens there."""

    def __init__(self, kubernetes: Connection, outlet: Outlet, place: Place, hooks: Follower) -> None:
        """Make the room; nothing is read before `work` runs. `hooks` is told of the EventHooks."""
        self._kubernetes = kubernetes
        self._outlet = outlet
        self._place = place
        self._checkpoints, self._reader = Checkpoints(outlet.nats), StreamReader(outlet.nats)
        self._journals: list[Journal] = []
        self._watches = (*self._statuses(), *self._definitions(), self._events(), self._watch("EventHooks", hooks))
        self._controllers = Controllers(outlet.publishers, place.own)

    def work(self) -> Iterator[Work]:
        """What is to run as long as the app does."""
        if not self._kubernetes.configured:
            return
        for watch in self._watches:
            yield f"watching {watch.state.name}", self._run(watch)
        for journal in self._journals:
            yield "keeping a checkpoint", journal.keep()

    async def stop(self, seconds: float) -> None:
        """Bring what is on its way to the stream, in so much time at most; the watches have ended."""
        await asyncio.gather(*(journal.close(seconds) for journal in self._journals))

    def told(self) -> Sequence[dict[str, object]]:
        """How each watch is, as /readyz shows it; none where there is no Kubernetes."""
        return [_told(state) for state in self.states()]

    def states(self) -> Sequence[State]:
        """The same as values."""
        return [watch.state for watch in self._watches] if self._kubernetes.configured else []

    async def _run(self, watch: Watch) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._controllers.announce(watch))
            await watch.run()

    def _statuses(self) -> Iterator[Watch]:
        for name, kind in _PUBLISHED.items():
            status = STATUS_KINDS[kind]
            journal = self._journal(name, [recall.filter_of(status.row, self._place.cluster, "status")])
            follower = StatusFollower(status, self._place.cluster, journal, self._outlet.publishers, self._reader)
            yield self._watch(name, follower)

    def _definitions(self) -> Iterator[Watch]:
        return (self._watch(name, Bystander()) for name in _WATCHED)

    def _events(self) -> Watch:
        filters = [recall.filter_of(row, self._place.cluster, "events") for row in _EVENT_ROWS]
        journal = self._journal("events", filters, namespace="")
        follower = EventFollower(self._place.cluster, journal, self._outlet.publishers)
        return Watch("Events", self._kubernetes, EVENTS, follower)

    def _watch(self, name: str, follower: Follower) -> Watch:
        resource = Resource(GROUP, "v1", name.lower(), self._place.watched)
        return Watch(name, self._kubernetes, [resource], follower)

    def _journal(self, name: str, filters: Sequence[str], namespace: str | None = None) -> Journal:
        scope = self._place.watched if namespace is None else namespace
        key = key_of(self._place.cluster, name.lower(), scope)
        journal = Journal(self._checkpoints, key, self._reader, filters, self._outlet.fail)
        self._journals.append(journal)
        return journal


def _told(state: State) -> dict[str, object]:
    return {
        "name": state.name,
        "live": state.live,
        "trouble": state.trouble or None,
        "seconds": round(max(0.0, time.time() - state.since), 1),
        "heard_seconds_ago": round(max(0.0, time.time() - state.heard), 1) if state.heard else None,
    }
