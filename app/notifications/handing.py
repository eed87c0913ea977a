"""Which way a notification goes to each of its receivers: at once, with its group, or with what is held back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.delivery.delivery import Delivery, Received, delivery_of
from app.jetstream.publish import Publish
from app.notifications.configuration import Group
from app.notifications.groups.allowance import Allowance
from app.notifications.groups.terms import Terms, beyond, terms_of
from app.notifications.groups.waiting import hold
from app.notifications.notification import Notification
from app.notifications.receivers import PREFIX, Receivers, target_of
from app.telemetry.metrics import Metrics


class Way(NamedTuple):
    """A delivery, and the receiver's name."""

    receiver: str
    delivery: Delivery


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
            UnavailableError: JetStream is away or full.
            TooLargeError: the event is too large with what is written down of it.
        """
        now: list[Delivery] = []
        for name, group in groups.items():
            receiver = self.receivers.receiver(PREFIX + name)
            if receiver is None:
                continue
            delivery = delivery_of(received, target_of(receiver))
            if group is not None:  # whether it is silenced counts when the group is told
                await self._hold(delivery, name, terms_of(group, said))
            elif self._is_muted(said):
                continue
            elif receiver.allowed is not None and (seconds := await self.allowance.take(name, receiver.allowed)):
                await self._hold(delivery, name, beyond(receiver.allowed, seconds))
            else:
                now.append(delivery)
        return now

    async def _hold(self, delivery: Delivery, name: str, terms: Terms) -> None:
        (self.metrics.notifications_held_back if terms.held else self.metrics.notifications_grouped).inc()
        await hold(self.publish, delivery, name, terms)

    def _is_muted(self, said: Notification) -> bool:
        muted = self.mutes(said)
        if muted:
            self.metrics.notifications_silenced.inc()
        return muted
