"""Which messages a replay takes: from what a client asked for to sequences of a stream. Called by `replays.py`."""

from __future__ import annotations

from app.errors import FieldProblem, InvalidResourceError
from app.events import cloudevent
from app.hooks.hook import Hook
from app.hooks.replays.replay import Until, Wanted
from app.jetstream.past import Slice, bounds, count, sequence_at
from app.jetstream.read import StreamReader
from streams.subjects import DEAD_LETTERS, OPS


async def span_of(reader: StreamReader, hook: Hook, wanted: Wanted) -> tuple[Slice, int]:
    """What is to be read, and how many messages that is, as far as the server knows now.

    It ends with the newest message there is: a replay never runs after what comes in meanwhile.

    Raises:
        InvalidResourceError: it lies outside the stream, or ends before it begins.
        UnavailableError: JetStream does not answer.
    """
    if wanted.origin.dead_letters:
        return await _letters(reader, f"{DEAD_LETTERS}.{hook.target.key}")
    oldest, newest = await bounds(reader, OPS)
    first, last = await _first(reader, wanted.origin, newest), newest
    if wanted.until is not None:
        last = await _last(reader, wanted.until)
        if _is_backwards(wanted.origin, wanted.until, first, last):
            raise InvalidResourceError([FieldProblem("until", "lies before from")])
    piece = Slice(OPS, hook.spec.subject, max(first, oldest, 1), min(last, newest))
    return piece, await count(reader, piece)


async def _letters(reader: StreamReader, subject: str) -> tuple[Slice, int]:
    extent = await reader.extent(DEAD_LETTERS, subject)
    return Slice(DEAD_LETTERS, subject, max(extent.first, 1), extent.last), extent.number


async def _first(reader: StreamReader, origin: Until, newest: int) -> int:
    if origin.sequence is not None:
        if origin.sequence > newest:
            why = f"is {origin.sequence}, but the newest event has the sequence {newest}"
            raise InvalidResourceError([FieldProblem("from.sequence", why)])
        return origin.sequence
    if origin.time is None or origin.time > cloudevent.now():
        raise InvalidResourceError([FieldProblem("from.time", "lies in the future")])
    return await sequence_at(reader, OPS, origin.time.timestamp())


async def _last(reader: StreamReader, until: Until) -> int:
    """A sequence belongs to the replay, a time is its end."""
    if until.time is not None:
        return await sequence_at(reader, OPS, until.time.timestamp()) - 1
    return until.sequence or 0


def _is_backwards(origin: Until, until: Until, first: int, last: int) -> bool:
    if origin.time is not None and until.time is not None:
        return until.time < origin.time  # between two times there may be nothing
    return last < first
