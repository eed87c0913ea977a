"""Pauses, replays and questions as a client meets them, with doubles behind the endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.types import ASGIApp

from app.errors import NotFoundError, UnavailableError
from app.hooks.replays.replay import Replay, read_wanted
from app.hooks.status import Status
from app.ingress.pauses import PauseEndpoints
from app.ingress.questions import QuestionEndpoints
from app.ingress.replays import ReplayEndpoints
from app.ingress.table.operator_operations import pause_operations, question_operations, replay_operations
from app.ingress.table.routes import http_app
from tests.asgi import ask

NAMESPACE = "/api/v1/namespaces/default"
HOOK = f"{NAMESPACE}/eventhooks/one"
BODY = {"from": {"time": "2026-11-23T04:50:41Z"}, "rate": 7}
REPLAY = Replay(
    id="r1",
    namespace="default",
    hook="one",
    origin=read_wanted(BODY).origin,
    until=None,
    rate=7,
    first=1,
    last=9,
    position=0,
    total=9,
    started="2026-11-23T05:00:00.000Z",
)


@dataclass(frozen=True)
class Event:
    subject: str


@dataclass(frozen=True)
class Explanation:
    event: Event
    verdict: str


PARKED = Explanation(Event("ops.a"), "parked")


@dataclass
class Doubles:
    """What stands behind the endpoints, and what it was asked."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: Exception | None = None

    async def pause(self, *asked: Any) -> Status:
        return self._take("pause", *asked) or Status(
            state="paused", reason=asked[2], by="operator", since="2026-11-23T05:00:00.000Z"
        )

    async def resume(self, *asked: Any) -> Status:
        return self._take("resume", *asked) or Status()

    def list(self, *asked: Any) -> Sequence[BaseModel]:
        return self._take("list", *asked) or [REPLAY] * 11

    def get(self, *asked: Any) -> BaseModel:
        return self._take("get", *asked) or REPLAY

    async def create(self, *asked: Any) -> BaseModel:
        return self._take("create", *asked) or REPLAY

    async def stop(self, *asked: Any) -> BaseModel:
        return self._take("stop", *asked) or REPLAY

    async def run(self, *asked: Any) -> Any:
        self._take("run", *asked)
        await self.answering.wait()
        return {"matched": 1}

    async def by_sequence(self, *asked: Any) -> Any:
        return self._take("by_sequence", *asked) or PARKED

    async def by_id(self, *asked: Any) -> Any:
        return self._take("by_id", *asked) or PARKED

    def _take(self, *asked: Any) -> Any:
        self.asked.append(asked)
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def doubles() -> Doubles:
    found = Doubles()
    found.answering.set()
    return found


@pytest.fixture
def app(doubles: Doubles) -> ASGIApp:
    pauses, replays = PauseEndpoints(doubles), ReplayEndpoints(doubles)
    questions = QuestionEndpoints(doubles, doubles)
    operations = (*pause_operations(pauses), *replay_operations(replays), *question_operations(questions))
    return http_app(operations, (), None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(None, ""), ({}, ""), ({"reason": ""}, ""), ({"reason": " they move house "}, "they move house")],
)
async def test_a_hook_is_paused_with_or_without_a_reason(
    app: ASGIApp, doubles: Doubles, body: Mapping[str, Any] | None, reason: str
) -> None:
    answer = await ask(app, "POST", f"{HOOK}/pause", body)
    assert doubles.asked == [("pause", "default", "one", reason)]
    assert answer.data == {"state": "paused", "reason": reason, "by": "operator", "since": "2026-11-23T05:00:00.000Z"}


@pytest.mark.parametrize("body", [{"reason": 1}, {"because": "x"}, {"reason": "x" * 501}, [], "x"])
async def test_a_pause_that_cannot_be_read_is_refused(app: ASGIApp, doubles: Doubles, body: Any) -> None:
    answer = await ask(app, "POST", f"{HOOK}/pause", body)
    assert answer.status == 400
    assert doubles.asked == []


async def test_a_hook_is_resumed(app: ASGIApp, doubles: Doubles) -> None:
    answer = await ask(app, "POST", f"{HOOK}/resume")
    assert doubles.asked == [("resume", "default", "one")]
    assert answer.data == {"state": "active", "reason": None, "by": None, "since": None}


async def test_a_replay_is_told_as_it_was_asked_for(app: ASGIApp, doubles: Doubles) -> None:
    answer = await ask(app, "POST", f"{HOOK}/replays", BODY)
    assert answer.status == 201
    assert doubles.asked == [("create", "default", "one", BODY)]
    assert answer.json["data"]["from"] == BODY["from"]
    assert answer.json["data"]["state"] == "running"


async def test_replays_are_listed_in_pages(app: ASGIApp) -> None:
    page = (await ask(app, "GET", f"{HOOK}/replays?page=2")).data
    assert (page["total"], page["page"], len(page["list"])) == (11, 2, 1)
    assert page["list"][0]["from"] == BODY["from"]


async def test_a_replay_is_read_and_stopped(app: ASGIApp, doubles: Doubles) -> None:
    assert (await ask(app, "GET", f"{HOOK}/replays/r1")).data["id"] == "r1"
    assert (await ask(app, "DELETE", f"{HOOK}/replays/r1")).data["id"] == "r1"
    assert doubles.asked == [("get", "default", "one", "r1"), ("stop", "default", "one", "r1")]


@pytest.mark.parametrize(("query", "hours"), [("", 1.0), ("?hours=24", 24.0), ("?hours=0.25", 0.25)])
async def test_a_dry_run_looks_at_so_many_hours(app: ASGIApp, doubles: Doubles, query: str, hours: float) -> None:
    answer = await ask(app, "POST", f"{NAMESPACE}/eventhook-dryruns{query}", {"spec": {}})
    assert answer.data == {"matched": 1}
    assert doubles.asked == [("run", "default", {"spec": {}}, hours)]


@pytest.mark.parametrize("hours", ["0", "24.5", "-1", "nan", "inf", "1e1", "x", "25"])
async def test_hours_out_of_bounds_are_refused(app: ASGIApp, doubles: Doubles, hours: str) -> None:
    answer = await ask(app, "POST", f"{NAMESPACE}/eventhook-dryruns?hours={hours}", {"spec": {}})
    assert answer.status == 400
    assert "hours" in answer.json["message"]
    assert doubles.asked == []


async def test_two_questions_are_answered_at_a_time(app: ASGIApp, doubles: Doubles) -> None:
    doubles.answering.clear()
    url = f"{NAMESPACE}/eventhook-dryruns"
    under_way = [asyncio.create_task(ask(app, "POST", url, {})) for _ in range(2)]
    async with asyncio.timeout(5):
        while len(doubles.asked) < 2:  # noqa: ASYNC110 -- a double tells nobody
            await asyncio.sleep(0)
    for refused in (await ask(app, "POST", url, {}), await ask(app, "GET", f"{HOOK}/explain?sequence=1")):
        assert refused.status == 429
        assert refused.headers["retry-after"] == "5"
    doubles.answering.set()
    assert [answer.status for answer in await asyncio.gather(*under_way)] == [200, 200]
    assert (await ask(app, "POST", url, {})).status == 200


async def test_a_question_that_fails_makes_room_for_the_next(app: ASGIApp, doubles: Doubles) -> None:
    doubles.trouble = UnavailableError("NATS is not connected")
    for _ in range(3):
        assert (await ask(app, "GET", f"{HOOK}/explain?sequence=1")).status == 503
    doubles.trouble = NotFoundError("there is no event 1")
    assert (await ask(app, "GET", f"{HOOK}/explain?sequence=1")).status == 404


async def test_an_event_is_named_by_its_sequence_or_its_id(app: ASGIApp, doubles: Doubles) -> None:
    await ask(app, "GET", f"{HOOK}/explain?sequence=4711")
    await ask(app, "GET", f"{HOOK}/explain?event=a%20b")
    assert doubles.asked == [("by_sequence", "default", "one", 4711), ("by_id", "default", "one", "a b")]


@pytest.mark.parametrize(
    "query",
    ["", "?sequence=", "?sequence=0", "?sequence=x", "?sequence=-1", "?sequence=1&event=a", f"?event={'x' * 1025}"],
)
async def test_an_event_that_is_not_named_is_asked_for(app: ASGIApp, doubles: Doubles, query: str) -> None:
    assert (await ask(app, "GET", f"{HOOK}/explain{query}")).status == 400
    assert doubles.asked == []
