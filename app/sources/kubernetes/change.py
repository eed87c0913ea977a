"""What a watch tells, and to whom. `watch.py` tells; the followers of events, of status and of hooks listen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["ADDED", "MODIFIED", "DELETED"]

# An object of the API, as JSON gives it: anything may be missing or null. Those that a watch tells of do have a
# `metadata` with a `uid` and a `resourceVersion`: what has none is left out.
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one object. A deletion carries the object's last state, under the version of the deletion."""

    kind: Kind
    object: Object


class Follower(Protocol):
    """What a watch tells of its resource, one call after the other.

    A call that takes long holds the watch back: that is how it is slowed down. A call that raises `UnavailableError`
    has not taken what it was told: it is told again, after a pause. Any other error is a fault of ours and ends the
    watch.
    """

    async def since(self) -> str:
        """The version up to which an earlier process has followed, or nothing where none is known.

        Asked once, before the first list; again where it raised.
        """
        ...

    async def begin(self, *, known: bool) -> None:
        """A list begins, from scratch; one that was not completed is void.

        It is asked for after this: what the follower looks up now is older than the list.

        Args:
            known: It shows what was there at `since()`: nothing in it is news.
        """
        ...

    async def listed(self, objects: Sequence[Object], version: str) -> None:
        """A page of the list, which is as of this version from its first page to its last."""
        ...

    async def synced(self, version: str) -> None:
        """The list is complete, as of this version: what was not in it is gone."""
        ...

    async def changed(self, change: Change) -> None: ...

    async def reached(self, version: str) -> None:
        """There is no change up to this version that was not told: a bookmark."""
        ...
