"""How an attempt went. A channel answers only this: did it work, and would trying again help?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple


class Answer(NamedTuple):
    """What the endpoint said, as far as it was read."""

    status: int
    body: bytes = b""  # at most the first KiB


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint took it."""

    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class TryLater:
    """It did not work now and may work later: the endpoint is away, in trouble, or not set up yet."""

    reason: str
    after: float | None = None  # seconds the endpoint asked us to wait (Retry-After)
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """The endpoint lives and asks for less (429, 503)."""

    reason: str
    after: float | None = None  # seconds the endpoint asked us to wait (Retry-After)
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The endpoint will not take this message. Tried a few times more: endpoints are wrong now and then."""

    reason: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The endpoint wants nothing any more (410): the hook stops."""

    reason: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Impossible:
    """No attempt can succeed, as with an event that goes round in a loop: a dead letter at once."""

    reason: str
    answer: None = None


Failure = TryLater | Busy | Refused | Gone | Impossible
Outcome = Delivered | Failure

# The words for them, in the ledger, the metrics and the traces.
NAMES: Final[Mapping[type[Outcome], str]] = {
    Delivered: "delivered",
    TryLater: "try_later",
    Busy: "busy",
    Refused: "refused",
    Gone: "gone",
    Impossible: "impossible",
}
