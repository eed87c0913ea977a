"""What a message of a queue means: which delivery is owed, and what has been tried. One class a kind of queue.

A target has at most two queues: its subject on `ops-parked`, and where its hook is ordered a consumer on `ops`.
`drain.py` works them off, the same for both.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig

from app.delivery import records
from app.delivery.delivery import Delivery, Received, Target, delivery_of
from app.delivery.park import debt_of, number, own_headers, text
from app.delivery.retry import Debt
from app.events import cloudevent
from app.jetstream.place import place_of
from streams import consumers
from streams.subjects import OPS, PARKED

WINDOW: Final = 512  # events of one target that are worked on at a time: enough for a full lane and what follows it


@dataclass(frozen=True, slots=True)
class Owed:
    """A delivery that is owed."""

    delivery: Delivery
    debt: Debt


class Targets(Protocol):
    """The targets as they are now, by key."""

    def target(self, key: str) -> Target | None:
        """None where there is none, or none that can be read."""

    def is_gone(self, key: str) -> bool:
        """Whether there is none, as far as this process knows; False while in doubt."""

    async def confirm_gone(self, key: str) -> bool:
        """Whether there is none, as the server knows now. Raises: UnavailableError."""

    async def wants(self, key: str, received: Received) -> bool | None:
        """Whether the hook's keywords want an event; None where that cannot be decided."""


class Queue(Protocol):
    """Where a target's events wait."""

    stream: str
    window: int  # events that are worked on at a time
    # Nobody else reads what is here: what is settled may be removed, a later copy put at its end, and the consumer goes
    # whenever nothing is owed.
    owned: bool

    @property
    def consumer(self) -> ConsumerConfig:
        """How the consumer is to be now."""

    @property
    def ends(self) -> float:
        """From when on nothing new is for this queue, Unix seconds; infinite where it has no end."""

    async def owed(self, message: Msg, target: Target) -> Owed | None:
        """What a message stands for; None where nothing is owed for it.

        Raises:
            NotACloudEventError: it is no event.
        """


Wants = Callable[[str, Received], Awaitable[bool | None]]  # as in `Targets`
Stopped = Callable[[str], bool]  # whether a replay was stopped


class ParkedQueue:
    """A target's events on `ops-parked`."""

    stream = PARKED
    window = WINDOW
    owned = True

    def __init__(self, key: str, replicas: int, wants: Wants, stopped: Stopped) -> None:
        self._key = key
        self._wants = wants
        self._stopped = stopped
        self.consumer = consumers.parked_drain(key, replicas)
        self.ends = math.inf

    async def owed(self, message: Msg, target: Target) -> Owed | None:
        headers = message.headers or {}
        replay = headers.get(records.REPLAY, "")
        if replay and self._stopped(replay):
            return None
        own = own_headers(headers)
        received = Received(
            event=cloudevent.read(message.data, own),
            payload=message.data,
            structured=cloudevent.is_structured(own),
            headers=own,
            subject=text(headers, records.SUBJECT),
            sequence=int(number(headers, records.SEQUENCE)),
            stored=number(headers, records.STORED),
        )
        if records.UNDECIDED in headers and await self._wants(self._key, received) is False:
            return None
        debt = debt_of(headers)
        identity = headers.get(records.DELIVERY) or delivery_of(received, target).id
        return Owed(Delivery(identity, target, received, replay, debt.attempts), debt)


class OrderedQueue:
    """The events of an ordered hook, straight from `ops`: the server gives them out one at a time, to all replicas."""

    stream = OPS
    window = 1
    owned = False

    def __init__(
        self, key: str, consumer: Callable[[], ConsumerConfig], ends: Callable[[], float], wants: Wants
    ) -> None:
        self._key = key
        self._consumer = consumer
        self._ends = ends
        self._wants = wants

    @property
    def consumer(self) -> ConsumerConfig:
        return self._consumer()

    @property
    def ends(self) -> float:
        """When the hook has ceased to be ordered; later events come another way."""
        return self._ends()

    async def owed(self, message: Msg, target: Target) -> Owed | None:
        headers = message.headers or {}
        place = place_of(message.reply)
        received = Received(
            event=cloudevent.read(message.data, headers),
            payload=message.data,
            structured=cloudevent.is_structured(headers),
            headers=headers,
            subject=message.subject,
            sequence=place.sequence,
            stored=place.stored,
        )
        if place.stored > self.ends:
            return None
        if await self._wants(self._key, received) is False:  # undecided: an event too many rather than one too few
            return None
        return Owed(delivery_of(received, target), Debt())
