"""For a process that matches but does not drain: whether its targets are still behind. Others work that off."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection
from typing import Final, NoReturn

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from app.delivery.attempt import Lanes
from app.delivery.backlog.drains import owed_to
from app.delivery.lane import Lane
from streams.consumers import durable
from streams.subjects import PARKED

log = logging.getLogger(__name__)

EVERY: Final = 2.0  # seconds between two looks
_AT_A_TIME: Final = 20  # targets that are asked about one by one at each look


class Onlooker:
    """Lets a target have its events at once again when none is parked for it that nobody has begun with.

    Those that come again by their own schedule hold up nobody. A target that is down all the same is found to be so
    by the next two events.
    """

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    async def run(self, client: Client) -> NoReturn:
        """Look now and again. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._look(client)
            except (NatsError, APIError, TimeoutError) as error:
                log.debug("what is parked cannot be seen now (%s)", type(error).__name__)

    async def _look(self, client: Client) -> None:
        if not client.is_connected:  # nats-py would keep each question, and ask them all at its return
            return
        held_up = self._lanes.held_up()
        owed = await owed_to(client) if held_up else set()
        for target in held_up - owed:
            _let_through(self._lanes[target])
        for target in _some(held_up & owed):
            if not await _waits(client, target):
                _let_through(self._lanes[target])


def _some(targets: Collection[str]) -> Collection[str]:
    return random.sample(sorted(targets), min(len(targets), _AT_A_TIME))


async def _waits(client: Client, target: str) -> bool:
    """Whether something is parked for a target that nobody has begun with."""
    try:
        return bool((await client.jetstream().consumer_info(PARKED, durable(target))).num_pending)
    except NotFoundError:  # nobody drains it yet
        return True


def _let_through(lane: Lane) -> None:
    if lane.breaker.probe_in > 0:  # it rests; nobody here probes, so the next events will
        return
    lane.breaker.close()
    lane.catch_up()
