"""Notifications that no route takes: kept as dead letters of a target of their own, to be seen and routed again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from app.delivery.delivery import Delivery, Received, Target, delivery_of, named
from app.delivery.dispatch import Wake
from app.delivery.outcome import Delivered, Outcome, Refused, TryLater
from app.delivery.park import Parking
from app.delivery.retry import Debt
from app.errors import OpsError
from app.jetstream.publish import Publish
from app.notifications.handing import Ways
from app.notifications.notification import notification_of
from app.notifications.receivers import Receivers
from app.notifications.routing.route import routed
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

CHANNEL: Final = "reroute"
UNROUTED: Final = Target("notifications.unrouted.events", CHANNEL, "", "", {})
REASON: Final = "no route takes it, and there is no default receiver"

_NOTHING: Final = Debt()
_ADDRESSES: Final = 1_000  # subjects that the log has told of


class Unrouted:
    """Keeps them, and counts them. The log tells of each subject once."""

    def __init__(self, parking: Parking, metrics: Metrics) -> None:
        self._parking = parking
        self._metrics = metrics
        self._told: set[str] = set()

    async def keep(self, received: Received, reason: str = REASON) -> None:
        """Return once it is kept, with the reason why it reaches nobody.

        Raises:
            UnavailableError: JetStream is away or full.
        """
        await self._parking.bury(delivery_of(received, UNROUTED), reason, _NOTHING, copy="-unrouted")
        self._metrics.notifications_unrouted.inc()
        if received.subject not in self._told and len(self._told) < _ADDRESSES:
            self._told.add(received.subject)
            log.warning("%s is unrouted: %s", received.subject, reason, extra=named(received))


@dataclass(frozen=True, slots=True)
class Reroute:
    """The channel of what is routed once more."""

    receivers: Receivers
    ways: Ways
    parking: Parking
    publish: Publish
    wake: Wake

    async def send(self, delivery: Delivery) -> Outcome:
        current = self.receivers.current()
        if current is None:
            return TryLater("the receivers are not known yet")
        said = notification_of(delivery.received.subject, delivery.received.event.data)
        where = routed(current.configuration, said)
        if not where.receivers:
            return Refused(REASON)
        try:
            for one in await self.ways.sorted_out(delivery.received, where.ways, said):
                await self.parking.park(one, "routed again")
                self.wake(one.target.key)
        except OpsError as error:
            return TryLater(str(error))
        return Delivered()
