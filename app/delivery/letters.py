"""Dead letters: deliveries that were given up. Read, redriven and forgotten here; `park.py` writes them.

Redriving puts the event back among the parked ones of its target, as if it had just come, under the same delivery id.
Only when JetStream keeps it there is the letter deleted, so whatever dies in between, nothing is lost; at worst the
target gets a repeat.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.delivery import records
from app.delivery.park import number, own_headers, text
from app.errors import NotFoundError, TooLargeError, UnavailableError
from app.jetstream.publish import Publish
from app.jetstream.read import Head, Kept, StreamReader, newest
from app.telemetry.metrics import Metrics
from streams.subjects import DEAD_LETTERS, PARKED

MOST: Final = 10_000  # letters that one request redrives
_SECONDS: Final = 20.0  # after this one request begins no more
_AT_ONCE: Final = 32  # letters in memory: each may be as large as the server's max_payload

# Not the replay that brought it: what an operator redrives is to be delivered, also where that replay was stopped.
_KEPT: Final = (
    records.DELIVERY,
    records.EVENT,
    records.SEQUENCE,
    records.STORED,
    records.SUBJECT,
    records.ATTEMPTS,
    records.UNDECIDED,
)
_REASON: Final = "redriven"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its event. Times are Unix seconds."""

    id: int  # its sequence in `ops-dead-letters`
    at: float  # when the delivery was given up
    delivery: str
    event: str  # the event's id
    subject: str
    sequence: int  # of the event in the stream `ops`; 0: unknown
    reason: str
    tries: int  # that counted against the message
    attempts: int  # whoever was at fault
    status: int | None  # the last HTTP status, where there was one
    channel: str
    url: str  # masked
    replay: str
    size: int  # bytes of the event as it is kept


@dataclass(frozen=True, slots=True)
class OpenLetter:
    """A dead letter with its event."""

    letter: Letter
    headers: dict[str, str]  # the event's own
    payload: bytes


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of a request to redrive."""

    redriven: int
    failed: int  # there is no such letter, or it could not be put back and is where it was
    remaining: int  # letters of the target that are left


class _Fate(Enum):
    REDRIVEN = "redriven"
    FAILED = "failed"
    POSTPONED = "postponed"  # JetStream took nothing: no use to go on


class Letters:
    """A target's dead letters. Each method raises UnavailableError where JetStream does not answer."""

    def __init__(self, reader: StreamReader, publish: Publish, metrics: Metrics, wake: Callable[[str], None]) -> None:
        """`wake` is called with a target's key when there is something new among its parked events."""
        self._reader = reader
        self._publish = publish
        self._metrics = metrics
        self._wake = wake

    async def page(self, target: str, start: int, size: int) -> tuple[list[Letter], int]:
        """`size` letters after the `start` newest ones, newest first, and how many there are in all."""
        heads, total = await newest(self._reader, DEAD_LETTERS, _subject(target), start, size)
        return [_letter(head) for head in heads], total

    async def read(self, target: str, letter: int) -> OpenLetter:
        """Raises: NotFoundError: there is no such letter of the target."""
        kept = await self._kept(target, letter)
        return OpenLetter(_letter(kept), own_headers(kept.headers), kept.payload)

    async def forget(self, target: str, letter: int) -> None:
        """Delete a letter, and overwrite it on the disk: it may hold what must not be kept.

        Raises:
            NotFoundError: there is no such letter of the target.
        """
        await self._kept(target, letter)
        if not await self._reader.delete(DEAD_LETTERS, letter, erase=True):
            raise _unknown(letter)

    async def redrive_one(self, target: str, letter: int) -> Redriven:
        """Raises: NotFoundError, UnavailableError, TooLargeError: it is where it was."""
        await self._put_back(target, await self._kept(target, letter))
        self._wake(target)
        return Redriven(1, 0, await self._remaining(target))

    async def redrive(self, target: str, letters: Sequence[int]) -> Redriven:
        """These, or all where none is named: the oldest first, as far as one request goes.

        Raises:
            UnavailableError: JetStream takes none of them.
        """
        chosen = letters or await self._oldest(target)
        fates = await self._fates(target, chosen)
        redriven = fates.count(_Fate.REDRIVEN)
        if redriven:
            self._wake(target)
        elif _Fate.POSTPONED in fates:
            raise UnavailableError("JetStream takes no parked events now: all letters are where they were")
        return Redriven(redriven, len(fates) - redriven, await self._remaining(target))

    async def _remaining(self, target: str) -> int:
        return (await self._reader.extent(DEAD_LETTERS, _subject(target))).number

    async def _oldest(self, target: str) -> list[int]:
        return [head.sequence for head in await self._reader.heads(DEAD_LETTERS, _subject(target), 0, MOST)]

    async def _fates(self, target: str, letters: Sequence[int]) -> list[_Fate]:
        fates: list[_Fate] = []
        until = time.monotonic() + _SECONDS
        for begin in range(0, len(letters), _AT_ONCE):
            if time.monotonic() > until or _Fate.POSTPONED in fates:
                break
            some = letters[begin : begin + _AT_ONCE]
            fates += await asyncio.gather(*(self._fate(target, letter) for letter in some))
        return fates

    async def _fate(self, target: str, letter: int) -> _Fate:
        try:
            await self._put_back(target, await self._kept(target, letter))
        except (NotFoundError, TooLargeError):
            return _Fate.FAILED
        except UnavailableError:
            return _Fate.POSTPONED
        return _Fate.REDRIVEN

    async def _put_back(self, target: str, kept: Kept) -> None:
        """Park the letter's event, then delete the letter. A letter that stays after all is found redriven again."""
        headers = {**headers_again(kept.headers, _REASON), "Nats-Msg-Id": f"redrive-{kept.sequence}"}
        await self._publish(f"{PARKED}.{target}", kept.payload, headers)
        await self._reader.delete(DEAD_LETTERS, kept.sequence)
        self._metrics.dead_letters_redriven.inc()

    async def _kept(self, target: str, letter: int) -> Kept:
        kept = await self._reader.get(DEAD_LETTERS, letter)
        if kept is None or kept.subject != _subject(target):
            raise _unknown(letter)
        return kept


def headers_again(headers: Mapping[str, str], reason: str) -> dict[str, str]:
    """What is written down of a letter's event when it is parked again: what counted against it counts no more."""
    return {
        **own_headers(headers),
        **{name: headers[name] for name in _KEPT if name in headers},
        records.REASON: reason,
        records.TRIES: "0",
    }


def _subject(target: str) -> str:
    return f"{DEAD_LETTERS}.{target}"


def _unknown(letter: int) -> NotFoundError:
    return NotFoundError(f"there is no dead letter {letter}: it was redriven, forgotten, or is older than a week")


def _letter(head: Head) -> Letter:
    headers = head.headers
    return Letter(
        id=head.sequence,
        at=head.stored,
        delivery=headers.get(records.DELIVERY, ""),
        event=text(headers, records.EVENT),
        subject=text(headers, records.SUBJECT),
        sequence=int(number(headers, records.SEQUENCE)),
        reason=text(headers, records.REASON),
        tries=int(number(headers, records.TRIES)),
        attempts=int(number(headers, records.ATTEMPTS)),
        status=int(number(headers, records.STATUS)) or None,
        channel=headers.get(records.CHANNEL, ""),
        url=text(headers, records.URL),
        replay=text(headers, records.REPLAY),
        size=head.size,
    )
