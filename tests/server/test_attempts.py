"""The ledger as people read it, over a real server."""

from __future__ import annotations

import pytest
from nats.aio.client import Client
from starlette.types import ASGIApp

from app.delivery.ledger.counts import Counts
from app.delivery.ledger.history import History
from app.delivery.ledger.writer import AttemptLedger
from app.delivery.outcome import NAMES, Answer, Refused
from app.delivery.records import Attempt
from app.ingress.attempts import AttemptEndpoints
from app.ingress.table.delivery_operations import attempt_operations
from app.ingress.table.routes import http_app
from app.ingress.target import HookPaths
from app.jetstream.publish import JetStreamPublisher
from app.jetstream.read import StreamReader
from app.telemetry.metrics import Metrics
from streams.attempts import MAX_MSGS_PER_SUBJECT
from tests.asgi import ask
from tests.server.records import OTHER, TARGET, line, note

URL = "/api/v1/namespaces/ops-system/eventhooks/pod-errors/attempts"


@pytest.fixture
def hooks() -> set[str]:
    return {"ops-system/pod-errors"}


@pytest.fixture
def app(client: Client, hooks: set[str]) -> ASGIApp:
    history = History(StreamReader(lambda: client))
    endpoints = AttemptEndpoints(history, HookPaths(lambda namespace, name: f"{namespace}/{name}" in hooks))
    return http_app(attempt_operations(endpoints), [], None)


async def test_what_the_ledger_writes_is_what_people_read(client: Client, app: ASGIApp) -> None:
    publish = JetStreamPublisher()
    await publish.listen(client)
    writer = AttemptLedger(publish, Counts(), Metrics(), lambda _, text: text)
    failed = Refused("the endpoint answered 400", Answer(400, b"bad"))
    writer.record(Attempt(TARGET, "d1", "e1", "ops.a", 7, 1795409366.125, 0.0126, 2, failed, "r1"))
    assert await writer.flush()

    answer = await ask(app, "GET", URL)
    expected = {
        "id": "1-0",
        "at": "2026-11-23T04:49:26.125Z",
        "delivery": "d1",
        "event": "e1",
        "subject": "ops.a",
        "sequence": 7,
        "attempt": 2,
        "outcome": "refused",
        "reason": "the endpoint answered 400",
        "status": 400,
        "duration_ms": 12.6,
        "answer": "bad",
        "replay": "r1",
    }
    assert answer.data == {"page_size": 10, "page": 1, "list": [expected], "total": 1, "left_out": 0}
    assert (await ask(app, "GET", f"{URL}/1-0")).data == expected


async def test_what_is_empty_is_told_so(client: Client, app: ASGIApp) -> None:
    plain = line(1)
    del plain["status"]
    await note(client, plain)

    (found,) = (await ask(app, "GET", URL)).data["list"]
    assert (found["status"], found["answer"], found["reason"], found["replay"]) == (None, None, "", "")


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
async def test_pages_hold_each_attempt_once_newest_first(client: Client, app: ASGIApp, size: int) -> None:
    number = 0
    for count in (1, 5, 2, 9, 1, 6):
        await note(client, *(line(number + offset) for offset in range(count)))
        await note(client, line(1000), target=OTHER)
        number += count

    found: list[str] = []
    for page in range(1, 24 // size + 2):
        data = (await ask(app, "GET", f"{URL}?page={page}&page_size={size}")).data
        assert (data["total"], data["page"], data["page_size"]) == (24, page, size)
        found += [one["delivery"] for one in data["list"]]
    assert found == [f"d{one}" for one in range(23, -1, -1)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("outcome=busy", ["d7", "d4", "d1"]),
        ("event=e5", ["d5"]),
        ("delivery=d6", ["d6"]),
        ("outcome=busy&event=e4", ["d4"]),
        ("outcome=busy&event=e5", []),
        ("outcome=busy&page_size=2", ["d7", "d4"]),
        ("outcome=busy&page_size=2&page=2", ["d1"]),
        ("event=e", []),
    ],
)
async def test_attempts_are_found_by_outcome_event_and_delivery(
    client: Client, app: ASGIApp, query: str, expected: list[str]
) -> None:
    for begin in (0, 3, 6):
        lines = [line(begin + number) for number in range(3)]
        await note(client, lines[0], {**lines[1], "outcome": "busy", "reason": "429"}, lines[2])

    data = (await ask(app, "GET", f"{URL}?{query}")).data
    assert [one["delivery"] for one in data["list"]] == expected
    assert data["total"] == {"outcome=busy&page_size=2": 3, "outcome=busy&page_size=2&page=2": 3}.get(
        query, len(expected)
    )


async def test_what_was_not_written_down_is_told(client: Client, app: ASGIApp) -> None:
    await note(client, line(1), left_out=40)
    await note(client, line(2), left_out=2)
    assert (await ask(app, "GET", URL)).data["left_out"] == 42


async def test_the_ledger_of_a_target_is_bounded_and_keeps_the_newest(client: Client, app: ASGIApp) -> None:
    for number in range(MAX_MSGS_PER_SUBJECT + 20):
        await note(client, line(number))
    data = (await ask(app, "GET", f"{URL}?page_size=1")).data
    assert data["total"] == MAX_MSGS_PER_SUBJECT
    assert [one["delivery"] for one in data["list"]] == [f"d{MAX_MSGS_PER_SUBJECT + 19}"]
    last = (await ask(app, "GET", f"{URL}?page_size=1&page={MAX_MSGS_PER_SUBJECT}")).data["list"]
    assert [one["delivery"] for one in last] == ["d20"]


async def test_reading_leaves_nothing_behind(client: Client, app: ASGIApp) -> None:
    await note(client, line(1))
    await ask(app, "GET", f"{URL}?outcome=busy")
    await ask(app, "GET", URL)
    assert (await client.jetstream().stream_info("ops-attempts")).state.consumer_count == 0


async def test_a_deleted_hook_is_read_as_long_as_the_ledger_keeps_it(
    client: Client, app: ASGIApp, hooks: set[str]
) -> None:
    await note(client, line(1))
    hooks.clear()
    assert len((await ask(app, "GET", URL)).data["list"]) == 1
    assert (await ask(app, "GET", f"{URL}?outcome=busy")).data["list"] == []
    await client.jetstream().purge_stream("ops-attempts")
    assert (await ask(app, "GET", URL)).status == 404


async def test_a_hook_without_attempts_has_an_empty_list(app: ASGIApp) -> None:
    assert (await ask(app, "GET", URL)).data["list"] == []


@pytest.mark.parametrize(
    "name", ["nobody", "*", ">", "pod-errors.*", "UPPER", "a..b", "a b", "a" * 254, "pod-errors\n"]
)
async def test_a_name_that_no_hook_has_is_not_found(client: Client, app: ASGIApp, name: str) -> None:
    await note(client, line(1))
    answer = await ask(app, "GET", f"/api/v1/namespaces/ops-system/eventhooks/{name}/attempts")
    assert answer.status == 404
    assert (await ask(app, "GET", "/api/v1/namespaces/*/eventhooks/pod-errors/attempts")).status == 404


@pytest.mark.parametrize("attempt", ["1", "0-0", "1-1", "2-0", "x", "1-0-0", "1-", "-1-0", "9" * 30 + "-0", "3-0"])
async def test_an_attempt_that_is_not_the_hooks_is_not_found(client: Client, app: ASGIApp, attempt: str) -> None:
    await note(client, line(1))
    await note(client, line(2), target=OTHER)
    assert (await ask(app, "GET", f"{URL}/{attempt}")).status == 404


@pytest.mark.parametrize("query", ["outcome=failed", "page=0", "page_size=1001"])
async def test_a_query_that_cannot_be_read_is_refused(app: ASGIApp, query: str) -> None:
    answer = await ask(app, "GET", f"{URL}?{query}")
    assert answer.status == 400
    assert query.partition("=")[0] in answer.json["message"]


def test_each_outcome_that_can_be_asked_for_is_described() -> None:
    assert set(NAMES.values()) == {"delivered", "try_later", "busy", "refused", "gone", "impossible"}
