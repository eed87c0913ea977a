"""Work beside the reading of a stream."""

from __future__ import annotations

import asyncio

from app.jetstream.beside import Beside


async def test_no_more_is_under_way_than_there_are_places() -> None:
    beside, go, begun = Beside(2), asyncio.Event(), list[int]()

    async def work(number: int) -> None:
        begun.append(number)
        await go.wait()

    async def begin_three() -> None:
        for number in range(3):
            await beside.begin(work(number))

    beginning = asyncio.create_task(begin_three())
    for _ in range(10):
        await asyncio.sleep(0)
    assert (begun, beginning.done()) == ([0, 1], False)
    go.set()
    await beginning
    await beside.finish()
    assert begun == [0, 1, 2]


async def test_the_end_waits_for_what_is_under_way_and_for_what_that_begins() -> None:
    beside, done = Beside(5), list[str]()

    async def second() -> None:
        await asyncio.sleep(0)
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        await beside.begin(second())
        done.append("first")

    await beside.begin(first())
    await beside.finish()
    assert done == ["first", "second"]
