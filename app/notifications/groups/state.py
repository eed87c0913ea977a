"""What a group has told, as it lies in the bucket `ops-groups`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError

RESOLVED: Final = "resolved"  # the level of a thing that is over; else its severity
MOST_THINGS: Final = 5_000  # of one group that are remembered
MOST_RECENT: Final = (
    1_000  # notifications told last that are remembered: what may be on its way twice when something dies
)


class Thing(NamedTuple):
    """What was told last of one thing."""

    level: str
    told: float  # Unix seconds


class Handing(BaseModel):
    """A message that is being handed over. Whoever finds it finishes that, under the same id."""

    model_config = ConfigDict(frozen=True)

    id: str  # of the message's event
    data: Mapping[str, Any]
    beyond: float | None = None  # where it is beyond the receiver's rate: seconds until more is allowed
    remind: bool = False  # somebody has to look again, whether it is still so


class GroupState(BaseModel):
    """One group of one receiver. Times are Unix seconds."""

    model_config = ConfigDict(frozen=True)

    flushed: int = 0  # the sequence in `ops-pending` up to which everything was told, or dropped
    told: float = 0.0  # when the last message was made
    things: Mapping[str, Thing] = {}
    recent: tuple[str, ...] = ()  # the notifications that were told last, by identity
    last: Mapping[str, Any] | None = None  # what the last message said, where somebody is to be reminded of it
    handing: Handing | None = None

    @classmethod
    def read(cls, value: bytes) -> Self:
        """One that is no state is forgotten: the group begins anew, and tells too much rather than too little."""
        try:
            return cls.model_validate_json(value)
        except ValidationError:
            return cls()

    @property
    def is_over(self) -> bool:
        """Whether all that was told of is over."""
        return all(thing.level == RESOLVED for thing in self.things.values())

    def has_told(self, sequence: int) -> bool:
        """Whether nothing is left to do for what lies at a sequence."""
        return sequence <= self.flushed and self.handing is None


def remembered(things: Mapping[str, Thing]) -> dict[str, Thing]:
    """As many as are kept: first goes what is over, and of that what was told first."""
    if len(things) <= MOST_THINGS:
        return dict(things)
    kept = sorted(things.items(), key=lambda item: (item[1].level != RESOLVED, item[1].told))[-MOST_THINGS:]
    return dict(kept)
