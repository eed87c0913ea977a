"""Many publications at a time: order within an object, a bound, and known up to where all are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from app.errors import UnavailableError
from app.sources.kubernetes.checkpoint import NOTHING, Checkpoint
from app.sources.kubernetes.pipeline import Begin, Pipeline


@dataclass
class Held:
    """Sends that end when they are let go."""

    started: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)

    async def send(self, name: str) -> None:
        self.started.append(name)
        await self.gates.setdefault(name, asyncio.Event()).wait()
        self.done.append(name)

    def release(self, *names: str) -> None:
        for name in names:
            self.gates.setdefault(name, asyncio.Event()).set()


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def pipeline() -> AsyncIterator[Pipeline]:
    made = Pipeline(_raise)
    yield made
    await made.finish(0)


def _raise(error: BaseException) -> None:
    raise error


async def put(pipeline: Pipeline, held: Held, key: str, version: str, observed: float = 0.0) -> None:
    await pipeline.put(key, Checkpoint(version, observed), lambda: held.send(version))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_changes_of_different_objects_are_on_their_way_together(pipeline: Pipeline, held: Held) -> None:
    await put(pipeline, held, "a", "1")
    await put(pipeline, held, "b", "2")
    await settle()
    assert held.started == ["1", "2"]


async def test_changes_of_one_object_go_one_after_the_other(pipeline: Pipeline, held: Held) -> None:
    for version in ("1", "2", "3"):
        await put(pipeline, held, "a", version)
    held.release("2", "3")
    await settle()
    assert held.started == ["1"]
    held.release("1")
    await settle()
    assert held.done == ["1", "2", "3"]


async def test_progress_waits_for_the_oldest_change_that_is_not_done(pipeline: Pipeline, held: Held) -> None:
    await put(pipeline, held, "a", "1", 10.0)
    await put(pipeline, held, "b", "2", 30.0)
    await put(pipeline, held, "c", "3", 20.0)
    held.release("2", "3")
    await settle()
    assert pipeline.progress == NOTHING
    held.release("1")
    await settle()
    assert pipeline.progress == Checkpoint("3", 30.0)


async def test_what_needs_no_publication_moves_the_progress_in_its_turn(pipeline: Pipeline, held: Held) -> None:
    pipeline.reached("1")
    assert pipeline.progress.version == "1"
    await put(pipeline, held, "a", "2")
    pipeline.reached("3")
    assert pipeline.progress.version == "1"
    held.release("2")
    await settle()
    assert pipeline.progress.version == "3"


async def test_parts_of_a_list_move_it_only_once_the_list_is_complete(pipeline: Pipeline, held: Held) -> None:
    pipeline.reached("5")
    await pipeline.put("a", NOTHING, lambda: held.send("x"))
    pipeline.reached("9")
    await settle()
    assert pipeline.progress.version == "5"
    held.release("x")
    await settle()
    assert pipeline.progress.version == "9"


async def test_who_puts_waits_while_too_much_is_on_its_way(held: Held) -> None:
    pipeline = Pipeline(_raise, at_once=2)
    await put(pipeline, held, "a", "1")
    await put(pipeline, held, "b", "2")
    third = asyncio.create_task(put(pipeline, held, "c", "3"))
    await settle()
    assert not third.done()
    held.release("2")
    await settle()
    assert third.done()
    await pipeline.finish(0)


async def test_what_begins_at_once_is_not_sent_again(pipeline: Pipeline, held: Held) -> None:
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await pipeline.put("a", Checkpoint("1"), lambda: held.send("1"), _beginning(begun))
    assert pipeline.progress == NOTHING
    begun.set_result(None)
    await settle()
    assert (pipeline.progress.version, held.started) == ("1", [])


async def test_what_began_and_failed_is_sent(pipeline: Pipeline, held: Held) -> None:
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await pipeline.put("a", Checkpoint("1"), lambda: held.send("1"), _beginning(begun))
    await put(pipeline, held, "a", "2")
    begun.set_exception(UnavailableError("no answer"))
    await settle()
    assert (pipeline.progress, held.started) == (NOTHING, ["1"])
    held.release("1", "2")
    await settle()
    assert (pipeline.progress.version, held.done) == ("2", ["1", "2"])


async def test_what_cannot_begin_is_sent(pipeline: Pipeline, held: Held) -> None:
    async def begin() -> asyncio.Future[None]:
        raise UnavailableError("NATS is not connected")

    held.release("1")
    await pipeline.put("a", Checkpoint("1"), lambda: held.send("1"), begin)
    await settle()
    assert (pipeline.progress.version, held.done) == ("1", ["1"])


async def test_a_change_does_not_begin_before_the_one_of_the_same_object_is_done(
    pipeline: Pipeline, held: Held
) -> None:
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await pipeline.put("a", Checkpoint("1"), lambda: held.send("1"), _beginning(first))
    await pipeline.put("a", Checkpoint("2"), lambda: held.send("2"), _never)
    await settle()
    assert held.started == []
    first.set_result(None)
    await settle()
    assert held.started == ["2"]


async def test_what_is_on_its_way_at_the_end_is_given_up(held: Held) -> None:
    pipeline = Pipeline(_raise)
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await pipeline.put("a", Checkpoint("1"), lambda: held.send("1"), _beginning(begun))
    await pipeline.finish(0)
    assert begun.cancelled()
    assert pipeline.progress == NOTHING


def _beginning(begun: asyncio.Future[None]) -> Begin:
    async def begin() -> asyncio.Future[None]:
        return begun

    return begin


async def _never() -> asyncio.Future[None]:
    raise AssertionError("it began")


async def test_a_fault_is_told_and_is_not_taken_for_done() -> None:
    faults: list[BaseException] = []
    pipeline = Pipeline(faults.append)

    async def fail() -> None:
        raise ZeroDivisionError

    await pipeline.put("a", Checkpoint("1"), fail)
    pipeline.reached("2")
    await settle()
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
    assert pipeline.progress == NOTHING


async def test_at_the_end_what_is_on_its_way_gets_its_time(pipeline: Pipeline, held: Held) -> None:
    await put(pipeline, held, "a", "1")
    await put(pipeline, held, "a", "2")
    held.release("1", "2")
    await pipeline.finish(10)
    assert pipeline.progress.version == "2"


async def test_what_takes_longer_is_given_up_and_not_done(pipeline: Pipeline, held: Held) -> None:
    await put(pipeline, held, "a", "1")
    await put(pipeline, held, "a", "2")
    await pipeline.finish(0)
    held.release("1", "2")
    await settle()
    assert held.done == []
    assert pipeline.progress == NOTHING
