"""The ledger's writer: attempts are taken down in memory, and brought to `ops-attempts` in batches, off the path.

Deliveries call `record`; main runs `run` beside them and `close` at the end. `history.py` reads what is written here.
A message of the stream holds the attempts of one target since its last one, oldest first, as a JSON array.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from heapq import merge
from typing import Any, Final, NoReturn

from pydantic_core import PydanticSerializationError, to_json

from app.delivery.ledger.counts import Counts, LastError
from app.delivery.ledger.outbox import Note, Outbox
from app.delivery.outcome import NAMES, Delivered, Outcome
from app.delivery.records import Attempt
from app.jetstream.publish import Publish
from app.telemetry.metrics import Metrics
from streams.subjects import ATTEMPTS

log = logging.getLogger(__name__)

# Gives a text back without the secrets of a target, which is named by its key.
Mask = Callable[[str, str], str]

COUNT: Final = "Ops-Count"  # header: how many attempts a message holds
LEFT_OUT: Final = "Ops-Left-Out"  # header: how many were made besides, and not written down
MESSAGE_BYTES: Final = 256 * 1024  # of one message, at most
SUCCESSES: Final = 1_000  # of a target kept between two messages: of more, the newest
FAILURES: Final = 5_000  # the same; a target that fails so often has an open breaker
IN_MEMORY: Final = 50_000  # attempts at all targets: 32 MiB, or 81 with long answers; so much of an absence is kept

_EVERY: Final = 1.0  # seconds between two flushes
_COUNTED_EVERY: Final = 5  # flushes: totals may be a little older
_TARGETS: Final = 100  # brought in one flush, those that have waited longest first: a bound on the load of it
_INCREMENTS: Final = 500  # the same, of counts: each is small
_ANSWER: Final = 1024  # bytes of an answer, and characters of a reason, that are kept


@dataclass(slots=True)
class _Book:
    """What has been heard of one target since its last message."""

    successes: deque[Attempt] = field(default_factory=deque)
    failures: deque[Attempt] = field(default_factory=deque)
    delivered: int = 0
    failed: int = 0

    def __len__(self) -> int:
        return len(self.successes) + len(self.failures)

    @property
    def left_out(self) -> int:
        return self.delivered + self.failed - len(self)

    @property
    def attempts(self) -> Iterator[Attempt]:
        """In the order in which they ended, nearly: each kind is in order."""
        return merge(self.successes, self.failures, key=_ended)


def _ended(attempt: Attempt) -> float:
    return attempt.began + attempt.seconds


class AttemptLedger:
    """Takes down attempts without waiting, and brings them to the stream now and then.

    Memory is bounded: of a target too busy, or while JetStream is away, the oldest attempts are left out, successes
    first, and how many is written down.
    """

    def __init__(self, publish: Publish, counts: Counts, metrics: Metrics, mask: Mask) -> None:
        self._counts = counts
        self._metrics = metrics
        self._mask = mask
        self._outbox = Outbox(publish)
        self._books: dict[str, _Book] = {}  # the one that has waited longest first
        self._kept = 0  # attempts in all books

    def record(self, attempt: Attempt) -> None:
        book = self._books.get(attempt.target)
        if book is None:
            book = self._books[attempt.target] = _Book()
        if type(attempt.outcome) is Delivered:
            book.delivered += 1
            kept, most = book.successes, SUCCESSES
        else:
            book.failed += 1
            kept, most = book.failures, FAILURES
        kept.append(attempt)
        if len(kept) > most:
            kept.popleft()
        elif self._kept < IN_MEMORY:
            self._kept += 1
        else:
            self._shed()

    async def run(self) -> NoReturn:
        """Bring what has been taken down, every second. Runs until it is cancelled."""
        while True:
            for _ in range(_COUNTED_EVERY):
                await asyncio.sleep(_EVERY)
                await self.flush()
            await self._bring_counts()

    async def close(self, seconds: float) -> None:
        """Bring what is left, in bounded time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self.flush() and await self._bring_counts() and (self._books or self._counts):
                    pass

    async def flush(self) -> bool:
        """Bring what has waited longest; false where JetStream is away, and the rest is kept for the next time."""
        if not await self._outbox.send():
            return False
        for target in list(self._books)[:_TARGETS]:
            self._close(target)
            if self._outbox.full and not await self._outbox.send():
                return False
        return await self._outbox.send()

    async def _bring_counts(self) -> bool:
        if not await self._outbox.send():
            return False
        for increment in self._counts.take(_INCREMENTS):
            self._outbox.put(increment)
        return await self._outbox.send()

    def _shed(self) -> None:
        """Leave out one attempt at the target that has waited longest."""
        target, book = next(iter(self._books.items()))
        (book.successes or book.failures).popleft()
        if not book:
            self._close(target)

    def _close(self, target: str) -> None:
        """Count a target's attempts, and put what is kept of them into the outbox."""
        book = self._books.pop(target, None)
        if book is None:  # it was shed meanwhile
            return
        self._kept -= len(book)
        self._metrics.ledger_left_out.inc(book.left_out)
        try:
            mask = partial(self._mask, target)
            self._count(target, book, mask)
            for note in _notes(target, book, mask):
                self._outbox.put(note)
        except Exception:  # the one place that decides: a fault in the record must not hold up what it records
            log.exception(
                "%d attempts at %s are not in the ledger by a fault of ours",
                len(book),
                target,
                extra={"target": target},
            )

    def _count(self, target: str, book: _Book, mask: Callable[[str], str]) -> None:
        if book.delivered:
            self._counts.add("delivered", target, book.delivered)
        if book.failed:
            self._counts.add("failed", target, book.failed, _last_error(book, mask))


def _last_error(book: _Book, mask: Callable[[str], str]) -> LastError | None:
    if not book.failures:
        return None
    last = book.failures[-1]
    answer = last.outcome.answer
    return LastError(_ended(last), mask(_reason(last.outcome)), answer.status if answer else None)


def _notes(target: str, book: _Book, mask: Callable[[str], str]) -> Iterator[Note]:
    """The messages that hold a book's attempts."""

    @cache  # most answers are alike
    def text(answer: bytes) -> str:
        return mask(answer[:_ANSWER].decode("utf-8", "replace"))

    left_out = book.left_out
    for lines in _runs(_encoded(_line(attempt, mask, text)) for attempt in book.attempts):
        headers = {COUNT: str(len(lines)), LEFT_OUT: str(left_out), "Content-Type": "application/json"}
        yield Note(f"{ATTEMPTS}.{target}", b"[%s]" % b",".join(lines), headers)
        left_out = 0


def _runs(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines in runs that each fit into a message."""
    run: list[bytes] = []
    size = 0
    for line in lines:
        if run and size + len(line) >= MESSAGE_BYTES:
            yield run
            run, size = [], 0
        run.append(line)
        size += len(line) + 1
    if run:
        yield run


def _line(attempt: Attempt, mask: Callable[[str], str], text: Callable[[bytes], str]) -> dict[str, Any]:
    """An attempt as it is written: what is empty is not there."""
    outcome = attempt.outcome
    line = {
        "at": attempt.began,
        "duration_ms": round(attempt.seconds * 1000, 1),
        "delivery": attempt.delivery,
        "event": attempt.event,
        "subject": attempt.subject,
        "sequence": attempt.sequence,
        "attempt": attempt.number,
        "outcome": NAMES[type(outcome)],
    }
    if outcome.answer is not None:
        line["status"] = outcome.answer.status
        if outcome.answer.body:
            line["answer"] = text(outcome.answer.body)
    if not isinstance(outcome, Delivered):
        line["reason"] = mask(_reason(outcome))
    if attempt.replay:
        line["replay"] = attempt.replay
    return line


def _reason(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Delivered) else outcome.reason[:_ANSWER]


def _encoded(line: Mapping[str, Any]) -> bytes:
    try:
        return to_json(line)
    except PydanticSerializationError:  # half a character, which is no Unicode, in an id or a subject of others
        return to_json({key: _whole(value) for key, value in line.items()})


def _whole(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
