"""What the stream holds already. Used by `journal.py` and `status_follower.py`.

It matters where a watch goes on that another process has left longer ago than the stream's dedup window lasts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from app.events import cloudevent, subject
from app.events.catalog import EventType
from app.jetstream.past import sequence_at
from app.jetstream.read import Kept, StreamReader
from streams.subjects import OPS

_ID: Final = "Nats-Msg-Id"
_BATCH: Final = 5_000  # messages of one look
_MOST: Final = 200_000  # ids that are remembered; a checkpoint is a few seconds old when its writer dies
_BEHIND: Final = 100  # events of one subject that are looked at, behind the beginning of a list


async def published(reader: StreamReader, filters: Iterable[str], since: float) -> set[str]:
    """The ids of the events that were stored under some subjects since a time, Unix seconds.

    Raises:
        UnavailableError: JetStream does not answer.
    """
    begin = await sequence_at(reader, OPS, since)
    ids: set[str] = set()
    for pattern in filters:
        await _collect(reader, pattern, begin, ids)
    return ids


async def _collect(reader: StreamReader, pattern: str, begin: int, ids: set[str]) -> None:
    while len(ids) < _MOST and (heads := await reader.heads(OPS, pattern, begin, _BATCH)):
        ids.update(head.headers[_ID] for head in heads if _ID in head.headers)
        begin = heads[-1].sequence + 1


async def says_already(reader: StreamReader, where: str, data: object, begun: int) -> bool:
    """Whether the newest event of a subject carries this data, or did when the stream's last sequence was `begun`.

    What a list shows may be told by another process while the list is read, and be outdated by the next change too.

    Raises:
        UnavailableError: JetStream does not answer.
    """
    kept = await reader.last(OPS, where)
    if kept is None or _carries(kept, data):
        return kept is not None
    return kept.sequence > begun and any(_carries(other, data) for other in await _around(reader, where, begun))


async def _around(reader: StreamReader, where: str, begun: int) -> list[Kept]:
    """What was the newest event of a subject at a sequence, and those behind it."""
    newest = await reader.last_up_to(OPS, where, begun) if begun else None
    return [*filter(None, [newest]), *await reader.following(OPS, where, begun + 1, _BEHIND)]


def _carries(kept: Kept, data: object) -> bool:
    try:
        event = cloudevent.read(kept.payload, kept.headers)
    except cloudevent.NotACloudEventError:
        return False
    return cloudevent.compact_json(event.data) == cloudevent.compact_json(data)


def filter_of(row: EventType[Any], cluster: str, observation: str) -> str:
    """The filter that sees the events of a row from a cluster."""
    names = dict.fromkeys(subject.fields(row.subject), subject.ANY)
    return row.subject.format_map({**names, "cluster": subject.encode(cluster), "observation": observation})
