"""CloudEvents over HTTP as a client meets them, with a double behind the endpoint that can fail."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.types import Message

from app.errors import TooLargeError, UnavailableError
from app.ingress import body
from app.ingress.access.callers import EVERYTHING, Caller, admit
from app.ingress.cloudevents import CloudEvents
from app.ingress.haste import Haste
from app.ingress.problems import EXPECTED, answer
from app.ingress.table.cloudevents_operations import cloudevents_operations
from app.ingress.table.cloudevents_schemas import BODIES, MEDIA, MOST_EVENTS, SCHEMAS
from app.ingress.table.routes import http_app
from app.jetstream import patience
from app.jetstream.patience import Patience
from app.jetstream.publish import AbsentError, Stored
from app.telemetry.metrics import Metrics
from tests.servers import free_port, wait_for_port

BATCH = "application/cloudevents-batch+json"
ONE = "application/cloudevents+json"


@dataclass
class Pipeline:
    """Stores what it is given, but for what its faults take first."""

    faults: list[Exception | None] = field(default_factory=list)
    sent: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    most: int = 10_000
    patience: Patience = field(default_factory=Patience)

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        return await (await self.begin(subject, payload, headers))

    async def begin(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> asyncio.Future[Stored]:
        self.sent.append((subject, payload, {**headers}))
        fault = self.faults.pop(0) if self.faults else None
        future = asyncio.get_running_loop().create_future()
        if fault is not None:
            future.set_exception(fault)
            return future
        name = headers["Nats-Msg-Id"]
        duplicate = name in self.stored
        if not duplicate:
            self.stored.append(name)
        future.set_result(Stored("ops", self.stored.index(name) + 1, duplicate))
        return future

    def require_room(self, payload: bytes, headers: Mapping[str, str]) -> None:
        if len(payload) + len(headers) > self.most:
            raise TooLargeError("the event is too long")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST", (0.0, 0.0))
    monkeypatch.setattr(patience, "_LAST", math.inf)  # no more of those


@dataclass(frozen=True)
class Given:
    status: int
    headers: dict[str, str]
    json: Any


async def post(
    pipeline: Pipeline, content: Any, media: str = BATCH, by: Caller = EVERYTHING, metrics: Metrics | None = None
) -> Given:
    posted = content if isinstance(content, bytes) else json.dumps(content).encode()

    async def receive() -> Message:
        return {"type": "http.request", "body": posted, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", media.encode())]}
    admit(scope, by, lambda _: lambda: by)
    request = Request(scope, receive)
    try:
        response = await CloudEvents(pipeline, metrics or Metrics()).post(request)
    except EXPECTED as error:
        response = answer(request, error)
    return Given(response.status_code, dict(response.headers), json.loads(bytes(response.body)))


def event(number: int, **changes: Any) -> dict[str, Any]:
    made = {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": "T", "subject": f"ops.a.{number}"}
    return made | {"data": {"number": number}} | changes


def events(count: int) -> list[dict[str, Any]]:
    return [event(number) for number in range(count)]


async def test_one_event_is_answered_as_a_posted_one_is() -> None:
    pipeline = Pipeline()
    given = await post(pipeline, event(1), ONE)
    assert given.status == 200
    assert given.json["data"] == {
        "id": "e1",
        "subject": "ops.a.1",
        "stream": "ops",
        "sequence": 1,
        "duplicate": False,
    }
    assert pipeline.sent == [("ops.a.1", json.dumps(event(1)).encode(), {"Content-Type": ONE, "Nats-Msg-Id": "e1"})]


async def test_a_batch_is_answered_in_its_order_and_counted() -> None:
    metrics, pipeline = Metrics(), Pipeline()
    given = await post(pipeline, events(600), metrics=metrics)
    assert given.status == 200
    assert [one["id"] for one in given.json["data"]] == [f"e{number}" for number in range(600)]
    assert [one["sequence"] for one in given.json["data"]] == list(range(1, 601))
    assert pipeline.stored == [f"e{number}" for number in range(600)]
    assert b'ops_events_stored_total{source="cloudevents",type="other"} 600.0' in metrics.exposition()


async def test_each_event_of_a_batch_is_published_as_it_stands_there() -> None:
    pipeline = Pipeline()
    texts = [json.dumps(event(number)).encode()[:-1] + b' , "x" : "\\u00e9" }' for number in range(2)]
    assert (await post(pipeline, b" [ " + b" , ".join(texts) + b" ] ")).status == 200
    assert [payload for _, payload, _ in pipeline.sent] == texts


async def test_an_empty_batch_is_a_success_of_nothing() -> None:
    assert (await post(Pipeline(), [])).json == {"code": 0, "message": "success", "data": []}


async def test_an_id_that_is_there_twice_in_a_batch_is_a_duplicate() -> None:
    given = await post(Pipeline(), [event(1), event(2), event(1)])
    assert [(one["sequence"], one["duplicate"]) for one in given.json["data"]] == [(1, False), (2, False), (1, True)]


async def test_a_batch_with_a_wrong_event_publishes_nothing_and_names_each() -> None:
    pipeline = Pipeline()
    wrong = [event(0), event(1, subject="elsewhere"), event(2, type=""), 7, event(4) | {"id": 8}]
    given = await post(pipeline, wrong)
    assert (given.status, given.json["code"], pipeline.sent) == (400, -1, [])
    assert given.json["message"].startswith("4 of 5 events are wrong, and none was published: event 1 (from 0): ")
    assert [(one["index"], one["id"]) for one in given.json["data"]] == [(1, "e1"), (2, "e2"), (3, None), (4, None)]
    assert [one["fault"].split(":")[0].split(" ")[0] for one in given.json["data"]] == ["the", "type", "the", "id"]


async def test_no_more_faults_are_told_than_a_client_can_read() -> None:
    given = await post(Pipeline(), [event(number, type="") for number in range(500)])
    assert given.json["message"].startswith("500 of 500")
    assert len(given.json["data"]) == 20


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[", b"[1", b"null", b"hello", b"\xff", json.dumps(event(1)).encode()]
)
async def test_what_is_no_array_is_no_batch(content: bytes) -> None:
    given = await post(Pipeline(), content)
    assert (given.status, given.json["code"]) == (400, -1)
    assert "array" in given.json["message"]


async def test_a_right_that_is_missing_for_one_event_holds_up_the_whole_batch() -> None:
    pipeline = Pipeline()
    by = Caller("ci", ("ops.a.1",), (), ())
    given = await post(pipeline, events(2), by=by)
    assert (given.status, pipeline.sent) == (403, [])
    assert "ops.a.0" in given.json["message"]
    assert (await post(pipeline, event(1), ONE, by)).status == 200
    assert (await post(pipeline, event(0), ONE, by)).status == 403


async def test_more_events_than_a_batch_may_have_are_refused() -> None:
    pipeline = Pipeline()
    given = await post(pipeline, events(MOST_EVENTS + 1))
    assert (given.status, pipeline.sent) == (413, [])
    assert str(MOST_EVENTS) in given.json["message"]
    assert (await post(pipeline, events(MOST_EVENTS))).status == 200


async def test_an_event_that_is_too_large_for_the_server_holds_up_the_whole_batch() -> None:
    pipeline = Pipeline(most=200)
    given = await post(pipeline, [event(0), event(1, data="x" * 200)])
    assert (given.status, pipeline.sent) == (413, [])


async def test_what_was_not_acknowledged_is_sent_again() -> None:
    pipeline = Pipeline(faults=[None, AbsentError("late"), None, AbsentError("late")])
    given = await post(pipeline, events(5))
    assert given.status == 200
    assert [one["id"] for one in given.json["data"]] == [f"e{number}" for number in range(5)]
    assert pipeline.stored == ["e0", "e2", "e4", "e1", "e3"]


def became(data: Sequence[Mapping[str, Any]]) -> list[tuple[str, int | None]]:
    return [(one["id"], one["sequence"]) for one in data]


async def test_a_batch_of_which_a_part_is_stored_says_which_and_that_it_can_be_sent_again() -> None:
    metrics = Metrics()
    pipeline = Pipeline(faults=[None, UnavailableError("the stream is full"), None])
    given = await post(pipeline, events(3), metrics=metrics)
    assert (given.status, given.json["code"], given.headers["retry-after"]) == (503, -1, "1")
    assert given.json["message"].startswith("2 of 3 events are stored")
    assert "the stream is full" in given.json["message"]
    assert became(given.json["data"]) == [("e0", 1), ("e1", None), ("e2", 2)]
    assert given.json["data"][1] == {
        "id": "e1",
        "subject": "ops.a.1",
        "stream": None,
        "sequence": None,
        "duplicate": None,
    }
    assert b'ops_events_stored_total{source="cloudevents",type="other"} 2.0' in metrics.exposition()

    again = await post(pipeline, events(3))
    assert became(again.json["data"]) == [("e0", 1), ("e1", 3), ("e2", 2)]
    assert [one["duplicate"] for one in again.json["data"]] == [True, False, True]


async def test_a_batch_of_which_nothing_is_stored_is_no_success() -> None:
    given = await post(Pipeline(faults=[AbsentError("NATS is not connected")] * 100), events(3))
    assert given.status == 503
    assert given.json["message"].startswith("0 of 3 events are stored")
    assert became(given.json["data"]) == [("e0", None), ("e1", None), ("e2", None)]


async def test_behind_a_window_that_does_not_go_through_nothing_is_sent() -> None:
    pipeline = Pipeline(faults=[UnavailableError("the stream is full")])
    given = await post(pipeline, events(1000))
    assert (given.status, len(pipeline.sent)) == (503, 256)
    assert sum(one["sequence"] is not None for one in given.json["data"]) == 255


@pytest.mark.parametrize("media", ["application/json", "", "application/cloudevents+avro"])
async def test_a_request_without_an_event_is_told_what_is_taken(media: str) -> None:
    given = await post(Pipeline(), event(1), media)
    assert given.status == 415
    assert all(one in given.json["message"] for one in (ONE, BATCH, "ce-"))


async def test_another_encoding_than_utf_8_is_not_taken() -> None:
    given = await post(Pipeline(), event(1), f"{ONE}; charset=utf-16")
    assert (given.status, "UTF-8" in given.json["message"]) == (415, True)


@pytest.mark.parametrize("media", [ONE, BATCH])
async def test_json_that_is_too_deep_is_refused(media: str) -> None:
    deep = b'{"data":' * 70 + b"1" + b"}" * 70
    given = await post(Pipeline(), deep, media)
    assert (given.status, "64 levels" in given.json["message"]) == (400, True)
    with pytest.raises(ValueError, match="64 levels"):
        body.json_object(deep)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Where the endpoint is served over real sockets, to clients that have to hurry."""
    monkeypatch.setattr(body, "_haste", Haste(0.1, sweep=0.05))
    served = http_app(cloudevents_operations(CloudEvents(Pipeline(), Metrics())), ())
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(served, port=port, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server._serve())
    await wait_for_port(port)
    yield port
    server.should_exit = True
    await running


async def test_a_client_that_sends_slowly_is_told_so_and_let_go(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {ONE}\r\nContent-Length: 1000\r\n\r\n{{"
    writer.write(head.encode())
    async with asyncio.timeout(10):
        given = await reader.read()  # to the end of the connection
    assert given.startswith(b"HTTP/1.1 408 ")
    assert b"within 0.1 s" in given
    writer.close()


async def test_what_the_document_shows_is_taken() -> None:
    for media, name in MEDIA.items():
        for example in BODIES[name].values():
            if media != "*/*":
                given = await post(Pipeline(), example, media)
                assert given.status == 200, (media, example, given)


def test_an_answer_has_the_fields_that_are_described() -> None:
    assert SCHEMAS["StoredEvents"]["examples"][0].keys() == {"id", "subject", "stream", "sequence", "duplicate"}
