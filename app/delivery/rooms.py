"""Targets of several rooms as one: the first token of a target's key names its room."""

from __future__ import annotations

from collections.abc import Mapping

from app.delivery.backlog.queues import Targets
from app.delivery.delivery import Received, Target
from app.delivery.ledger.writer import Mask
from app.delivery.park import room_of


class Rooms:
    """Asks the room that a target belongs to; as in `Targets`."""

    def __init__(self, rooms: Mapping[str, Targets]) -> None:
        self._rooms = rooms

    def target(self, key: str) -> Target | None:
        room = self._of(key)
        return None if room is None else room.target(key)

    def is_gone(self, key: str) -> bool:
        room = self._of(key)
        return room is not None and room.is_gone(key)

    async def confirm_gone(self, key: str) -> bool:
        room = self._of(key)
        return room is not None and await room.confirm_gone(key)

    async def wants(self, key: str, received: Received) -> bool | None:
        room = self._of(key)
        return None if room is None else await room.wants(key, received)

    def _of(self, key: str) -> Targets | None:
        """The room; None where this version does not know it: its targets are left alone."""
        return self._rooms.get(room_of(key))


def masked_by(rooms: Mapping[str, Mask]) -> Mask:
    """A mask that asks the room of a target; where there is none, a text is shown as it is."""

    def mask(target: str, text: str) -> str:
        room = rooms.get(room_of(target))
        return text if room is None else room(target, text)

    return mask
