"""Which way a notification goes to each of its receivers: at once, with its group, or with what is held back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.delivery.delivery import Delivery, Received, delivery_of
from app.errors import TooLargeError, UnavailableError
from app.jetstream.publish import Publish
from app.notifications.groups.allowance import Allowance
from app.notifications.groups.terms import Terms, beyond, terms_of
from app.notifications.groups.waiting import hold
from app.notifications.notification import Notification
from app.notifications.receivers import PREFIX, Receivers, target_of
from app.notifications.routing.configuration import Group, Receiver
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """Sorts a notification's deliveries, and has those wait that do not go at once."""

    receivers: Receivers
    allowance: Allowance
    publish: Publish
    metrics: Metrics
    mutes: Callable[[Notification], bool]

    def at_once(
        self, received: Received, groups: Mapping[str, Group | None], said: Notification
    ) -> list[Delivery] | None:
        """The deliveries, where all of them go at once and nothing has to be asked; else None."""
        found = [self.receivers.receiver(PREFIX + name) for name in groups]
        if any(groups.values()) or any(receiver is not None and receiver.allowed for receiver in found):
            return None
        if self._is_muted(said):
            return []
        return [delivery_of(received, target_of(receiver)) for receiver in found if receiver is not None]

    async def sorted_out(
        self, received: Received, groups: Mapping[str, Group | None], said: Notification
    ) -> list[Delivery]:
        """The deliveries that go at once; the others wait in JetStream when this returns.

        Raises:
            UnavailableError: JetStream is away or full, or a receiver has gone meanwhile.
        """
        now: list[Delivery] = []
        for name, group in groups.items():
            receiver = self.receivers.receiver(PREFIX + name)
            if receiver is None:
                raise UnavailableError(f"the receiver {name} was removed just now: it is routed again")
            delivery = delivery_of(received, target_of(receiver))
            terms = await self._terms(receiver, group, said)
            if terms is None or not await self._is_held(delivery, name, terms):
                now.append(delivery)
        return [delivery for delivery in now if not self._is_muted(said)]

    async def _terms(self, receiver: Receiver, group: Group | None, said: Notification) -> Terms | None:
        """On which terms it waits, if it does."""
        if group is not None:  # whether it is silenced counts when the group is told
            return terms_of(group, said)
        if receiver.allowed is None or self.mutes(said):
            return None
        seconds = await self.allowance.take(receiver.name, receiver.allowed)
        return beyond(receiver.allowed, seconds) if seconds else None

    async def _is_held(self, delivery: Delivery, name: str, terms: Terms) -> bool:
        """Have it wait; false where it is too large for what is written down with it, and has to go at once."""
        try:
            await hold(self.publish, delivery, name, terms)
        except TooLargeError as error:
            log.warning("a notification on %s goes to %s on its own: %s", delivery.received.subject, name, error)
            return False
        (self.metrics.notifications_held_back if terms.held else self.metrics.notifications_grouped).inc()
        return True

    def _is_muted(self, said: Notification) -> bool:
        muted = self.mutes(said)
        if muted:
            self.metrics.notifications_silenced.inc()
        return muted
