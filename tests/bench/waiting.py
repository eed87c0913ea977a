"""Notifications that wait for long: what they cost meanwhile, and whether they are in the way of others."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from streams.subjects import GROUPS, NOTIFICATIONS_MATCHER, OPS, PENDING
from tests.bench.notifying import Receivers, environment, publish, receiving, until
from tests.bench.programs import Program, WrongError
from tests.bench.report import Figure
from tests.bench.rig import Rig, app_on, rig
from tests.bench.scale import Scale

_WAITING: Final = 2.5  # of the scale's events: 50,000
_GROUPS: Final = 10
_PATIENCE: Final = 120.0
_SHARE: Final = 10.0  # percent of a core
_WAIT: Final = 1.0  # seconds that the group of the others waits
_WITHIN: Final = 1.0  # seconds that its message may take after that
_ROUTES: Final = [
    {"match": {"channel": "long"}, "receivers": ["r"], "group": {"by": ["cluster"], "wait": "1h", "repeat": "4h"}},
    {"match": {"channel": "soon"}, "receivers": ["r"], "group": {"wait": _WAIT, "interval": _WAIT}},
]


async def measure(scale: Scale) -> list[Figure]:
    count = int(scale.events * _WAITING)
    async with (
        rig() as on,
        receiving() as receivers,
        app_on(on, **environment(on, receivers, ["r"], _ROUTES)) as app,
    ):
        await publish(on, count, ["long"], _GROUPS)
        await _waits(on, count)
        busy = [await _busy(app, scale.steady_seconds) for _ in range(scale.rounds)]
        soon = [await _soon(on, receivers) for _ in range(scale.rounds)]
    waiting = f"{count:,} that wait for an hour"
    return [
        Figure(f"{waiting}: CPU", "% of a core", busy, at_most=_SHARE),
        Figure(f"beside {waiting}: a message, after its wait of {_WAIT:g} s", "s", soon, at_most=_WITHIN),
    ]


async def _waits(on: Rig, count: int) -> None:
    """Until each has been put back."""
    stream, start = on.client.jetstream(), time.monotonic()
    while time.monotonic() - start < _PATIENCE:
        matcher = await stream.consumer_info(OPS, NOTIFICATIONS_MATCHER)
        groups = await stream.consumer_info(PENDING, GROUPS)
        if not (matcher.num_pending or matcher.num_ack_pending or groups.num_pending):
            if groups.num_ack_pending != count:
                raise WrongError(f"{groups.num_ack_pending} of {count} notifications wait")
            await asyncio.sleep(1)
            return
        await asyncio.sleep(0.1)
    raise WrongError(f"{count} notifications do not wait after {_PATIENCE:.0f} s")


async def _busy(app: Program, seconds: float) -> float:
    before, start = app.cpu(), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (app.cpu() - before) / (time.monotonic() - start)


async def _soon(on: Rig, receivers: Receivers) -> float:
    """Seconds after its wait until a group's message is there."""
    told, began = receivers.sum(), time.monotonic()
    await publish(on, 3, ["soon"])
    await until(lambda: receivers.sum() > told)
    took = receivers.last - began - _WAIT
    await asyncio.sleep(2 * _WAIT)
    return took
