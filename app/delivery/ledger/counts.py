"""Totals of each target over all processes and restarts: delivered, failed, given up.

The stream `ops-counts` adds up by itself: a message is an increment, and the newest one of a subject carries the total.
An increment that is stored, but whose acknowledgement is lost for longer than the stream's duplicate window, is counted
twice; what a process that is killed had not brought yet is not counted. `writer.py` writes, `statistics.py` and
`figures.py` read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic_core import from_json

from app.delivery import records
from app.delivery.ledger.outbox import Note
from app.delivery.park import number, text
from app.jetstream.read import Kept, StreamReader
from streams.subjects import COUNTS

Kind = Literal["delivered", "failed", "dead-letters"]

INCREMENT: Final = "Nats-Incr"


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest failure of a target."""

    at: float  # Unix seconds
    reason: str
    status: int | None  # the HTTP status, where there was one


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of a target's deliveries since it was first heard of."""

    delivered: int
    failed: int  # attempts
    dead_letters: int
    last_error: LastError | None


@dataclass(frozen=True, slots=True)
class Counted:
    """A total as it was written last."""

    sequence: int
    kind: str
    target: str
    total: int
    at: float  # Unix seconds: a few after what was counted
    last_error: LastError | None


@dataclass(slots=True)
class _Sum:
    number: int = 0
    last: LastError | None = None


class Counts:
    """Increments that are to be brought to the stream."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = {}

    def add(self, kind: Kind, target: str, count: int = 1, last: LastError | None = None) -> None:
        """Count something of a target; `last` is the newest of so many failures."""
        total = self._sums.setdefault(f"{COUNTS}.{kind}.{target}", _Sum())
        total.number += count
        total.last = last or total.last

    def take(self, most: int) -> Iterator[Note]:
        """The increments that have waited longest; from now on they are the caller's to bring."""
        for subject in list(self._sums)[:most]:
            total = self._sums.pop(subject)
            yield Note(subject, b"", {**_written(total.last), INCREMENT: f"{total.number:+}"})

    def __len__(self) -> int:
        return len(self._sums)


async def totals(reader: StreamReader, target: str) -> Totals:
    """What has been counted so far.

    Raises:
        UnavailableError: JetStream does not answer.
    """
    failed = await _newest(reader, "failed", target)
    return Totals(
        delivered=_value(await _newest(reader, "delivered", target)),
        failed=_value(failed),
        dead_letters=_value(await _newest(reader, "dead-letters", target)),
        last_error=_last_error(failed),
    )


async def counted(reader: StreamReader, sequence: int, most: int) -> list[Counted]:
    """The totals of hooks that were written at a sequence of the stream or behind it, the oldest first.

    Raises:
        UnavailableError: JetStream does not answer.
    """
    return list(map(_counted, await reader.following(COUNTS, f"{COUNTS}.*.hooks.>", sequence, most)))


def _counted(message: Kept) -> Counted:
    _, kind, target = message.subject.split(".", 2)
    return Counted(message.sequence, kind, target, _value(message), message.stored, _last_error(message))


async def _newest(reader: StreamReader, kind: Kind, target: str) -> Kept | None:
    return await reader.last(COUNTS, f"{COUNTS}.{kind}.{target}")


def _value(message: Kept | None) -> int:
    if message is None or not message.payload:  # a server before 2.12 keeps increments, and adds nothing up
        return 0
    return int(from_json(message.payload)["val"])


def _written(error: LastError | None) -> dict[str, str]:
    """The newest failure as headers of the increment that counts it."""
    if error is None:
        return {}
    status = {records.STATUS: str(error.status)} if error.status is not None else {}
    return {records.REASON: records.written(error.reason), records.FAILED: f"{error.at:.3f}", **status}


def _last_error(message: Kept | None) -> LastError | None:
    if message is None or records.FAILED not in message.headers:
        return None
    headers = message.headers
    status = int(number(headers, records.STATUS))
    return LastError(number(headers, records.FAILED), text(headers, records.REASON), status or None)
