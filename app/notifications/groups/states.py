"""The states of groups in their bucket, each read and written by whoever looks at the group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nats.aio.client import Client
from pydantic_core import to_json

from app.jetstream.bucket import Bucket
from app.notifications.groups.state import GroupState
from streams.subjects import GROUPS_BUCKET

_REMEMBERED: Final = 10_000  # groups

Read = tuple[GroupState, int]  # a state, and its revision; 0: there is none


class GroupStates:
    """Reads and writes; what was seen last is remembered, to answer without the server what cannot change any more."""

    def __init__(self, connection: Callable[[], Client | None]) -> None:
        self.bucket = Bucket(connection, GROUPS_BUCKET)
        self._seen: dict[str, GroupState] = {}

    def seen(self, key: str) -> GroupState | None:
        """A group as it was seen last, without its things and texts."""
        return self._seen.get(key)

    async def read(self, key: str) -> Read:
        """Raises: UnavailableError."""
        value, revision = await self.bucket.read(key)
        state = GroupState() if value is None else GroupState.read(value)
        self._see(key, state)
        return state, revision

    async def write(self, key: str, state: GroupState, revision: int) -> Read:
        """Put a state in place of the one at a revision.

        Raises:
            ConflictError: somebody else was quicker.
            UnavailableError: JetStream is away.
        """
        value = to_json(state.model_dump(exclude_defaults=True), inf_nan_mode="strings")
        written = await self.bucket.update(key, value, revision)
        self._see(key, state)
        return state, written

    def _see(self, key: str, state: GroupState) -> None:
        self._seen.pop(key, None)
        handing = None if state.handing is None else state.handing.model_copy(update={"data": {}})
        self._seen[key] = state.model_copy(update={"things": {}, "recent": (), "last": None, "handing": handing})
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
