"""What is to be delivered: an event that came in, a target, and the pair of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.events import readable
from app.events.cloudevent import CloudEvent


@dataclass(frozen=True)
class Received:
    """An event as it came from the stream."""

    event: CloudEvent[Any]
    payload: bytes  # the message as it was stored
    structured: bool = True  # `payload` is the event as structured JSON

    @cached_property
    def text(self) -> str:
        """The readable text, made once however many hooks read it."""
        return readable.text(self.event)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery goes. The URL may hold a secret: it stays out of logs, metrics and errors."""

    key: str  # names the target everywhere: `hooks.{namespace}.{name}`
    channel: str
    url: str
    additional: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one target. A repeat carries the same id."""

    id: str
    target: Target
    received: Received


def delivery_of(received: Received, target: Target) -> Delivery:
    event = received.event
    identity = f"{target.key}\n{event.id}\n{event.source}".encode("utf-8", "surrogatepass")
    return Delivery(hashlib.blake2b(identity, digest_size=16).hexdigest(), target, received)
