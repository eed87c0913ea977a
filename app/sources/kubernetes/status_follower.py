"""The status of custom resources, published when it changes: not on a resync, nor when only metadata or spec have.

What a status becomes stands in `resources.py`, what was published already in `journal.py`. On a first start the status
that is there already is no change; after an outage, whatever is another status than the last on the stream is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from app.errors import TooLargeError
from app.events import subject
from app.events.payloads import ClusterPayload
from app.jetstream.read import StreamReader
from app.sources.kubernetes import fields, recall
from app.sources.kubernetes.change import Change, Object
from app.sources.kubernetes.checkpoint import NOTHING, Checkpoint
from app.sources.kubernetes.events import event_id
from app.sources.kubernetes.journal import Journal
from app.sources.kubernetes.resources import StatusKind, status_digest
from app.sources.kubernetes.shortening import FITS, shortened
from app.sources.publish import EventPublishers
from streams.subjects import OPS


class StatusFollower:
    """Follows one kind of custom resource."""

    def __init__(
        self, kind: StatusKind, cluster: str, journal: Journal, publishers: EventPublishers, reader: StreamReader
    ) -> None:
        self._kind = kind
        self._cluster = cluster
        self._journal = journal
        self._publishers = publishers
        self._reader = reader
        self._digests: dict[str, str] = {}  # of the status that is known, by uid
        self._listed: dict[str, str] = {}
        self._known = False
        self._before = NOTHING  # the checkpoint when the list began
        self._begun = 0  # the stream's last sequence then

    async def since(self) -> str:
        return (await self._journal.open()).version

    async def begin(self, *, known: bool) -> None:
        if not known:
            await self._journal.look_now()
            self._begun = await self._reader.last_sequence(OPS)
        self._known, self._listed, self._before = known, {}, self._journal.checkpoint

    async def listed(self, objects: Sequence[Object], version: str) -> None:
        if not self._known:
            self._journal.restart_if_behind(version, self._before)
        for resource in objects:
            uid, digest = _uid(resource), status_digest(resource)
            if not self._known and await self._is_news(resource, digest):
                await self._publish(resource, NOTHING)
            self._listed[uid] = digest

    async def synced(self, version: str) -> None:
        self._digests = self._listed
        self._journal.reached(version)

    async def changed(self, change: Change) -> None:
        resource = change.object
        uid, version, digest = _uid(resource), _version(resource), status_digest(resource)
        if change.kind == "DELETED":
            self._digests.pop(uid, None)
            self._journal.reached(version)
            return
        if digest == self._digests.get(uid, "") or (await self._journal.look()).covers(version):
            self._journal.reached(version)
        else:
            await self._publish(resource, Checkpoint(version))
        self._digests[uid] = digest

    async def reached(self, version: str) -> None:
        self._journal.reached(version)

    async def _is_news(self, resource: Object, digest: str) -> bool:
        """Whether a status that a list shows has changed while nobody watched."""
        known = self._digests.get(_uid(resource))
        if digest == (known or "") or (known is None and not self._before.version):
            return False
        checkpoint = await self._journal.look()
        return not checkpoint.covers(_version(resource)) and not await self._is_told(resource)

    async def _is_told(self, resource: Object) -> bool:
        """Whether an event of the object says the same already: its version may have moved since by other changes."""
        where = subject.fill(self._kind.row.subject, {**self._kind.names(resource), "cluster": self._cluster})
        return await recall.says_already(self._reader, where, self._kind.payload(resource, self._cluster), self._begun)

    async def _publish(self, resource: Object, reaches: Checkpoint) -> None:
        identity = event_id(self._cluster, _uid(resource), _version(resource))
        if self._journal.holds(identity):
            self._journal.reached(reaches.version)
            return
        payload, names = self._kind.payload(resource, self._cluster), self._kind.names(resource)
        await self._journal.publish(_uid(resource), reaches, partial(self._send, payload, identity, names))

    async def _send(self, payload: ClusterPayload, identity: str, names: Mapping[str, str]) -> None:
        try:
            await self._store(payload, identity, names)
        except TooLargeError:
            await self._store(shortened(payload, FITS), identity, names)

    async def _store(self, payload: ClusterPayload, identity: str, names: Mapping[str, str]) -> None:
        row = self._kind.row
        await self._publishers.publish(row, payload, event_id=identity, time=None, extensions=None, **names)


def _uid(resource: Object) -> str:
    return fields.text(fields.table(resource.get("metadata")).get("uid")) or ""


def _version(resource: Object) -> str:
    return fields.spelled(fields.table(resource.get("metadata")).get("resourceVersion")) or ""
