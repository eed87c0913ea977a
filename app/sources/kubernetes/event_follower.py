"""Events of the Kubernetes API, published as they are told by the watch: each once, and only what is news.

News is what was observed within the last two minutes, and what fell into a gap: after an outage or a restart,
however long, whatever was observed since the last that was published. A first start publishes no history.
What an event becomes stands in `events.py`, what was published already in `journal.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from app.errors import TooLargeError
from app.events.compose import Attributes
from app.events.payloads import Kube
from app.jetstream.publish import Stored
from app.sources.kubernetes.change import Change, Object
from app.sources.kubernetes.checkpoint import NOTHING, Checkpoint
from app.sources.kubernetes.events import Observation, event_id, observation_of
from app.sources.kubernetes.journal import Journal
from app.sources.kubernetes.shortening import FITS, shortened
from app.sources.publish import EventPublishers

_FRESH: Final = 120.0  # seconds; also how far the clocks of those who observe may differ
_REMEMBERED: Final = 5_000  # events whose deletion is told though nobody watched it

_DELETED: Final = {"deleted": True}  # the extension attribute that tells a deletion from a creation


class EventFollower:
    """Follows the events of a cluster."""

    def __init__(
        self, cluster: str, journal: Journal, publishers: EventPublishers, clock: Callable[[], float] = time.time
    ) -> None:
        self._cluster = cluster
        self._journal = journal
        self._publishers = publishers
        self._clock = clock
        self._recent: OrderedDict[str, Observation] = OrderedDict()  # by uid, the oldest first
        self._before = NOTHING  # the checkpoint when the list began
        self._known = False
        self._listed: set[str] = set()
        self._begun = 0.0

    async def since(self) -> str:
        return (await self._journal.open()).version

    async def begin(self, *, known: bool) -> None:
        if not known:
            await self._journal.look_now()
        self._known, self._listed, self._begun = known, set(), self._clock()
        self._before = self._journal.checkpoint

    async def listed(self, objects: Sequence[Object], version: str) -> None:
        if self._known:
            return
        self._journal.restart_if_behind(version, self._before)
        for seen in filter(None, (observation_of(thing, self._cluster) for thing in objects)):
            self._listed.add(seen.uid)
            await self._take(seen, NOTHING)

    async def synced(self, version: str) -> None:
        if self._known:
            self._journal.reached(version)
            return
        for seen in [seen for uid, seen in self._recent.items() if uid not in self._listed]:
            # The version of its deletion is not known, and that of its last change is published long since.
            await self._take(replace(seen, version=""), NOTHING, deleted=True)
        self._journal.reached(version, self._begun)

    async def changed(self, change: Change) -> None:
        seen = observation_of(change.object, self._cluster)
        if seen is not None:
            await self._take(seen, Checkpoint(seen.version, seen.at), deleted=change.kind == "DELETED")

    async def reached(self, version: str) -> None:
        self._journal.reached(version)

    async def _take(self, seen: Observation, reaches: Checkpoint, *, deleted: bool = False) -> None:
        checkpoint = await self._journal.look()
        identity = event_id(self._cluster, seen.uid, seen.version, deleted=deleted)
        if is_due(seen, self._clock(), checkpoint) and not self._journal.holds(identity):
            self._remember(seen, deleted=deleted)
            await self._journal.publish(
                seen.uid,
                reaches,
                lambda: self._publish(seen, identity, deleted=deleted),
                lambda: self._begin(seen, identity, deleted=deleted),
            )
        else:
            self._journal.reached(reaches.version)

    def _remember(self, seen: Observation, *, deleted: bool) -> None:
        self._recent.pop(seen.uid, None)
        if not deleted:
            self._recent[seen.uid] = seen
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)

    async def _begin(self, seen: Observation, identity: str, *, deleted: bool) -> asyncio.Future[Stored]:
        attributes = Attributes(self._cluster, identity, seen.observed, _DELETED if deleted else {})
        return await self._publishers.begin(seen.row, seen.payload, seen.names, attributes)

    async def _publish(self, seen: Observation, identity: str, *, deleted: bool) -> None:
        try:
            await self._store(seen, seen.payload, identity, deleted=deleted)
        except TooLargeError:
            await self._store(seen, shortened(seen.payload, FITS), identity, deleted=deleted)

    async def _store(self, seen: Observation, payload: Kube, identity: str, *, deleted: bool) -> None:
        extensions = _DELETED if deleted else {}
        await self._publishers.publish(
            seen.row, payload, event_id=identity, time=seen.observed, extensions=extensions, **seen.names
        )


def is_due(seen: Observation, now: float, checkpoint: Checkpoint) -> bool:
    """Whether an event is news, at a time (Unix seconds) and with so much published already."""
    if checkpoint.covers(seen.version):
        return False
    return seen.at >= now - _FRESH or 0 < checkpoint.observed <= seen.at + _FRESH
