"""Dead letters: looked at, put back among the parked events, forgotten. Nothing is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from nats.aio.client import Client
from starlette.types import ASGIApp

from app.delivery import letters as dead
from app.delivery.letters import Letters
from app.errors import UnavailableError
from app.ingress.letters import LetterEndpoints
from app.ingress.table.delivery_operations import letter_operations
from app.ingress.table.routes import http_app
from app.ingress.target import HookPaths
from app.jetstream.publish import JetStreamPublisher, Stored
from app.jetstream.read import StreamReader
from app.telemetry.metrics import Metrics
from tests.asgi import ask
from tests.server.records import EVENT, OTHER, TARGET, bury, parked

URL = "/api/v1/namespaces/ops-system/eventhooks/pod-errors/deadletters"


class Publisher(JetStreamPublisher):
    """Publishes until it is told to `fail` after so many."""

    fail_after = 1_000_000

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        if self.fail_after <= 0:
            raise UnavailableError("JetStream is full")
        self.fail_after -= 1
        return await super().__call__(subject, payload, headers)


@pytest.fixture
async def publisher(client: Client) -> Publisher:
    made = Publisher()
    await made.listen(client)
    return made


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def hooks() -> set[str]:
    return {"ops-system/pod-errors"}


@pytest.fixture
def letters(client: Client, publisher: Publisher, woken: list[str]) -> Letters:
    return Letters(StreamReader(lambda: client), publisher, Metrics(), woken.append)


@pytest.fixture
def app(letters: Letters, hooks: set[str]) -> ASGIApp:
    endpoints = LetterEndpoints(letters, HookPaths(lambda namespace, name: f"{namespace}/{name}" in hooks))
    return http_app(letter_operations(endpoints), [], None)


async def left(client: Client) -> int:
    return (await client.jetstream().stream_info("ops-dead-letters")).state.messages


async def test_letters_are_listed_newest_first_with_what_was_written_down(client: Client, app: ASGIApp) -> None:
    await bury(client, 1)
    await bury(client, 2, OTHER)
    await bury(client, 3, more={"Ops-Reason": "it said%20no, gr%C3%B6%C3%9Fer"})

    data = (await ask(app, "GET", URL)).data
    assert (data["total"], [letter["id"] for letter in data["list"]]) == (2, [3, 1])
    newest, oldest = data["list"]
    assert newest["reason"] == "it said no, größer"
    assert oldest.pop("at").endswith("Z")
    assert oldest == {
        "id": 1,
        "delivery": "d1",
        "event": "e1",
        "subject": "ops.a",
        "sequence": 1,
        "reason": "given up after 4 tries: the endpoint answered 400",
        "tries": 4,
        "attempts": 6,
        "status": 400,
        "channel": "webhook",
        "url": "https://example.com/hook?key=***",
        "replay": "",
        "size": len(json.dumps(EVENT)),
    }


@pytest.mark.parametrize("size", [1, 4, 100])
async def test_pages_hold_each_letter_once(client: Client, app: ASGIApp, size: int) -> None:
    ids = [await bury(client, number, OTHER if number % 3 else TARGET) for number in range(30)]
    found: list[int] = []
    for page in range(1, 10 // size + 2):
        data = (await ask(app, "GET", f"{URL}?page={page}&page_size={size}")).data
        assert data["total"] == 10
        found += [letter["id"] for letter in data["list"]]
    assert found == ids[::3][::-1]


async def test_a_letter_is_read_with_its_event_to_the_byte(client: Client, app: ASGIApp) -> None:
    letter = await bury(client, 1, payload=b'{"n": 12345678901234567890, "x": 1.0e2}')
    answer = await ask(app, "GET", f"{URL}/{letter}")

    assert b'"payload":{"n": 12345678901234567890, "x": 1.0e2}' in answer.body
    assert answer.data["headers"] == {"Content-Type": "application/cloudevents+json"}
    assert (answer.data["id"], answer.data["event"]) == (letter, "e1")


@pytest.mark.parametrize(
    ("payload", "told"),
    [(b"hello", "hello"), (b"", ""), (b"\xff", "\ufffd"), (b'{"n": NaN}', '{"n": NaN}'), (b"[1]", [1])],
)
async def test_an_event_that_is_no_json_is_shown_as_text(
    client: Client, app: ASGIApp, payload: bytes, told: object
) -> None:
    letter = await bury(client, 1, payload=payload)
    assert (await ask(app, "GET", f"{URL}/{letter}")).data["payload"] == told


async def test_a_redriven_letter_is_parked_as_if_it_had_just_come(
    client: Client, app: ASGIApp, woken: list[str]
) -> None:
    letter = await bury(client, 1, more={"ce-type": "Default", "Ops-Replay": "r1", "Ops-Not-Before": "1895409370"})
    answer = await ask(app, "POST", f"{URL}/{letter}/redrive")

    assert answer.data == {"redriven": 1, "failed": 0, "remaining": 0}
    ((headers, payload),) = await parked(client)
    assert payload == json.dumps(EVENT).encode()
    assert headers == {
        "Content-Type": "application/cloudevents+json",
        "ce-type": "Default",
        "Nats-Msg-Id": f"redrive-{letter}",
        "Ops-Delivery": "d1",
        "Ops-Event": "e1",
        "Ops-Sequence": "1",
        "Ops-Stored": "1795409366.25",
        "Ops-Subject": "ops.a",
        "Ops-Reason": "redriven",
        "Ops-Tries": "0",
        "Ops-Attempts": "6",
    }
    assert await left(client) == 0
    assert woken == [TARGET]


async def test_many_letters_are_redriven_and_those_that_are_not_there_are_told(
    client: Client, app: ASGIApp, woken: list[str]
) -> None:
    ids = [await bury(client, number) for number in range(4)]
    other = await bury(client, 9, OTHER)
    answer = await ask(app, "POST", f"{URL}/redrive", {"ids": [ids[0], ids[2], ids[2], other, 4711]})

    assert answer.data == {"redriven": 2, "failed": 2, "remaining": 2}
    assert [headers["Ops-Delivery"] for headers, _ in await parked(client)] == ["d0", "d2"]
    assert await parked(client, OTHER) == []
    assert await left(client) == 3
    assert woken == [TARGET]


async def test_all_letters_of_a_hook_are_redriven_and_no_others(client: Client, app: ASGIApp) -> None:
    for number in range(150):
        await bury(client, number, OTHER if number % 3 == 0 else TARGET)
    answer = await ask(app, "POST", f"{URL}/redrive", {})

    assert answer.data == {"redriven": 100, "failed": 0, "remaining": 0}
    assert len({headers["Ops-Delivery"] for headers, _ in await parked(client)}) == 100
    assert await left(client) == 50


async def test_one_request_goes_so_far_and_tells_what_remains(
    client: Client, app: ASGIApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "MOST", 5)
    for number in range(12):
        await bury(client, number)
    answers = [(await ask(app, "POST", f"{URL}/redrive", {})).data for _ in range(4)]

    assert [(answer["redriven"], answer["remaining"]) for answer in answers] == [(5, 7), (5, 2), (2, 0), (0, 0)]
    found = await parked(client)
    assert [headers["Ops-Delivery"] for headers, _ in found[:5]] == [f"d{number}" for number in range(5)]
    assert len(found) == 12


async def test_one_request_takes_so_long_and_no_longer(
    client: Client, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "_SECONDS", -1.0)
    await bury(client, 1)
    done = await letters.redrive(TARGET, [])
    assert (done.redriven, done.remaining) == (0, 1)


async def test_letters_that_jetstream_does_not_park_stay_letters(
    client: Client, app: ASGIApp, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "_AT_ONCE", 1)
    for number in range(5):
        await bury(client, number)
    publisher.fail_after = 2
    assert (await ask(app, "POST", f"{URL}/redrive", {})).data == {"redriven": 2, "failed": 1, "remaining": 3}
    answer = await ask(app, "POST", f"{URL}/redrive", {})
    assert answer.status == 503
    assert await left(client) == 3
    assert len(await parked(client)) == 2


async def test_a_letter_that_was_parked_but_not_deleted_is_parked_once(
    client: Client, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await bury(client, 1)

    async def dies(*_: object, **__: object) -> bool:
        raise UnavailableError("the process died")

    with monkeypatch.context() as patched:
        patched.setattr(StreamReader, "delete", dies)
        with pytest.raises(UnavailableError):
            await letters.redrive_one(TARGET, letter)
    assert (len(await parked(client)), await left(client)) == (1, 1)

    await letters.redrive_one(TARGET, letter)
    assert (len(await parked(client)), await left(client)) == (1, 0)


@pytest.mark.parametrize(
    "body",
    [{"ids": []}, {"id": [1]}, {"ids": [1], "all": True}, {"ids": "1"}, {"ids": ["1"]}, {"ids": [0]}, {"ids": [True]}],
)
async def test_a_body_that_could_mean_something_else_redrives_nothing(
    client: Client, app: ASGIApp, body: object
) -> None:
    await bury(client, 1)
    answer = await ask(app, "POST", f"{URL}/redrive", body)
    assert answer.status == 400
    assert "ids" in answer.json["message"]
    assert await left(client) == 1


async def test_without_a_body_nothing_is_redriven(client: Client, app: ASGIApp) -> None:
    await bury(client, 1)
    assert (await ask(app, "POST", f"{URL}/redrive")).status == 400
    assert await left(client) == 1


async def test_a_letter_is_forgotten_for_good(client: Client, app: ASGIApp) -> None:
    letter = await bury(client, 1)
    assert (await ask(app, "DELETE", f"{URL}/{letter}")).data is None
    assert await left(client) == 0
    assert (await ask(app, "DELETE", f"{URL}/{letter}")).status == 404


async def test_a_letter_of_another_hook_is_not_found(client: Client, app: ASGIApp) -> None:
    letter = await bury(client, 1, OTHER)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/redrive")):
        assert (await ask(app, method, f"{URL}/{letter}{path}")).status == 404
    assert await left(client) == 1


@pytest.mark.parametrize("letter", ["0", "x", "-1", "1.0", "9" * 30, "redrive"])
async def test_what_is_no_id_of_a_letter_is_not_found(app: ASGIApp, letter: str) -> None:
    assert (await ask(app, "GET", f"{URL}/{letter}")).status == 404


async def test_letters_of_a_deleted_hook_are_read_and_forgotten_but_not_redriven(
    client: Client, app: ASGIApp, hooks: set[str]
) -> None:
    letter = await bury(client, 1)
    hooks.clear()
    assert (await ask(app, "GET", URL)).data["total"] == 1
    assert (await ask(app, "GET", f"{URL}/{letter}")).status == 200
    assert (await ask(app, "POST", f"{URL}/{letter}/redrive")).status == 404
    assert (await ask(app, "POST", f"{URL}/redrive", {})).status == 404
    assert (await ask(app, "DELETE", f"{URL}/{letter}")).status == 200
    assert (await ask(app, "GET", URL)).status == 404


async def test_reading_leaves_no_consumer_behind(client: Client, app: ASGIApp) -> None:
    await bury(client, 1)
    await ask(app, "GET", URL)
    await ask(app, "POST", f"{URL}/redrive", {})
    assert (await client.jetstream().stream_info("ops-dead-letters")).state.consumer_count == 0
