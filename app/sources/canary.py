"""Puts a canary on the stream now and again; what becomes of it is seen by `delivery/channels/canary.py`.

Every process that takes events in does so, at the same times by the clock and under an id that follows from the time:
JetStream keeps the first, so there is one a cluster, however many processes, and none is elected.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Final, NoReturn

from app.errors import TooLargeError, UnavailableError
from app.events import canary, cloudevent
from app.events.cloudevent import CloudEvent
from app.jetstream.publish import Publish
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

LONGEST: Final = 100.0  # seconds between two: within the two minutes for which JetStream knows an id
_SPREAD: Final = 0.05  # of the interval, in which processes come one after the other


class CanarySource:
    """Sends canaries as long as it runs."""

    def __init__(
        self, publish: Publish, metrics: Metrics, cluster: str, interval: float, clock: Callable[[], float] = time.time
    ) -> None:
        """A canary every `interval` seconds of the `clock`, which gives Unix seconds."""
        self._publish = publish
        self._metrics = metrics
        self._cluster = cluster
        self._interval = interval
        self._clock = clock

    async def run(self) -> NoReturn:
        """Runs until it is cancelled."""
        while True:
            await asyncio.sleep(self.pause())
            await self.send()

    def pause(self) -> float:
        """Seconds to the next one."""
        late = random.random() * _SPREAD  # noqa: S311 -- no secret
        return self._interval * (1 + late) - self._clock() % self._interval

    async def send(self) -> None:
        """One try. That one is missing is what the metrics are to show."""
        event = self._event()
        try:
            stored = await self._publish(event.subject or "", cloudevent.encode(event), cloudevent.headers(event.id))
        except (UnavailableError, TooLargeError) as error:
            log.debug("no canary was sent: %s", error)
            return
        if not stored.duplicate:
            self._metrics.canary_sent.inc()

    def _event(self) -> CloudEvent[dict[str, str]]:
        turn = int(self._clock() // self._interval)
        return CloudEvent(
            id=cloudevent.deterministic_id("canary", self._cluster, str(self._interval), str(turn)),
            type=canary.TYPE,
            subject=canary.subject_of(self._cluster),
            time=cloudevent.now(),
            cluster=self._cluster,
            data={"type": canary.TYPE, "cluster": self._cluster, "message": "shows that events get through"},
        )
