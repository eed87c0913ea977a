"""Tails in a time that stands still, and messages as JetStream sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from nats.aio.msg import Msg

from app.archive.tail import Limits, Tail
from app.archive.tail_recent import Arrival


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def tail(pattern: str = "ops.>", clock: Clock | None = None, **limits: Any) -> Tail:
    """A tail that has said nothing yet."""
    return Tail(pattern, Limits(**limits), clock or Clock())


def arrival(sequence: int, subject: str = "ops.a", payload: bytes = b"{}") -> Arrival:
    reply = f"$JS.ACK.ops.tails.1.{sequence}.{sequence}.1700000000000000000.0"
    return Arrival(Msg(_client=cast("Any", None), subject=subject, reply=reply, data=payload))
