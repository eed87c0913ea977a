from __future__ import annotations

import asyncio

import pytest

from app.ingress.haste import Haste


async def test_what_is_done_in_time_is_given_back() -> None:
    haste = Haste(10)
    assert await haste.bound(asyncio.sleep(0, "done")) == "done"


async def test_what_takes_too_long_ends_and_the_task_goes_on() -> None:
    haste = Haste(0.01, sweep=0.01)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await haste.bound(asyncio.Event().wait())
        await asyncio.sleep(0.03)  # a sweep finds nobody, and is not begun again until somebody comes


async def test_only_those_that_take_too_long_are_ended() -> None:
    slow, quick = Haste(0.01, sweep=0.01), asyncio.Event()

    async def wait(event: asyncio.Event) -> bool:
        return await slow.bound(event.wait())

    async with asyncio.timeout(10):
        late = asyncio.create_task(wait(asyncio.Event()))
        soon = asyncio.create_task(wait(quick))
        quick.set()
        assert await soon
        with pytest.raises(TimeoutError):
            await late


async def test_who_is_cancelled_by_somebody_else_stays_cancelled() -> None:
    task = asyncio.create_task(Haste(10).bound(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
