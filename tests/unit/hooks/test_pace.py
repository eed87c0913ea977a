from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.hooks.replays.pace import Pace


@dataclass
class Clock:
    """A clock that only sleeping, or the test, moves."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


async def test_turns_come_at_the_rate() -> None:
    clock = Clock()
    pace = Pace(20, clock, clock.sleep)
    for _ in range(101):
        await pace.take(1)
    assert clock.now == pytest.approx(105)


async def test_many_turns_at_once_cost_as_much_as_one_by_one() -> None:
    clock = Clock()
    pace = Pace(20, clock, clock.sleep)
    for _ in range(11):
        await pace.take(10)
    assert clock.now == pytest.approx(105)


async def test_no_turns_cost_nothing() -> None:
    clock = Clock()
    pace = Pace(1, clock, clock.sleep)
    await pace.take(0)
    await pace.take(0)
    assert clock.now == 100


async def test_turns_that_nobody_took_are_not_saved_up() -> None:
    clock = Clock()
    pace = Pace(10, clock, clock.sleep)
    clock.now += 3600
    for _ in range(11):
        await pace.take(1)
    assert clock.now == pytest.approx(3701)
