"""What the double keeps: every object, and every change since history was last forgotten, under one version number.

Used by what answers requests (`listing.py`, `watching.py`, `writing.py`) and by `server.py` for tests.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.kubernetes.event_forms import IS_EVENT
from tests.kubernetes.kinds import JSON, Kind, Object
from tests.kubernetes.objects import created, encoded, key_of, timestamp, updated

_SNAPSHOTS: Final = 4  # kept, so that the pages of a list are not each made anew


class ForgottenError(Exception):
    """History does not reach back that far."""


class FutureError(Exception):
    """There is no such version yet."""


@dataclass(frozen=True, slots=True)
class Revision:
    """An object as of one version. The stored form is never changed."""

    version: int
    stored: Object
    _encoded: dict[Kind, bytes] = field(default_factory=dict)

    @property
    def key(self) -> str:
        metadata = self.stored["metadata"]
        return key_of(metadata["namespace"], metadata["name"])

    def item(self, kind: Kind) -> bytes:
        """As a list shows it: built-in types without their type."""
        if (text := self._encoded.get(kind)) is None:
            text = self._encoded[kind] = encoded(kind, self.stored)
        return text

    def text(self, kind: Kind) -> bytes:
        """As it is shown by itself."""
        if kind.custom:
            return self.item(kind)
        return f'{{"kind":"{kind.kind}","apiVersion":"{kind.api_version}",'.encode() + self.item(kind)[1:]


@dataclass(frozen=True, slots=True)
class Change:
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    after: Revision  # of a deletion: the last state, under the version of the deletion
    before: Revision | None

    @property
    def version(self) -> int:
        return self.after.version

    def line(self, kind: Kind) -> bytes:
        return b'{"type":"%b","object":%b}\n' % (self.type.encode(), self.after.text(kind))


Snapshot = Sequence[tuple[str, Revision]]  # by key, in its order
Listener = Callable[[str, Change], None]


@dataclass
class _Collection:
    current: dict[str, Revision] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)

    def since(self, version: int) -> list[Change]:
        return self.history[bisect_right(self.history, version, key=lambda change: change.version) :]

    def at(self, version: int) -> Snapshot:
        if version not in self.snapshots:
            while len(self.snapshots) >= _SNAPSHOTS:
                del self.snapshots[next(iter(self.snapshots))]
            self.snapshots[version] = sorted(self._as_of(version).items())
        return self.snapshots[version]

    def _as_of(self, version: int) -> Mapping[str, Revision]:
        state = dict(self.current)
        for change in reversed(self.since(version)):
            if change.before is None:
                del state[change.after.key]
            else:
                state[change.after.key] = change.before
        return state


@dataclass
class Store:
    """The objects of all kinds. Listeners are told of every change at once."""

    version: int = 100
    oldest: int = 0  # from here on everything is known
    listeners: list[Listener] = field(default_factory=list)
    _collections: dict[str, _Collection] = field(default_factory=dict)

    def find(self, kind: Kind, namespace: str, name: str) -> Revision | None:
        return self._of(kind).current.get(key_of(namespace, name))

    def all(self, kind: Kind) -> list[Revision]:
        return [revision for _, revision in self.snapshot(kind, self.version)]

    def put(self, kind: Kind, given: JSON) -> Revision:
        """Create or replace; nothing happens where nothing would be different."""
        metadata = given["metadata"]
        before = self.find(kind, metadata.get("namespace") or "default", metadata["name"])
        if before is None:
            return self._change(kind, "ADDED", Revision(self.version + 1, created(kind, given, self.version + 1)), None)
        if (stored := updated(kind, before.stored, given, self.version + 1)) is None:
            return before
        after = self._change(kind, "MODIFIED", Revision(self.version + 1, stored), before)
        finished = stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers")
        return self.remove(kind, after) if finished else after

    def remove(self, kind: Kind, before: Revision) -> Revision:
        """Delete it. Where finalizers have to look first, it is only marked."""
        metadata = before.stored["metadata"]
        if metadata.get("finalizers"):
            marked = metadata | {"deletionTimestamp": timestamp(), "deletionGracePeriodSeconds": 0}
            return self._moved(kind, "MODIFIED", before, metadata if "deletionTimestamp" in metadata else marked)
        return self._moved(kind, "DELETED", before, metadata)

    def snapshot(self, kind: Kind, version: int) -> Snapshot:
        """All objects of the kind as they were.

        Raises:
            ForgottenError, FutureError: nobody can know.
        """
        if version > self.version:
            raise FutureError
        if version < self.oldest:
            raise ForgottenError
        return self._of(kind).at(version)

    def since(self, kind: Kind, version: int) -> Sequence[Change]:
        """Every change after the version.

        Raises:
            ForgottenError: some of them are not known any more.
        """
        if version < self.oldest:
            raise ForgottenError
        return self._of(kind).since(version)

    def forget(self) -> None:
        """Compact: only the present is known."""
        self.oldest = self.version
        for collection in self._collections.values():
            collection.history.clear()
            collection.snapshots.clear()

    def advance(self) -> None:
        """Something that is not ours has changed."""
        self.version += 1

    def _moved(
        self, kind: Kind, change: Literal["MODIFIED", "DELETED"], before: Revision, metadata: Object
    ) -> Revision:
        metadata = {**metadata, "resourceVersion": str(self.version + 1)}
        return self._change(kind, change, Revision(self.version + 1, {**before.stored, "metadata": metadata}), before)

    def _change(
        self, kind: Kind, type_: Literal["ADDED", "MODIFIED", "DELETED"], after: Revision, before: Revision | None
    ) -> Revision:
        self.version = after.version
        change, collection = Change(type_, after, before), self._of(kind)
        collection.history.append(change)
        if type_ == "DELETED":
            del collection.current[after.key]
        else:
            collection.current[after.key] = after
        for listener in self.listeners:
            listener(stored_as(kind), change)
        return after

    def _of(self, kind: Kind) -> _Collection:
        return self._collections.setdefault(stored_as(kind), _Collection())


def stored_as(kind: Kind) -> str:
    """Which objects are meant: the two forms of events are one."""
    return "events" if kind in IS_EVENT else kind.resource
