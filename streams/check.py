"""Lint for a topology: what a server would refuse, or take and then lose events by. Pure; needs no server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType, StreamConfig

from streams.buckets import STREAM_PREFIX
from streams.patterns import covers, legal, overlap
from streams.topology import Topology

REPLICAS = (1, 3, 5)
MAX_HISTORY = 64  # of a key-value bucket, by the convention of the clients
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and how to mend it."""

    where: str
    message: str


StreamRule = Callable[[StreamConfig], str | None]
ConsumerRule = Callable[[ConsumerConfig, StreamConfig], str | None]
TopologyRule = Callable[[Topology], Iterator[Finding]]


def check(wanted: Topology) -> list[Finding]:
    """Every finding; an empty list means the topology is sound."""
    return [finding for rule in TOPOLOGY_RULES for finding in rule(wanted)]


def _each_stream(wanted: Topology) -> Iterator[Finding]:
    for config in wanted.streams:
        rules = STREAM_RULES + (BUCKET_RULES if str(config.name).startswith(STREAM_PREFIX) else ())
        yield from (Finding(f"stream {config.name}", found) for rule in rules if (found := rule(config)))


def _each_consumer(wanted: Topology) -> Iterator[Finding]:
    streams = {config.name: config for config in wanted.streams}
    for stream, config in wanted.consumers:
        where = f"consumer {stream}/{config.durable_name}"
        if stream not in streams:
            yield Finding(where, f"there is no stream {stream}: name one of {', '.join(map(str, streams))}")
            continue
        yield from (Finding(where, found) for rule in CONSUMER_RULES if (found := rule(config, streams[stream])))


def _subjects_apart(wanted: Topology) -> Iterator[Finding]:
    kept = [(config.name, subject) for config in wanted.streams for subject in config.subjects or ()]
    for (one, ours), (other, theirs) in combinations(kept, 2):
        if overlap(ours, theirs):
            yield Finding(f"stream {one}", f"{ours} overlaps {theirs} of {other}: a subject is kept by one stream only")


def _names_unique(wanted: Topology) -> Iterator[Finding]:
    streams = [f"stream {config.name}" for config in wanted.streams]
    consumers = [f"consumer {stream}/{config.durable_name}" for stream, config in wanted.consumers]
    names = streams + consumers
    yield from (Finding(name, "is declared twice: keep one") for name in sorted(set(names)) if names.count(name) > 1)


def _stream_name(config: StreamConfig) -> str | None:
    return _name(config.name)


def _durable_name(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    if not config.durable_name:
        return "has no durable_name: without one the server forgets its position when nobody reads"
    return _name(config.durable_name)


def _name(name: str | None) -> str | None:
    return None if _NAME.fullmatch(name or "") else f"the name {name!r} is not letters, digits, - and _ only"


def _stream_subjects(config: StreamConfig) -> str | None:
    if not config.subjects:
        return "keeps no subject: name at least one"
    wrong = [subject for subject in config.subjects if not legal(subject)]
    return f"no legal subjects: {wrong}: tokens are parted by dots, and > comes last" if wrong else None


def _stream_storage(config: StreamConfig) -> str | None:
    return None if config.storage == StorageType.FILE else "is not stored in files: a restart would lose what is kept"


def _stream_retention(config: StreamConfig) -> str | None:
    if config.retention == RetentionPolicy.LIMITS:
        return None
    return "has no limits retention: work queues have lost messages (nats-server 7817, 5526) and cannot be replayed"


def _stream_replicas(config: StreamConfig) -> str | None:
    return None if config.num_replicas in REPLICAS else _uneven(config.num_replicas)


def _uneven(replicas: int | None) -> str:
    return f"{replicas} replicas: take 1, 3 or 5 (an even number costs a server and survives no more failures)"


def _stream_acknowledges(config: StreamConfig) -> str | None:
    return "does not acknowledge: a publisher could not know whether its message is kept" if config.no_ack else None


def _stream_duplicate_window(config: StreamConfig) -> str | None:
    if config.duplicate_window <= 0:
        return "states no duplicate_window: the server would choose one"
    if config.max_age and config.duplicate_window > config.max_age:
        return f"duplicate_window ({config.duplicate_window} s) is longer than max_age ({config.max_age} s): shorten it"
    return None


def _bucket_subjects(config: StreamConfig) -> str | None:
    expected = f"$KV.{str(config.name).removeprefix(STREAM_PREFIX)}.>"
    return None if config.subjects == [expected] else f"a bucket keeps {expected} and nothing else"


def _bucket_history(config: StreamConfig) -> str | None:
    if 1 <= config.max_msgs_per_subject <= MAX_HISTORY:
        return None
    return f"max_msgs_per_subject is the history of a key: between 1 and {MAX_HISTORY}"


def _bucket_flags(config: StreamConfig) -> str | None:
    if config.deny_delete and config.allow_rollup_hdrs and not config.deny_purge:
        return None
    return "a bucket denies delete, allows rollups and does not deny purge: its clients rely on it"


def _consumer_filter(config: ConsumerConfig, stream: StreamConfig) -> str | None:
    pattern = config.filter_subject or ">"
    if not legal(pattern):
        return f"{pattern!r} is no legal subject: tokens are parted by dots, and > comes last"
    if any(covers(subject, pattern) for subject in stream.subjects or ()):
        return None
    return f"its filter {pattern} is not inside the subjects of {stream.name}: {', '.join(stream.subjects or ())}"


def _consumer_acks(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    return None if config.ack_policy == AckPolicy.EXPLICIT else "does not acknowledge each message: set explicit acks"


def _consumer_ack_wait(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    return None if config.ack_wait else "states no ack_wait: the app says in-progress in time only for one it knows"


def _consumer_starts_at_the_oldest(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    if config.deliver_policy == DeliverPolicy.ALL:
        return None
    return "does not begin with the oldest message: events acknowledged before it existed would never be delivered"


def _consumer_max_deliver(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    if config.max_deliver == -1:
        return None
    return "max_deliver must be -1: at a limit the server leaves the message behind, and its payload reaches nobody"


def _consumer_backoff(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    if not config.backoff:
        return None
    return "has a backoff: a plain nak ignores it, and it replaces ack_wait; nak with a delay instead"


def _consumer_stays(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    if not config.inactive_threshold:
        return None
    return "has an inactive_threshold: the server would delete it and its position"


def _consumer_pulls(config: ConsumerConfig, _stream: StreamConfig) -> str | None:
    return "pushes to a deliver_subject: replicas share a pull consumer only" if config.deliver_subject else None


def _consumer_replicas(config: ConsumerConfig, stream: StreamConfig) -> str | None:
    if config.num_replicas not in REPLICAS:
        return _uneven(config.num_replicas)
    if config.num_replicas == stream.num_replicas:
        return None
    return f"has {config.num_replicas} replicas and its stream {stream.num_replicas}: give both the same"


STREAM_RULES: tuple[StreamRule, ...] = (
    _stream_name,
    _stream_subjects,
    _stream_storage,
    _stream_retention,
    _stream_replicas,
    _stream_acknowledges,
    _stream_duplicate_window,
)

BUCKET_RULES: tuple[StreamRule, ...] = (_bucket_subjects, _bucket_history, _bucket_flags)

CONSUMER_RULES: tuple[ConsumerRule, ...] = (
    _durable_name,
    _consumer_filter,
    _consumer_acks,
    _consumer_ack_wait,
    _consumer_starts_at_the_oldest,
    _consumer_max_deliver,
    _consumer_backoff,
    _consumer_stays,
    _consumer_pulls,
    _consumer_replicas,
)

TOPOLOGY_RULES: tuple[TopologyRule, ...] = (_names_unique, _subjects_apart, _each_stream, _each_consumer)
