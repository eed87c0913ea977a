"""How many messages a receiver may get, over all processes."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client

from app.errors import UnavailableError
from app.jetstream.bucket import Bucket
from app.notifications.destinations.rates import Rate
from app.notifications.groups.allowance import Allowance
from tests.servers import NatsServer

HOUR = 3600.0
BEGIN = 1_000 * HOUR


class Clock:
    now = BEGIN

    def __call__(self) -> float:
        return self.now


def process(client: Client, clock: Clock) -> Allowance:
    return Allowance(Bucket(lambda: client, "ops-groups"), clock)


async def granted(allowance: Allowance, rate: Rate, asked: int, receiver: str = "oncall") -> int:
    """How many of so many messages are granted that are asked for at once."""
    waits = await asyncio.gather(*(allowance.take(receiver, rate) for _ in range(asked)))
    return waits.count(0.0)


async def test_two_processes_share_a_rate(client: Client) -> None:
    clock, rate = Clock(), Rate(limit=100, per=HOUR)
    numbers = await asyncio.gather(*(granted(process(client, clock), rate, 80) for _ in range(2)))
    assert sum(numbers) == 100
    assert await granted(process(client, clock), rate, 5) == 0


async def test_who_is_not_granted_is_told_until_when(client: Client) -> None:
    clock, rate = Clock(), Rate(limit=1, per=HOUR)
    clock.now += 600
    allowance = process(client, clock)
    assert [await allowance.take("oncall", rate) for _ in range(2)] == [0.0, 3000.0]


async def test_each_window_has_its_own(client: Client) -> None:
    clock, rate = Clock(), Rate(limit=3, per=HOUR)
    allowance = process(client, clock)
    numbers = []
    for _ in range(3):
        numbers.append(await granted(allowance, rate, 10))
        clock.now += HOUR
    assert numbers == [3, 3, 3]


async def test_a_restart_grants_no_more(client: Client) -> None:
    clock, rate = Clock(), Rate(limit=10, per=HOUR)
    assert await granted(process(client, clock), rate, 6) == 6
    assert await granted(process(client, clock), rate, 10) == 4


async def test_receivers_have_rates_of_their_own(client: Client) -> None:
    allowance, rate = process(client, Clock()), Rate(limit=2, per=HOUR)
    assert [await granted(allowance, rate, 5, name) for name in ("a", "b")] == [2, 2]


async def test_a_rate_that_is_raised_counts_at_once_and_one_that_is_lowered_too(client: Client) -> None:
    allowance = process(client, Clock())
    assert await granted(allowance, Rate(limit=2, per=HOUR), 5) == 2
    assert await granted(allowance, Rate(limit=5, per=HOUR), 5) == 3
    assert await granted(allowance, Rate(limit=4, per=HOUR), 5) == 0


async def test_a_process_whose_clock_is_behind_gives_no_window_twice(client: Client) -> None:
    behind, ahead, rate = Clock(), Clock(), Rate(limit=4, per=HOUR)
    behind.now -= 1
    numbers = []
    for _ in range(3):
        numbers.append(await granted(process(client, ahead), rate, 1))
        numbers.append(await granted(process(client, behind), rate, 1))
    assert sum(numbers) == 4


async def test_what_is_no_count_begins_anew(client: Client) -> None:
    await Bucket(lambda: client, "ops-groups").put("oncall.rate", b"nothing")
    assert await granted(process(client, Clock()), Rate(limit=2, per=HOUR), 5) == 2


async def test_nothing_is_granted_while_jetstream_is_away(client: Client, nats_server: NatsServer) -> None:
    allowance, rate = process(client, Clock()), Rate(limit=2, per=HOUR)
    await nats_server.kill()
    with pytest.raises(UnavailableError):
        await allowance.take("oncall", rate)
