"""Tasks that are ended do end, also where a cancellation is swallowed."""

from __future__ import annotations

import asyncio

import pytest

from app.jetstream import ending
from app.jetstream.ending import end

PROMPTLY = 10.0  # seconds: far more than anything here takes


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_AGAIN", 0.02)


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    rounds = 0

    async def ask_for_ever() -> None:
        nonlocal rounds
        while True:
            await asyncio.wait_for(asyncio.sleep(PROMPTLY) if rounds else answer, PROMPTLY)
            rounds += 1

    task = asyncio.create_task(ask_for_ever())
    await asyncio.sleep(0)
    answer.set_result(None)
    async with asyncio.timeout(PROMPTLY / 2):
        await end([task])
    assert task.cancelled()


async def test_a_task_may_clean_up_before_it_ends() -> None:
    cleaned = False

    async def work() -> None:
        nonlocal cleaned
        try:
            await asyncio.sleep(PROMPTLY)
        finally:
            await asyncio.sleep(0)
            cleaned = True

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await end([task])
    assert cleaned


async def test_tasks_that_have_ended_or_failed_are_no_trouble() -> None:
    async def fail() -> None:
        raise LookupError

    failed, ended = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(0))
    await asyncio.wait({failed, ended})
    await end([failed, ended])
    await end([])


async def test_a_task_that_fails_while_it_ends_is_no_trouble() -> None:
    async def fail_at_the_end() -> None:
        try:
            await asyncio.sleep(PROMPTLY)
        finally:
            raise LookupError

    task = asyncio.create_task(fail_at_the_end())
    await asyncio.sleep(0)
    await end([task])
    assert isinstance(task.exception(), LookupError)
