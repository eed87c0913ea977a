"""The channel of the built-in hook: the canary has arrived, and how long that took. Sent by `sources/canary.py`.

It is no hook of a user's: it has no resource, cannot be asked for, paused or replayed, and always takes what it gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from app.delivery.delivery import Delivery, Target
from app.delivery.outcome import Delivered, Outcome
from app.telemetry.metrics import Metrics

CHANNEL: Final = "canary"
CANARY: Final = Target("canary.ops.arrived", CHANNEL, "", "", {})


class Canary:
    """Notes the arrival."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds; that of another machine may have made the event, so time may run backwards."""
        self._metrics = metrics
        self._clock = clock

    async def send(self, delivery: Delivery) -> Outcome:
        made, now = delivery.received.event.time, self._clock()
        if made is not None:
            self._metrics.canary_seconds.observe(max(0.0, now - made.timestamp()))
            self._metrics.canary_success.set(now)
        return Delivered()
