"""The difference between what the code wants and what a server has. Pure: `live` reads and changes the server.

Only fields that the code states are compared (`verdicts` holds the list), so what a server fills in, and what an
operator adds (a size limit, placement, sources that are no edges), is no drift. Streams and consumers that the code
does not know are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from nats.js.api import ConsumerConfig, StreamConfig

from streams.buckets import STREAM_PREFIX
from streams.patterns import overlap
from streams.topology import Topology
from streams.verdicts import CONSUMER_FIELDS, STREAM_FIELDS, Effect, Field, Verdict


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    REFUSE = "refuse"
    """Cannot be done by `apply`; the reasons say what a person can do."""


class Kind(StrEnum):
    STREAM = "stream"
    BUCKET = "bucket"
    CONSUMER = "consumer"


@dataclass(frozen=True)
class Actual:
    """What a server has.

    Streams by name: the house's, and any that may be in their way. Consumers by (stream, durable name).
    """

    streams: Mapping[str, StreamConfig]
    consumers: Mapping[tuple[str, str], ConsumerConfig]


@dataclass(frozen=True)
class Difference:
    """One field: its value on the server, the wanted one, and what it means to go from one to the other.

    Durations are in seconds; `math.inf` stands for "unlimited"; several subjects are a sorted tuple.
    """

    field: str
    before: object
    after: object
    verdict: Verdict


@dataclass(frozen=True)
class Change:
    """One step from what the server has to what the code wants."""

    kind: Kind
    name: str
    """As a person calls it: the stream, the bucket without `KV_`, or `stream/consumer`."""
    stream: str
    """The stream on the server that this is, or belongs to."""
    action: Action
    absent: bool = False
    """The server does not have it at all: what needs it cannot work."""
    differences: tuple[Difference, ...] = ()
    loses_data: bool = False
    """Done only where losses are allowed."""
    reason: str = ""
    wanted: StreamConfig | ConsumerConfig = field(kw_only=True, repr=False, compare=False)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is refused or held back, each reason once."""
        found = [self.reason, *(difference.verdict.reason for difference in self.differences)]
        return tuple(dict.fromkeys(reason for reason in found if reason))

    @property
    def values(self) -> dict[str, Any]:
        """The wanted values of the fields that differ, as nats-py takes them."""
        return {difference.field: getattr(self.wanted, difference.field) for difference in self.differences}


def compare(wanted: Topology, actual: Actual) -> tuple[Change, ...]:
    """What has to change on the server, in the order in which it can be done.

    A stream or consumer gives up to three changes: what is safe, what loses data, what the server cannot do.
    """
    streams = [change for config in wanted.streams for change in _stream(config, actual)]
    blocked = {change.stream for change in streams if change.absent and change.action is Action.REFUSE}
    consumers = [change for stream, config in wanted.consumers for change in _consumer(stream, config, actual, blocked)]
    return (*streams, *consumers)


def _stream(wanted: StreamConfig, actual: Actual) -> Iterator[Change]:
    change = _about_stream(wanted)
    live = actual.streams.get(change.stream)
    conflict = _conflict(wanted, actual)
    if live is None:
        yield replace(change, absent=True, reason=conflict, action=Action.REFUSE if conflict else Action.CREATE)
        return
    found = _differences(wanted, live, STREAM_FIELDS)
    yield from _by_effect(change, [_blocked_by(conflict, difference) for difference in found])


def _consumer(stream: str, wanted: ConsumerConfig, actual: Actual, blocked: set[str]) -> Iterator[Change]:
    change = _about_consumer(stream, wanted)
    live = actual.consumers.get((stream, str(wanted.durable_name)))
    if live is None:
        reason = f"its stream {stream} is missing and cannot be created: mend that first" if stream in blocked else ""
        yield replace(change, absent=True, reason=reason, action=Action.REFUSE if reason else Action.CREATE)
        return
    yield from _by_effect(change, _differences(wanted, _resolved(live, actual.streams.get(stream)), CONSUMER_FIELDS))


def _about_stream(wanted: StreamConfig) -> Change:
    name = str(wanted.name)
    kind = Kind.BUCKET if name.startswith(STREAM_PREFIX) else Kind.STREAM
    return Change(kind, name.removeprefix(STREAM_PREFIX), name, Action.UPDATE, wanted=wanted)


def _about_consumer(stream: str, wanted: ConsumerConfig) -> Change:
    return Change(Kind.CONSUMER, f"{stream}/{wanted.durable_name}", stream, Action.UPDATE, wanted=wanted)


def _resolved(live: ConsumerConfig, stream: StreamConfig | None) -> SimpleNamespace:
    """The consumer as it is in effect: 0 replicas means as many as the stream has; one filter may stand for several."""
    replicas = live.num_replicas or (stream.num_replicas if stream else None)
    filters = live.filter_subject or live.filter_subjects
    return SimpleNamespace(**{**vars(live), "num_replicas": replicas, "filter_subject": filters})


def _differences(wanted: object, live: object, fields: Mapping[str, Field]) -> list[Difference]:
    return [
        Difference(name, before, after, rule.judge(before, after))
        for name, rule in fields.items()
        if (stated := getattr(wanted, name)) != rule.silent
        if (before := rule.read(getattr(live, name))) != (after := rule.read(stated))
    ]


def _by_effect(change: Change, differences: list[Difference]) -> Iterator[Change]:
    for effect in Effect:
        some = tuple(difference for difference in differences if difference.verdict.effect is effect)
        if some:
            action = Action.REFUSE if effect is Effect.IMPOSSIBLE else Action.UPDATE
            yield replace(change, action=action, differences=some, loses_data=effect is Effect.LOSS)


def _blocked_by(conflict: str, difference: Difference) -> Difference:
    if conflict and difference.field == "subjects":
        return replace(difference, verdict=Verdict(Effect.IMPOSSIBLE, conflict))
    return difference


def _conflict(wanted: StreamConfig, actual: Actual) -> str:
    """Which other streams keep some of the subjects already, and how to go on; empty when none does."""
    taken = {
        name: sorted(s for s in other.subjects or () if any(overlap(s, ours) for ours in wanted.subjects or ()))
        for name, other in sorted(actual.streams.items())
        if name != wanted.name
    }
    owners = [f"stream {name} keeps {', '.join(subjects)} already" for name, subjects in taken.items() if subjects]
    if not owners:
        return ""
    return (
        f"{'; '.join(owners)}, and a subject can be kept by one stream only (the server answers 10065). How to go on: "
        f"give that stream other subjects or delete it, then apply again; it can source {wanted.name} to keep a copy"
    )
