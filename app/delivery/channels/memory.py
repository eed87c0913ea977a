"""A channel that keeps what it is given: for tests, and for trying a hook without an endpoint."""

from __future__ import annotations

from collections.abc import Callable

from app.delivery.delivery import Delivery
from app.delivery.outcome import Delivered, Outcome


class Memory:
    """Keeps each delivery, then answers with what `answer` says."""

    def __init__(self, answer: Callable[[Delivery], Outcome] = lambda _: Delivered()) -> None:
        self.deliveries: list[Delivery] = []
        self._answer = answer

    async def send(self, delivery: Delivery) -> Outcome:
        self.deliveries.append(delivery)
        return self._answer(delivery)
