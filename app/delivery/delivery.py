"""What is to be delivered: an event that came in, a target, and the pair of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.events import readable
from app.events.cloudevent import CloudEvent
from app.events.trace_context import TraceContext, carried


@dataclass  # not frozen, nor is `Delivery`: one is made for every event, and freezing costs 1 µs
class Received:
    """An event as it came from the stream; never changed."""

    event: CloudEvent[Any]
    payload: bytes  # the message as it was stored
    structured: bool = True  # `payload` is the event as structured JSON
    headers: Mapping[str, str] = field(default_factory=dict)  # as they were stored
    subject: str = ""  # that it was stored on
    sequence: int = 0  # in the stream `ops`; 0: unknown
    stored: float = 0.0  # when `ops` took it, Unix seconds; 0: unknown
    seen: int = 0  # when the matcher had it, Unix nanoseconds; 0: it is not traced

    @cached_property
    def text(self) -> str:
        """The readable text, made once however many hooks read it."""
        return readable.text(self.event)

    @cached_property
    def trace(self) -> TraceContext | None:
        """The trace that it belongs to; each step that is recorded puts itself in the place of the one before."""
        return carried(self.headers, self.event.model_extra)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery goes. URL and options may hold secrets: what is shown of them, `masking.py` says."""

    key: str  # names the target everywhere: `hooks.{namespace}.{name}`
    channel: str
    url: str = field(repr=False)
    additional: str
    options: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class Delivery:
    """One event for one target. A repeat carries the same id."""

    id: str
    target: Target
    received: Received
    replay: str = ""  # the replay that brings it
    attempts: int = 0  # made before
    undecided: bool = False  # whether the hook wants it is not known yet
    trace: TraceContext | None = None  # of the attempt that is being made


def named(what: Received | Delivery) -> dict[str, str]:
    """What a line of the log says that it is about."""
    received = what.received if isinstance(what, Delivery) else what
    target = {"target": what.target.key} if isinstance(what, Delivery) else {}
    return {**target, "event": received.event.id, "subject": received.subject}


def delivery_of(received: Received, target: Target) -> Delivery:
    event = received.event
    identity = f"{target.key}\n{event.id}\n{event.source}".encode("utf-8", "surrogatepass")
    return Delivery(hashlib.blake2b(identity, digest_size=16).hexdigest(), target, received)
