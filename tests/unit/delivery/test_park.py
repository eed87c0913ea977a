"""What is written down with an event that is kept for later, or given up; and how it is read again."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery import records
from app.delivery.delivery import Delivery, Received
from app.delivery.outcome import Answer, Refused, TryLater
from app.delivery.park import Parking, debt_of, headers_of, number, own_headers, text
from app.delivery.retry import Debt
from app.errors import UnavailableError
from tests.unit.delivery.doubles import delivery, received, target
from tests.unit.delivery.ledgers import Stream

TARGET = "hooks.ns.h"
DEBT = Debt(tries=2, attempts=5, failed=1_795_409_366.25, not_before=1_795_409_396.5)
OWN = {"Content-Type": "application/cloudevents+json", "ce-id": "1", "X-Own": "kept"}

finite = st.floats(0, 1e11).map(lambda seconds: round(seconds, 6))


def from_ops(**changes: object) -> Delivery:
    """A delivery of an event as it was stored in `ops`."""
    stored = {
        "headers": {**OWN, "Nats-Msg-Id": "1"},
        "subject": "ops.a",
        "sequence": 42,
        "stored": 1_795_409_366.582186,
    }
    whole = Received(received().event, received().payload, **{**stored, **changes})  # type: ignore[arg-type]
    return dataclasses.replace(delivery(), received=whole)


async def test_an_event_is_parked_unchanged_on_the_subject_of_its_target() -> None:
    stream = Stream()
    await Parking(stream).park(from_ops(), "the hook is paused")

    (message,) = stream.messages
    assert message.subject == f"ops-parked.{TARGET}"
    assert message.payload == from_ops().received.payload
    assert {**message.headers, **OWN} == message.headers
    assert message.headers["Nats-Msg-Id"] == from_ops().id


async def test_beside_the_event_stands_where_it_came_from_and_why_it_is_here() -> None:
    stream = Stream()
    await Parking(stream).park(from_ops(), "the hook is paused")

    ours = {name: value for name, value in stream.messages[0].headers.items() if name.startswith("Ops-")}
    assert ours == {
        records.DELIVERY: from_ops().id,
        records.EVENT: "1",
        records.SUBJECT: "ops.a",
        records.SEQUENCE: "42",
        records.STORED: "1795409366.582186",
        records.REASON: "the hook is paused",
    }


async def test_a_delivery_is_parked_once_but_its_later_copies_are_copies() -> None:
    stream = Stream()
    parking = Parking(stream)
    for copy in ("", "", "-7", "-7", "-8"):
        await parking.park(from_ops(), "down", DEBT, copy=copy)

    assert len(stream.messages) == 3


async def test_a_dead_letter_says_which_target_with_which_url_said_what() -> None:
    stream, counted = Stream(), list[str]()
    one = dataclasses.replace(from_ops(), target=target(url="http://user:secret@receiver.example/hook?key=hidden"))
    last = Refused("the endpoint answered 422", Answer(422, b"no"))
    await Parking(stream, counted.append).bury(one, "given up after 4 tries: …", DEBT, copy="-ops-parked-7", last=last)

    (message,) = stream.messages
    assert message.subject == f"ops-dead-letters.{TARGET}"
    assert message.payload == one.received.payload
    assert message.headers["Nats-Msg-Id"] == f"{one.id}-ops-parked-7"
    assert message.headers[records.CHANNEL] == "webhook"
    assert message.headers[records.STATUS] == "422"
    assert text(message.headers, records.URL) == "http://user:***@receiver.example/hook?key=***"
    assert text(message.headers, records.REASON) == "given up after 4 tries: …"
    assert message.headers["Ops-Reason"].isascii()
    assert debt_of(message.headers) == DEBT
    assert counted == [TARGET]


@pytest.mark.parametrize("last", [None, TryLater("no connection")])
async def test_a_dead_letter_without_an_answer_has_no_status(last: TryLater | None) -> None:
    stream = Stream()
    await Parking(stream).bury(from_ops(), "no connection", DEBT, copy="-ops", last=last)
    assert records.STATUS not in stream.messages[0].headers


async def test_a_dead_letter_is_counted_once_however_often_it_is_written() -> None:
    stream, counted = Stream(), list[str]()
    for _ in range(3):
        await Parking(stream, counted.append).bury(from_ops(), "no", DEBT, copy="-ops")
    assert counted == [TARGET]


async def test_what_is_not_stored_is_not_said_to_be() -> None:
    stream, counted = Stream(), list[str]()
    stream.away = True
    parking = Parking(stream, counted.append)
    with pytest.raises(UnavailableError):
        await parking.park(from_ops(), "down")
    with pytest.raises(UnavailableError):
        await parking.bury(from_ops(), "down", DEBT, copy="-ops")
    assert counted == []


def test_headers_of_ours_and_the_servers_are_not_the_events_own() -> None:
    assert own_headers({**OWN, **headers_of(from_ops(), DEBT, "x"), "Nats-Rollup": "all", "Nats-TTL": "1s"}) == OWN


def test_an_event_cannot_write_headers_of_ours() -> None:
    forged = {records.TRIES: "99", records.REPLAY: "r", "Nats-Rollup": "all", "Nats-Expected-Stream": "x"}
    headers = headers_of(from_ops(headers={**OWN, **forged}), Debt(), "x")
    assert not forged.keys() & headers.keys()


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    finite,
    finite,
)
def test_what_was_tried_is_read_as_it_was_written(tries: int, attempts: int, failed: float, not_before: float) -> None:
    debt = Debt(tries, attempts, failed, not_before)
    found = debt_of(headers_of(from_ops(), debt, "x"))

    assert (found.tries, found.attempts) == (tries, attempts)
    assert found.failed == pytest.approx(failed, abs=1e-5)
    assert found.not_before == pytest.approx(not_before, abs=1e-5)


@given(st.text())
def test_a_text_of_any_kind_is_a_header_and_read_again(reason: str) -> None:
    headers = headers_of(from_ops(), Debt(), reason)
    written = headers.get(records.REASON, "")

    assert written.isascii()
    assert written.isprintable()
    assert text(headers, records.REASON) == reason.encode(errors="replace").decode()


@pytest.mark.parametrize("written", ["", "soon", "1,5", "0x10", "inf", "-inf", "nan", "1e999"])
def test_a_number_that_somebody_else_wrote_badly_is_none(written: str) -> None:
    assert number({records.TRIES: written}, records.TRIES) == 0
    assert debt_of({records.TRIES: written, records.NOT_BEFORE: written}) == Debt()


def test_what_was_never_written_is_nothing() -> None:
    assert debt_of({}) == Debt()
    assert text({}, records.SUBJECT) == ""
    assert set(headers_of(delivery(), Debt(), "")) == {records.DELIVERY, records.EVENT}


def test_a_replay_and_doubt_are_written_down() -> None:
    headers = headers_of(dataclasses.replace(from_ops(), replay="r1", undecided=True), Debt(), "x")
    assert (headers[records.REPLAY], headers[records.UNDECIDED]) == ("r1", "1")
