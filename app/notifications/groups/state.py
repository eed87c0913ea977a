"""What a group has told, as it lies in the bucket `ops-groups`. Pure.

A value has to fit into a message of NATS, 1 MiB: 5,000 things take 0.4 MiB at most, a message that is handed over and
what somebody is reminded of 0.2 MiB each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError

RESOLVED: Final = "*"  # the level of a thing that is over, which no severity is; else its severity
MOST_THINGS: Final = 5_000  # of one group that are remembered
MOST_RECENT: Final = 1_000  # told last that are remembered: what may be on its way twice when something dies


class Thing(NamedTuple):
    """What was told last of one thing."""

    level: str
    told: float  # Unix seconds
    at: float = 0.0  # when that was published, Unix seconds: what is older says nothing new


class Handing(BaseModel):
    """A message that is being handed over. Whoever finds it finishes that, under the same id."""

    model_config = ConfigDict(frozen=True)

    id: str  # of the message's event
    data: Mapping[str, Any]
    beyond: float | None = None  # where it is beyond the receiver's rate: seconds until more is allowed
    remind: bool = False  # somebody has to look again, whether it is still so
    traces: tuple[str, ...] = ()  # `traceparent` of some of what it tells


class Standing(BaseModel):
    """A thing that was told of, as it is listed, and as silences match it."""

    model_config = ConfigDict(frozen=True)

    thing: str
    item: Mapping[str, Any]
    about: Mapping[str, Any]


class Last(BaseModel):
    """The last message, where somebody is to be reminded of what was told and is not over."""

    model_config = ConfigDict(frozen=True)

    id: str  # of the message's event; the reminder names it
    standing: tuple[Standing, ...] = ()  # the worst first


class GroupState(BaseModel):
    """One group of one receiver. Times are Unix seconds."""

    model_config = ConfigDict(frozen=True)

    flushed: int = 0  # the sequence in `ops-pending` up to which everything was told, or dropped
    told: float = 0.0  # when the last message was made
    things: Mapping[str, Thing] = {}
    recent: tuple[str, ...] = ()  # the notifications that were told last, by identity
    last: Last | None = None
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
        return not self.open

    @property
    def open(self) -> frozenset[str]:
        """The things that are not over."""
        return frozenset(name for name, thing in self.things.items() if thing.level != RESOLVED)

    def has_told(self, sequence: int) -> bool:
        """Whether nothing is left to do for what lies at a sequence."""
        return sequence <= self.flushed and self.handing is None


def remembered(things: Mapping[str, Thing]) -> dict[str, Thing]:
    """As many as are kept: first goes what is over, and of that what was told first."""
    if len(things) <= MOST_THINGS:
        return dict(things)
    kept = sorted(things.items(), key=lambda item: (item[1].level != RESOLVED, item[1].told))[-MOST_THINGS:]
    return dict(kept)
