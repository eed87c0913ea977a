"""Reading the ledger: what became of a target's deliveries, newest first.

`writer.py` writes what is read here. A page is found by the headers of the messages, which say how many attempts each
holds; only messages that the page needs are opened, or, where the attempts are filtered, all of the target's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from app.delivery.ledger.writer import COUNT, LEFT_OUT
from app.errors import NotFoundError
from app.jetstream.read import Head, Kept, StreamReader, newest
from streams.attempts import MAX_MSGS_PER_SUBJECT
from streams.subjects import ATTEMPTS

_AT_ONCE: Final = 8  # messages opened at a time: at most 2 MiB in memory

Line = Mapping[str, Any]  # an attempt; its fields are described in `ingress/table/delivery_schemas.py`

# What is not written where it is empty.
_EMPTY: Final[Line] = {"reason": "", "status": None, "answer": None, "replay": ""}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attempts are asked for; what is empty does not matter."""

    outcome: str = ""
    event: str = ""
    delivery: str = ""

    def criteria(self) -> dict[str, str]:
        every = {"outcome": self.outcome, "event": self.event, "delivery": self.delivery}
        return {key: value for key, value in every.items() if value}


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a target's attempts, newest first."""

    lines: Sequence[Line]
    total: int  # attempts on all pages
    kept: int  # attempts of the target, wanted or not
    left_out: int  # attempts that were made besides in the same time, and not written down: more than the ledger takes


class History:
    """Reads the ledger. Each method raises UnavailableError where JetStream does not answer."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader

    async def page(self, target: str, wanted: Wanted, start: int, size: int) -> Page:
        """`size` of the attempts that are wanted, after the `start` newest of them."""
        heads, _ = await newest(self._reader, ATTEMPTS, f"{ATTEMPTS}.{target}", 0, MAX_MSGS_PER_SUBJECT)
        kept, left_out = (sum(_number(head, header) for head in heads) for header in (COUNT, LEFT_OUT))
        if wanted.criteria():
            lines, total = await self._window(heads, wanted, start, size)
            return Page(lines, total, kept, left_out)
        passed, needed = _overlapping(heads, start, start + size)
        lines, _ = await self._window(needed, wanted, start - passed, size)
        return Page(lines, kept, kept, left_out)

    async def one(self, target: str, sequence: int, index: int) -> Line:
        """The attempt at a place of the ledger.

        Raises:
            NotFoundError: there is none, or it is another target's.
        """
        message = await self._reader.get(ATTEMPTS, sequence)
        if message is not None and message.subject == f"{ATTEMPTS}.{target}":
            lines = from_json(message.payload)
            if index < len(lines):
                return _told(message, index, lines[index])
        raise NotFoundError(f"there is no attempt {sequence}-{index}: the ledger keeps the newest ones only")

    async def _window(self, heads: Sequence[Head], wanted: Wanted, start: int, size: int) -> tuple[list[Line], int]:
        """A part of the attempts that are wanted, and how many of those there are."""
        lines: list[Line] = []
        seen = 0
        async for message in self._opened(heads):
            found = list(_found(message, wanted))
            lines += found[max(0, start - seen) : max(0, start + size - seen)]
            seen += len(found)
        return lines, seen

    async def _opened(self, heads: Sequence[Head]) -> AsyncIterator[Kept]:
        """The messages in full, as far as they are still there."""
        for begin in range(0, len(heads), _AT_ONCE):
            some = heads[begin : begin + _AT_ONCE]
            for message in await asyncio.gather(*(self._reader.get(ATTEMPTS, head.sequence) for head in some)):
                if message is not None:
                    yield message


def _overlapping(heads: Sequence[Head], start: int, end: int) -> tuple[int, list[Head]]:
    """The messages that hold the attempts from `start` to `end`, and how many attempts are in those before them."""
    passed, seen = 0, 0
    needed: list[Head] = []
    for head in heads:
        if seen >= end:
            break
        seen += _number(head, COUNT)
        if seen > start:
            needed.append(head)
        else:
            passed = seen
    return passed, needed


def _number(head: Head, header: str) -> int:
    return int(head.headers.get(header, 0))


def _found(message: Kept, wanted: Wanted) -> Iterator[Line]:
    """The attempts in a message that are wanted, newest first."""
    criteria = wanted.criteria()
    if not all(to_json(value) in message.payload for value in criteria.values()):  # much cheaper than to parse it
        return
    for index, line in reversed(list(enumerate(from_json(message.payload)))):
        if all(line[key] == value for key, value in criteria.items()):
            yield _told(message, index, line)


def _told(message: Kept, index: int, line: Line) -> Line:
    """An attempt with its place in the ledger, and with what is not written where it is empty; `at` in Unix seconds."""
    return {"id": f"{message.sequence}-{index}", **_EMPTY, **line}
