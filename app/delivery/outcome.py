"""How an attempt went. A channel answers only this: did it work, and would trying again help?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint took it."""

    status: int | None = None


@dataclass(frozen=True, slots=True)
class TryLater:
    """It did not work now and may work later."""

    reason: str
    after: float | None = None  # seconds the endpoint asked us to wait (Retry-After)


@dataclass(frozen=True, slots=True)
class Refused:
    """The endpoint will not take this message, however often it is sent."""

    reason: str


Outcome = Delivered | TryLater | Refused
