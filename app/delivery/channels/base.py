"""What a channel is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.delivery.delivery import Delivery
from app.delivery.outcome import Outcome


class Channel(Protocol):
    """Sends a delivery once. Never raises for what an endpoint or a network does: that is an outcome."""

    async def send(self, delivery: Delivery) -> Outcome: ...


Channels = Mapping[str, Channel]
