"""Attempts are written down in batches, within bounds, whatever JetStream does."""

from __future__ import annotations

import asyncio
import logging

import pytest

from app.delivery.ledger import writer as ledger
from app.delivery.outcome import Answer, Busy, Delivered, Gone, Impossible, Outcome, Refused, TryLater
from app.errors import TooLargeError
from tests.unit.delivery.doubles import PROMPTLY, background
from tests.unit.delivery.ledgers import TARGET, Rig, attempt


async def test_attempts_of_one_target_become_one_message_oldest_first() -> None:
    rig = Rig()
    for number in (1, 2, 3):
        rig.ledger.record(attempt(number))
    assert await rig.ledger.flush()

    (batch,) = rig.stream.batches()
    assert [line["delivery"] for line in batch.lines] == ["d1", "d2", "d3"]
    assert (batch.headers["Ops-Count"], batch.headers["Ops-Left-Out"]) == ("3", "0")


async def test_each_target_has_messages_of_its_own() -> None:
    rig = Rig()
    rig.ledger.record(attempt(1))
    rig.ledger.record(attempt(2, target="hooks.a.b.c"))
    await rig.ledger.flush()

    assert [line["delivery"] for line in rig.stream.lines()] == ["d1"]
    assert [line["delivery"] for line in rig.stream.lines("hooks.a.b.c")] == ["d2"]


async def test_a_line_says_all_that_is_known_of_an_attempt() -> None:
    rig = Rig()
    failed = Busy("the endpoint answered 429", 5.0, Answer(429, b"slow down"))
    rig.ledger.record(attempt(7, failed, seconds=0.0126, number=3, replay="r1"))
    await rig.ledger.flush()

    assert rig.stream.lines() == [
        {
            "at": 7.0,
            "duration_ms": 12.6,
            "delivery": "d7",
            "event": "e7",
            "subject": "ops.a",
            "sequence": 7,
            "attempt": 3,
            "outcome": "busy",
            "status": 429,
            "answer": "slow down",
            "reason": "the endpoint answered 429",
            "replay": "r1",
        }
    ]


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Delivered(), "delivered"),
        (TryLater("x"), "try_later"),
        (Busy("x"), "busy"),
        (Refused("x"), "refused"),
        (Gone("x"), "gone"),
        (Impossible("x"), "impossible"),
    ],
)
async def test_each_outcome_has_a_name(outcome: Outcome, name: str) -> None:
    rig = Rig()
    rig.ledger.record(attempt(1, outcome))
    await rig.ledger.flush()

    assert [line["outcome"] for line in rig.stream.lines()] == [name]


async def test_failures_and_successes_stand_in_the_order_in_which_they_ended() -> None:
    rig = Rig()
    for number in range(6):
        rig.ledger.record(attempt(number, TryLater("down") if number % 2 else None))
    await rig.ledger.flush()

    assert [line["at"] for line in rig.stream.lines()] == [0, 1, 2, 3, 4, 5]


async def test_answers_and_reasons_are_masked_for_their_target() -> None:
    rig = Rig(mask=lambda target, text: text.replace("s3cret", f"<{target}>"))
    rig.ledger.record(attempt(1, Refused("no s3cret", Answer(400, b"your key s3cret is wrong"))))
    rig.ledger.record(attempt(2, Delivered(Answer(200, b"thanks, s3cret"))))
    await rig.ledger.flush()

    refused, delivered = rig.stream.lines()
    assert refused["reason"] == f"no <{TARGET}>"
    assert refused["answer"] == f"your key <{TARGET}> is wrong"
    assert delivered["answer"] == f"thanks, <{TARGET}>"
    assert not any(b"s3cret" in batch.payload for batch in rig.stream.batches())


async def test_only_the_first_kib_of_an_answer_is_kept_and_it_need_not_be_text() -> None:
    rig = Rig()
    rig.ledger.record(attempt(1, Delivered(Answer(200, b"\xff" + b"x" * 5000))))
    await rig.ledger.flush()

    (line,) = rig.stream.lines()
    assert line["answer"] == "\ufffd" + "x" * 1023


async def test_half_a_character_in_an_id_of_others_is_replaced() -> None:
    rig = Rig()
    rig.ledger.record(attempt(1, event="\ud800x"))
    await rig.ledger.flush()

    assert [line["event"] for line in rig.stream.lines()] == ["?x"]


async def test_of_a_target_too_busy_the_newest_successes_and_all_failures_are_kept() -> None:
    rig = Rig()
    for number in range(ledger.SUCCESSES + 50):
        rig.ledger.record(attempt(number, TryLater("down") if number == 3 else None))
    await rig.ledger.flush()

    lines = rig.stream.lines()
    assert len(lines) == ledger.SUCCESSES + 1
    assert [line["at"] for line in lines if line["outcome"] == "try_later"] == [3]
    assert lines[-1]["at"] == ledger.SUCCESSES + 49
    assert sum(int(batch.headers["Ops-Left-Out"]) for batch in rig.stream.batches()) == 49
    assert rig.left_out() == 49


async def test_what_is_left_out_is_counted_all_the_same() -> None:
    rig = Rig()
    for number in range(ledger.SUCCESSES + 50):
        rig.ledger.record(attempt(number))
    await rig.ledger.close(PROMPTLY)

    assert rig.stream.increments() == [(f"delivered.{TARGET}", f"+{ledger.SUCCESSES + 50}")]


async def test_a_message_stays_below_its_bound_however_long_the_answers_are() -> None:
    rig = Rig()
    for number in range(800):
        rig.ledger.record(attempt(number, TryLater("down", None, Answer(500, b"\x01" * 1024))))
    await rig.ledger.flush()

    sizes = [len(batch.payload) for batch in rig.stream.batches()]
    assert len(sizes) > 1
    assert max(sizes) <= ledger.MESSAGE_BYTES
    assert [line["at"] for line in rig.stream.lines()] == list(range(800))
    assert sum(int(batch.headers["Ops-Count"]) for batch in rig.stream.batches()) == 800


async def test_while_jetstream_is_away_all_is_kept_for_later() -> None:
    rig = Rig()
    rig.stream.away = True
    rig.ledger.record(attempt(1))
    assert not await rig.ledger.flush()
    rig.ledger.record(attempt(2))
    assert not await rig.ledger.flush()

    rig.stream.away = False
    assert await rig.ledger.flush()
    assert [line["delivery"] for line in rig.stream.lines()] == ["d1", "d2"]


async def test_a_batch_whose_acknowledgement_was_lost_is_stored_once() -> None:
    rig = Rig()
    rig.stream.forgets_to_answer = True
    rig.ledger.record(attempt(1))
    assert not await rig.ledger.flush()

    rig.stream.forgets_to_answer = False
    assert await rig.ledger.flush()
    assert rig.stream.tries == 2
    assert [line["delivery"] for line in rig.stream.lines()] == ["d1"]


async def test_memory_is_bounded_while_jetstream_is_away_and_the_oldest_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "IN_MEMORY", 10)
    rig = Rig()
    for number in range(8):
        rig.ledger.record(attempt(number, target="hooks.a.old"))
    for number in range(100, 108):
        rig.ledger.record(attempt(number, target="hooks.a.new"))
    await rig.ledger.flush()

    assert [line["at"] for line in rig.stream.lines("hooks.a.old")] == [6, 7]
    assert [line["at"] for line in rig.stream.lines("hooks.a.new")] == list(range(100, 108))
    assert rig.stream.batches("hooks.a.old")[0].headers["Ops-Left-Out"] == "6"
    assert rig.left_out() == 6


async def test_a_target_all_of_whose_attempts_were_left_out_is_counted_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "IN_MEMORY", 2)
    rig = Rig()
    rig.ledger.record(attempt(1, target="hooks.a.old"))
    for number in range(2, 6):
        rig.ledger.record(attempt(number, TryLater("down"), target="hooks.a.new"))
    await rig.ledger.close(PROMPTLY)

    assert rig.stream.batches("hooks.a.old") == []
    assert [line["at"] for line in rig.stream.lines("hooks.a.new")] == [4, 5]
    assert sorted(rig.stream.increments()) == [("delivered.hooks.a.old", "+1"), ("failed.hooks.a.new", "+4")]
    assert rig.left_out() == 3


async def test_one_flush_brings_so_many_targets_and_the_next_one_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_TARGETS", 2)
    rig = Rig()
    for name in "abc":
        rig.ledger.record(attempt(1, target=f"hooks.n.{name}"))
    await rig.ledger.flush()
    assert [message.subject for message in rig.stream.messages] == ["ops-attempts.hooks.n.a", "ops-attempts.hooks.n.b"]
    rig.ledger.record(attempt(2, target="hooks.n.a"))
    await rig.ledger.flush()
    assert [message.subject[-1] for message in rig.stream.messages] == ["a", "b", "c", "a"]


async def test_a_fault_in_masking_costs_the_lines_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def broken(target: str, text: str) -> str:
        raise LookupError(target + text)

    rig = Rig(mask=broken)
    rig.ledger.record(attempt(1, Delivered(Answer(200, b"ok"))))
    rig.ledger.record(attempt(2, target="hooks.a.quiet"))
    with caplog.at_level(logging.ERROR):
        assert await rig.ledger.flush()

    assert rig.stream.batches() == []
    assert len(rig.stream.lines("hooks.a.quiet")) == 1
    assert "not in the ledger" in caplog.text


async def test_what_the_server_finds_too_large_is_thrown_away_and_told(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.stream.refuses = TooLargeError("NATS takes 1 KiB")
    rig.ledger.record(attempt(1))
    assert await rig.ledger.flush()

    rig.stream.refuses = None
    rig.ledger.record(attempt(2))
    await rig.ledger.flush()
    assert [line["delivery"] for line in rig.stream.lines()] == ["d2"]
    assert "NATS takes 1 KiB" in caplog.text


async def test_it_brings_what_was_recorded_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_EVERY", 0.001)
    rig = Rig()
    rig.ledger.record(attempt(1))
    async with background(asyncio.create_task(rig.ledger.run())):
        await rig.stream.until_stored(2)
    assert [line["delivery"] for line in rig.stream.lines()] == ["d1"]
    assert rig.stream.increments() == [(f"delivered.{TARGET}", "+1")]


async def test_closing_brings_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_TARGETS", 2)
    rig = Rig()
    for number in range(9):
        rig.ledger.record(attempt(number, target=f"hooks.n.{number}"))
    await rig.ledger.close(PROMPTLY)

    assert len({message.subject for message in rig.stream.messages}) == 18


async def test_closing_ends_in_time_where_jetstream_does_not_answer() -> None:
    rig = Rig()
    rig.ledger.record(attempt(1))

    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    rig.ledger._outbox._publish = hangs  # type: ignore[assignment]
    async with asyncio.timeout(PROMPTLY):
        await rig.ledger.close(0.01)


async def test_closing_gives_up_where_jetstream_is_away() -> None:
    rig = Rig()
    rig.stream.away = True
    rig.ledger.record(attempt(1))
    async with asyncio.timeout(PROMPTLY):
        await rig.ledger.close(2 * PROMPTLY)
    assert rig.stream.messages == []
