"""Whose turn it is to probe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.delivery.backlog import probes
from app.delivery.backlog.probes import AN_ORIGIN, OF_ALL, Turns, origin_of
from tests.unit.delivery.doubles import PROMPTLY, background

ONE, OTHER = "http://one.example", "http://other.example"
AGES = 1000.0  # seconds


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An origin has its next turn in ages, so that only being found alive ends a wait."""
    monkeypatch.setattr(probes, "AN_ORIGIN", AGES)
    monkeypatch.setattr(probes, "OF_ALL", 0.0)


@asynccontextmanager
async def waiting(
    turns: Turns, *origins: str, changed: asyncio.Event | None = None
) -> AsyncIterator[list[asyncio.Task[bool]]]:
    """Who waits for a turn, each since a moment ago."""
    tasks = [asyncio.create_task(turns.take(origin, changed or asyncio.Event())) for origin in origins]
    async with background(*tasks):
        for _ in range(10):
            await asyncio.sleep(0)
        yield tasks


async def take(turns: Turns, origin: str) -> bool:
    return await asyncio.wait_for(turns.take(origin, asyncio.Event()), PROMPTLY)


async def test_the_first_goes_at_once_and_the_next_of_its_origin_waits(unhurried: None) -> None:
    turns = Turns()
    async with waiting(turns, ONE, ONE, OTHER) as (first, next_one, other):
        assert [task.done() for task in (first, next_one, other)] == [True, False, True]


async def test_all_that_wait_for_an_origin_go_when_it_is_found_alive(unhurried: None) -> None:
    turns = Turns()
    async with waiting(turns, ONE, OTHER, ONE, ONE, OTHER) as tasks:
        turns.alive(ONE)
        assert all(await asyncio.wait_for(asyncio.gather(tasks[2], tasks[3]), PROMPTLY))
        assert not tasks[4].done(), "the other origin has not been found alive"


async def test_an_origin_that_was_found_alive_is_probed_at_once_when_it_fails_again(unhurried: None) -> None:
    turns = Turns()
    await take(turns, ONE)
    turns.alive(ONE)
    await take(turns, ONE)
    async with waiting(turns, ONE) as (third,):
        assert not third.done()


async def test_turns_come_in_the_order_in_which_they_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "AN_ORIGIN", 0.01)
    turns, order = Turns(), list[int]()

    async def take_and_note(number: int) -> None:
        await take(turns, ONE)
        order.append(number)

    await asyncio.gather(*map(take_and_note, range(5)))
    assert order == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("origins", [[ONE] * 4, ["a", "b", "c", "d"]], ids=["of one origin", "of any"])
async def test_turns_keep_their_distance(monkeypatch: pytest.MonkeyPatch, origins: list[str]) -> None:
    monkeypatch.setattr(probes, "AN_ORIGIN", 0.02)
    monkeypatch.setattr(probes, "OF_ALL", 0.02)
    turns, loop = Turns(), asyncio.get_running_loop()
    begin = loop.time()
    await asyncio.gather(*(take(turns, origin) for origin in origins))
    assert loop.time() - begin > 0.05


async def test_who_gives_up_waiting_takes_nobodys_turn(unhurried: None) -> None:
    turns = Turns()
    async with waiting(turns, ONE, ONE):
        pass  # the second is cancelled while it waits
    turns.alive(ONE)
    await take(turns, ONE)


async def test_who_waits_looks_up_when_something_else_has_changed(unhurried: None) -> None:
    turns, changed = Turns(), asyncio.Event()
    await take(turns, ONE)
    async with waiting(turns, ONE, changed=changed) as (task,):
        changed.set()
        assert await asyncio.wait_for(task, PROMPTLY) is False


async def test_what_is_remembered_of_origins_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "AN_ORIGIN", 1e-6)
    monkeypatch.setattr(probes, "OF_ALL", 0.0)
    monkeypatch.setattr(probes, "_REMEMBERED", 10)
    turns = Turns()
    for number in range(1000):
        async with waiting(turns, f"http://{number}.example", f"http://{number}.example"):
            pass  # the second is cancelled while it waits

    assert len(turns._next) + len(turns._waiting) < 30


async def test_an_origin_that_somebody_waits_for_is_not_forgotten(
    unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "_REMEMBERED", 1)
    turns = Turns()
    async with waiting(turns, ONE, ONE, OTHER, OTHER, "http://third.example") as tasks:
        turns.alive(ONE)
        await asyncio.wait_for(tasks[1], PROMPTLY)
        assert not tasks[3].done()


def test_two_dozen_targets_of_an_origin_have_a_probe_each_in_three_seconds() -> None:
    assert 24 * AN_ORIGIN <= 3
    assert 1 / OF_ALL == 64


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://one.example/hook?x=1#y", "http://one.example"),
        ("https://one.example:8443", "https://one.example:8443"),
        ("https://user:secret@one.example/", "https://one.example"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("ops.alerts.*", "://"),
        ("http://[broken", ""),
        ("", "://"),
    ],
)
def test_an_origin_is_scheme_host_and_port_and_holds_no_secret(url: str, origin: str) -> None:
    assert origin_of(url) == origin
