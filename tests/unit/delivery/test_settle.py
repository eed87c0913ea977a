"""What JetStream is told of a message."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from nats.errors import ConnectionClosedError, MsgAlreadyAckdError, NotJSMessageError, OutboundBufferLimitError

from app.delivery import settle
from app.delivery.settle import Settlement, tries
from streams.consumers import ACK_WAIT_SECONDS
from tests.unit.delivery.doubles import FakeMessage, background

ERRORS = [ConnectionClosedError(), MsgAlreadyAckdError(), NotJSMessageError(), OutboundBufferLimitError()]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is reported every few milliseconds."""
    monkeypatch.setattr(settle, "_REPORT_EVERY", 0.005)


async def test_a_message_that_is_done_is_acknowledged_once() -> None:
    settlement, message = Settlement(), FakeMessage()
    settlement.begin([message])
    await settlement.done(message)

    assert (message.acks, message.naks, len(settlement)) == (1, [], 0)


async def test_a_message_nobody_wants_is_acknowledged_without_having_been_begun() -> None:
    message = FakeMessage()
    await Settlement().done(message)

    assert message.acks == 1


async def test_a_message_for_later_is_given_back_with_its_delay() -> None:
    settlement, message = Settlement(), FakeMessage()
    settlement.begin([message])
    await settlement.later(message, 12.5)

    assert (message.acks, message.naks, len(settlement)) == (0, [12.5], 0)


async def test_messages_of_equal_content_are_kept_apart() -> None:
    settlement, one, other = Settlement(), FakeMessage(), FakeMessage()
    settlement.begin([one, other])
    await settlement.done(one)

    assert len(settlement) == 1
    assert not other.settled


async def test_all_that_is_open_is_given_back_at_once() -> None:
    settlement, messages, finished = Settlement(), [FakeMessage() for _ in range(3)], FakeMessage()
    settlement.begin([*messages, finished])
    await settlement.done(finished)
    await settlement.give_back_all()

    assert [message.naks for message in messages] == [[0]] * 3
    assert (finished.acks, finished.naks, len(settlement)) == (1, [], 0)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_server_that_cannot_be_told_is_no_error(error: Exception) -> None:
    settlement, messages = Settlement(), [FakeMessage(error=error) for _ in range(3)]
    settlement.begin(messages)
    await settlement.done(messages[0])
    await settlement.later(messages[1], 1)
    await settlement.give_back_all()

    assert [message.settled for message in messages] == [True] * 3
    assert len(settlement) == 0


async def test_a_message_that_takes_long_is_reported_as_in_progress(often: None) -> None:
    settlement, message = Settlement(), FakeMessage()
    settlement.begin([message])

    async with background(asyncio.create_task(settlement.report_progress())):
        await message.until_in_progress(3)

    assert not message.settled


async def test_a_message_that_is_settled_is_reported_no_more(often: None) -> None:
    settlement, done, later, still_open = Settlement(), FakeMessage(), FakeMessage(), FakeMessage()
    settlement.begin([done, later, still_open])

    async with background(asyncio.create_task(settlement.report_progress())):
        await still_open.until_in_progress(1)
        await settlement.done(done)
        await settlement.later(later, 1)
        before = (done.progress, later.progress)
        await still_open.until_in_progress(still_open.progress + 3)

    assert (done.progress, later.progress) == before


async def test_a_message_that_was_just_begun_is_not_reported_yet(often: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(settle, "time", SimpleNamespace(monotonic=lambda: clock))  # the loop keeps its own
    settlement, old, fresh = Settlement(), FakeMessage(), FakeMessage()
    settlement.begin([old])
    clock += 1
    settlement.begin([fresh])

    async with background(asyncio.create_task(settlement.report_progress())):
        await old.until_in_progress(3)

    assert fresh.progress == 0


async def test_a_report_that_fails_does_not_end_the_reports(often: None) -> None:
    settlement, away, message = Settlement(), FakeMessage(error=ConnectionClosedError()), FakeMessage()
    settlement.begin([away, message])

    async with background(asyncio.create_task(settlement.report_progress())):
        await message.until_in_progress(2)
        await away.until_in_progress(2)


def test_progress_is_reported_well_within_the_servers_patience() -> None:
    assert settle._REPORT_EVERY * 2 < ACK_WAIT_SECONDS


@pytest.mark.parametrize("delivered", [1, 2, 17])
def test_the_server_counts_the_tries(delivered: int) -> None:
    assert tries(FakeMessage(delivered)) == delivered


def test_a_message_that_is_not_jetstreams_is_tried_for_the_first_time() -> None:
    assert tries(FakeMessage(reply="")) == 1
