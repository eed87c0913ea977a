"""The matcher in memory: which events reach which targets. Redelivery and acknowledgement need the real server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from faststream.nats import NatsBroker, TestNatsBroker

from app.delivery.channels.memory import Memory
from app.delivery.service import DeliveryService
from app.errors import UnavailableError
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.hooks.hook import parse
from app.hooks.matching.index import Candidates, SubjectIndex
from app.hooks.matching.match import compile_hook
from app.hooks.service import HookService
from app.hooks.subscribe import subscribe
from app.jetstream.publish import Stored
from app.telemetry.metrics import Metrics
from tests.app import hook


async def _away(subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
    raise UnavailableError(f"nothing is kept in memory: {subject}")


class Stage:
    """A matcher with hooks given directly, delivering to memory."""

    def __init__(self, *hooks: dict[str, Any]) -> None:
        self.memory = Memory()
        self.broker = NatsBroker()
        metrics, service = Metrics(), HookService(lambda: None, 1)
        service.registry.index = SubjectIndex(compile_hook(parse(one, "default")) for one in hooks)
        delivery = DeliveryService(service.surroundings(_away, {"webhook": self.memory}, metrics))
        self.settlement, self.dispatcher = delivery.settlement, delivery.dispatcher
        self.matcher = service.matcher(self.dispatcher, self.settlement, metrics)
        subscribe(self.broker, self.matcher, 1)

    async def deliveries(self, *messages: tuple[str, bytes]) -> list[tuple[str, str]]:
        async with TestNatsBroker(self.broker):
            for subject, payload in messages:
                await self.broker.publish(payload, subject, stream="ops")
            await self.matcher.finish()
            await self.dispatcher.drain(5)
        assert len(self.settlement) == 0, "every message is settled"
        return [(one.target.key, one.received.text) for one in self.memory.deliveries]


def an_event(data: Any, subject: str = "ops.a") -> tuple[str, bytes]:
    event = CloudEvent[Any](id=cloudevent.random_id(), type="Default", subject=subject, data=data)
    return subject, cloudevent.encode(event)


async def test_an_event_goes_to_each_hook_that_wants_it() -> None:
    stage = Stage(
        hook("all", "http://x/", "ops.>"),
        hook("other-subject", "http://x/", "ops.b"),
        hook("keyword", "http://x/", "ops.*", keywords={"include": ["disk"]}),
        hook("other-keyword", "http://x/", "ops.*", keywords={"include": ["memory"]}),
    )
    found = await stage.deliveries(an_event({"m": "disk"}))
    assert sorted(found) == [("hooks.default.all", '{"m":"disk"}'), ("hooks.default.keyword", '{"m":"disk"}')]


async def test_without_hooks_everything_is_settled() -> None:
    assert await Stage().deliveries(an_event({}), ("ops.b", b"hello")) == []


async def test_what_is_no_cloudevent_is_passed_over() -> None:
    found = await Stage(hook("all", "http://x/")).deliveries(("ops.a", b"hello"), an_event({"n": 1}), ("ops.a", b""))
    assert found == [("hooks.default.all", '{"n":1}')]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [(r"(?=.*BackOff)(?=.*prod)", True), (r"BackOff(?!.*prod)", False), (r"Back.ff", True)],
)
async def test_regular_expressions_with_lookahead_match(pattern: str, *, wanted: bool) -> None:
    stage = Stage(hook("regex", "http://x/", keywords={"include": [pattern], "matchType": "REGEX"}))
    found = await stage.deliveries(an_event({"m": "BackOff in prod"}))
    assert bool(found) is wanted


async def test_a_fault_at_one_event_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(hook("all", "http://x/"))
    find = SubjectIndex.find

    def faulty(index: SubjectIndex, subject: str) -> Candidates:
        if subject == "ops.faulty":
            raise LookupError("a fault")
        return find(index, subject)

    monkeypatch.setattr(SubjectIndex, "find", faulty)
    found = await stage.deliveries(an_event({"n": 1}), an_event({"n": 2}, "ops.faulty"), an_event({"n": 3}))
    assert [text for _, text in found] == ['{"n":1}', '{"n":3}']
    assert "ops.faulty" in caplog.text
