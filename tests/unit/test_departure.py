"""How a process leaves: what its signals do, and what its clients are told."""

from __future__ import annotations

import asyncio
import signal
from types import FrameType
from typing import Any

import pytest

from app.departure import Departure


class Ends:
    """Takes the signals that end the process."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.ended = asyncio.Event()

    def __call__(self, number: int, _: FrameType | None) -> None:
        self.numbers.append(number)
        self.ended.set()


def hear(departure: Departure, ends: Ends) -> None:
    departure.hear(asyncio.get_running_loop(), ends, signal.SIGTERM, None)


async def test_without_a_while_the_first_signal_ends_it() -> None:
    ends = Ends()
    hear(Departure(), ends)
    assert ends.numbers == [signal.SIGTERM]


async def test_the_first_signal_makes_it_unready_and_ends_it_after_the_while() -> None:
    ends, departure = Ends(), Departure(0.05)
    assert departure.not_ready() is None
    hear(departure, ends)
    assert (departure.not_ready(), ends.numbers) == ("the process is ending", [])
    await asyncio.wait_for(ends.ended.wait(), 10)
    assert ends.numbers == [signal.SIGTERM]


async def test_the_second_signal_ends_it_at_once() -> None:
    ends, departure = Ends(), Departure(3600)
    hear(departure, ends)
    hear(departure, ends)
    assert ends.numbers == [signal.SIGTERM]


@pytest.mark.parametrize("begun", [False, True])
async def test_clients_are_told_to_take_another_connection_once_it_has_begun(begun: bool) -> None:  # noqa: FBT001
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    departure = Departure(3600)
    departure.begun = begun
    closing = departure.closing(send)
    await closing({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await closing({"type": "http.response.body", "body": b"x"})
    assert sent[0]["headers"] == [(b"a", b"b"), *([(b"connection", b"close")] if begun else [])]
    assert sent[1] == {"type": "http.response.body", "body": b"x"}
