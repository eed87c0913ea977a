"""The matcher with keywords that take their time: what it hands on, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.delivery.delivery import Delivery, Received
from app.delivery.dispatch import Dispatcher
from app.delivery.settle import Settlement
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.hooks.matching.index import SubjectIndex
from app.hooks.matching.judge import Judge
from app.hooks.matching.match import CompiledHook
from app.hooks.registry import Registry
from app.hooks.subscribe import Matcher
from app.jetstream.beside import Beside
from app.telemetry.metrics import Metrics
from tests.unit.hooks.resources import compiled
from tests.unit.hooks.test_judge import HANG, Faulty, Gate, looking_for
from tests.unit.hooks.test_pattern import HOSTILE, HOSTILE_TEXT

CANARY = "ops.canary.here"


def message(text: str, subject: str = "ops.a") -> Msg:
    event = CloudEvent[Any](id="1", type="Webhook", subject=subject, data={"content": text})
    return Msg(Client(), subject, data=cloudevent.encode(event))


class Downstream:
    """Takes the place of delivery and settlement, and writes down what they are told."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, bool]] = []  # a target, and whether it is undecided
        self.done_with: list[str] = []
        self.kept: list[str] = []

    def begin(self, messages: Sequence[Msg]) -> None: ...

    async def submit(self, _: Msg, deliveries: Sequence[Delivery]) -> None:
        self.submitted += [(each.target.key.rpartition(".")[2], each.undecided) for each in deliveries]

    async def done(self, message: Msg) -> None:
        self.done_with.append(message.subject)

    async def later(self, message: Msg, _: float) -> None:
        self.kept.append(message.subject)


class Stage:
    def __init__(self) -> None:
        self.downstream, self.judge = Downstream(), Judge()
        self.registry = Registry(lambda: None)
        self.matcher = Matcher(
            self.registry,
            cast(Dispatcher, self.downstream),
            cast(Settlement, self.downstream),
            Metrics(),
            self.judge,
            canary=CANARY,
        )

    async def take(self, hooks: Sequence[CompiledHook], *messages: Msg) -> None:
        self.registry.index = SubjectIndex(hooks)
        async with asyncio.timeout(HANG):
            await self.matcher(cast(Any, SimpleNamespace(raw_message=list(messages))))

    async def finish(self) -> None:
        async with asyncio.timeout(HANG):
            await self.matcher.finish()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    made.judge.close()


async def test_a_keyword_that_takes_its_time_holds_up_no_later_event(stage: Stage) -> None:
    gate = Gate()
    await stage.take([looking_for(gate, "slow"), compiled("ops.b", "quick")], message("x"), message("y", "ops.b"))
    assert stage.downstream.submitted == [("quick", False)]
    gate.let_go.set()
    await stage.finish()

    assert stage.downstream.submitted == [("quick", False), ("slow", False)]


async def test_an_undecided_hook_gets_the_event_marked_and_the_others_as_ever(stage: Stage) -> None:
    hooks = [
        compiled("ops.a", "bad", include=[HOSTILE], matchType="REGEX"),
        compiled("ops.a", "good", include=["(?=!)"], matchType="REGEX"),
        compiled("ops.a", "quick", include=["!"]),
    ]
    await stage.take(hooks, message(HOSTILE_TEXT))
    await stage.finish()

    assert sorted(stage.downstream.submitted) == [("bad", True), ("good", False), ("quick", False)]


async def test_an_event_that_proves_unwanted_is_settled(stage: Stage) -> None:
    await stage.take([compiled("ops.a", include=["(?=z)"], matchType="REGEX")], message("x"))
    await stage.finish()

    assert (stage.downstream.submitted, stage.downstream.done_with) == ([], ["ops.a"])


async def test_a_fault_in_a_thread_keeps_the_event(stage: Stage) -> None:
    await stage.take([looking_for(Faulty())], message("x"), message("y", "ops.b"))
    await stage.finish()

    assert (stage.downstream.kept, stage.downstream.done_with) == (["ops.a"], ["ops.b"])


async def test_reading_waits_while_too_many_events_are_open(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.matcher, "_deciding", Beside(2))
    gate = Gate()
    hooks = [looking_for(gate, "slow"), compiled("ops.b", "quick")]

    async def let_go_when_full() -> None:
        await asyncio.to_thread(gate.begun.wait, HANG)
        assert not stage.downstream.submitted
        gate.let_go.set()

    await asyncio.gather(
        stage.take(hooks, *(message("x") for _ in range(3)), message("y", "ops.b")), let_go_when_full()
    )
    await stage.finish()

    assert len(stage.downstream.submitted) == 4


async def test_a_canary_goes_to_the_hook_of_our_own_and_to_nobody_elses(stage: Stage) -> None:
    hooks = [compiled("ops.>", "all"), compiled("ops.canary.>", "curious")]
    await stage.take(hooks, message("x", CANARY), message("y", "ops.canary.elsewhere"), message("z", "ops.canary"))
    await stage.finish()

    assert stage.downstream.submitted == [("arrived", False), ("all", False)]
    assert stage.downstream.done_with == ["ops.canary.elsewhere"]


async def test_a_canary_that_is_no_event_is_settled(stage: Stage) -> None:
    await stage.take([], Msg(Client(), CANARY, data=b"hello"))

    assert (stage.downstream.submitted, stage.downstream.done_with) == ([], [CANARY])


async def test_no_hook_wants_a_canary_by_whichever_way_it_comes(stage: Stage) -> None:
    hook = compiled("ops.>", "ordered")
    event = CloudEvent[Any](id="1", type="Canary", subject=CANARY)
    assert await stage.judge.wants(hook, Received(event, b"", subject=CANARY)) is False
    assert await stage.judge.wants(hook, Received(event, b"", subject="ops.a")) is True
