"""Handing over the message of a group: to delivery, or beyond the receiver's rate to the summary of what is held back.

It does the same however often it is asked: what is handed over has an id that the group's state gives.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from app.delivery.delivery import Delivery, Received, delivery_of
from app.delivery.dispatch import Wake
from app.delivery.park import Parking
from app.errors import UnavailableError
from app.events import cloudevent, trace_context
from app.events.cloudevent import CloudEvent
from app.events.trace_context import TraceContext
from app.jetstream.publish import Publish
from app.notifications.compose import GROUP_ADDRESS, GROUP_TYPE, group_message
from app.notifications.groups.allowance import Allowance
from app.notifications.groups.state import Handing
from app.notifications.groups.terms import beyond
from app.notifications.groups.waiting import Waiting, hold, remind
from app.notifications.receivers import PREFIX, Receivers, target_of
from app.notifications.routing.configuration import Receiver
from app.notifications.unrouted import Unrouted
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces

log = logging.getLogger(__name__)

REASON: Final = "it is the message of a group"


@dataclass(frozen=True, slots=True)
class Handover:
    """Whom it works with; called with what waits, and what is to be handed over."""

    receivers: Receivers
    allowance: Allowance
    parking: Parking
    unrouted: Unrouted
    publish: Publish
    wake: Wake
    metrics: Metrics
    cluster: str
    traces: Traces = OFF

    async def is_gone(self, waiting: Waiting) -> bool:
        """Whether the receiver is no more.

        Raises:
            UnavailableError: that is not known: this replica may not have heard of a new one yet.
        """
        key = PREFIX + waiting.receiver
        if self.receivers.receiver(key) is not None:
            return False
        if not (self.receivers.is_gone(key) and await self.receivers.confirm_gone(key)):
            raise UnavailableError(f"whether there is a receiver {waiting.receiver} is not known yet")
        return True

    async def beyond(self, waiting: Waiting) -> float | None:
        """Take one message of the receiver's rate; where there is none left, the seconds until there is.

        Raises:
            UnavailableError: JetStream is away.
        """
        receiver = self.receivers.receiver(PREFIX + waiting.receiver)
        if receiver is None or receiver.allowed is None:
            return None
        seconds = await self.allowance.take(waiting.receiver, receiver.allowed)
        return None if waiting.terms.held else seconds or None  # a summary is one of them, and goes whatever is left

    async def __call__(self, waiting: Waiting, handing: Handing) -> None:
        """Hand it over; raises what `is_gone` does."""
        receiver = self.receivers.receiver(PREFIX + waiting.receiver)
        if receiver is None:
            if await self.is_gone(waiting):
                log.warning("the receiver %s is gone, and a message for it", waiting.receiver)
            return
        with self._traced(handing) as trace:
            delivery = delivery_of(self._received(waiting, handing, trace), target_of(receiver))
            await self._hand_over(waiting, handing, receiver, delivery)

    def _traced(self, handing: Handing) -> AbstractContextManager[TraceContext | None]:
        """A trace of its own, with links to those of what is told."""
        links = [found for parent in handing.traces if (found := trace_context.read(parent)) is not None]
        span = self.traces.gather("tell group", "internal", links) if links else None
        return nullcontext() if span is None else span.stepping()

    async def _hand_over(self, waiting: Waiting, handing: Handing, receiver: Receiver, delivery: Delivery) -> None:
        if handing.beyond is not None and receiver.allowed is not None:
            await hold(self.publish, delivery, waiting.receiver, beyond(receiver.allowed, handing.beyond))
        else:
            await self._park(delivery)
        if handing.remind:
            await remind(self.publish, waiting, handing.id)

    async def leave_unrouted(self, waiting: Waiting, originals: AsyncIterator[Received]) -> None:
        """Keep what waits for a receiver that is gone as notifications that reach nobody."""
        reason = f"its receiver {waiting.receiver} is gone"
        number = 0
        async for received in originals:
            if group_message(received) is None:  # a message of a group was made of others
                await self.unrouted.keep(received, reason)
                number += 1
        log.warning("%d notifications reach nobody: their receiver %s is gone", number, waiting.receiver)

    async def _park(self, delivery: Delivery) -> None:
        await self.parking.park(delivery, REASON)
        self.metrics.notification_groups_told.inc()
        self.wake(delivery.target.key)

    def _received(self, waiting: Waiting, handing: Handing, trace: TraceContext | None) -> Received:
        event = CloudEvent[object](
            id=handing.id,
            type=GROUP_TYPE,
            subject=f"{GROUP_ADDRESS}{waiting.receiver}",
            cluster=self.cluster,
            data=handing.data,
        )
        headers = {"Content-Type": cloudevent.CONTENT_TYPE, **(trace.attributes if trace is not None else {})}
        return Received(
            event, cloudevent.encode(event), headers=headers, subject=event.subject or "", stored=waiting.stored
        )
