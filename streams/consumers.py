"""Durable consumers that every replica shares.

Functions, not constants: the NATS client and FastStream fill in what they are given, so each caller needs a fresh one.
"""

from __future__ import annotations

import datetime as dt
from hashlib import blake2b

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, ReplayPolicy

from streams.subjects import (
    GROUPS,
    HOOKS_MATCHER,
    NOTIFICATIONS_MATCHER,
    NOTIFICATIONS_SUBJECT,
    OPS_SUBJECT,
    PARKED,
    PENDING_SUBJECT,
)

ACK_WAIT_SECONDS = 10.0
"""After this the server gives an unsettled event to another replica; who needs longer says in-progress within it."""
MAX_ACK_PENDING = 1_000_000
MAX_WAITING = 512
TARGET = "target"
"""Metadata of an ordered hook's consumer: the key of its target."""
PARKED_MAX_ACK_PENDING = 100_000
MAX_DURABLE_NAME = 200
"""Longer names are cut: the server takes 255 characters, and a namespace and a name may have 316 between them."""


def hooks_matcher(replicas: int) -> ConsumerConfig:
    """A fresh configuration of the durable `hooks` on the stream `ops`; durations in seconds."""
    return ConsumerConfig(
        durable_name=HOOKS_MATCHER,
        description="Matches every event with the hooks, and delivers or parks it.",
        filter_subject=OPS_SUBJECT,  # matching is done in memory: a filter over many names is slow in the server (7852)
        deliver_policy=DeliverPolicy.ALL,  # an event acknowledged before this consumer existed is owed all the same
        ack_policy=AckPolicy.EXPLICIT,  # each event is settled on its own, when all its matches are delivered or parked
        ack_wait=ACK_WAIT_SECONDS,  # how long the events of a replica that died wait; longer work says in-progress
        # At a limit the server stops delivering the message and tells nobody its payload; attempts are counted, and
        # dead letters written, by the app.
        max_deliver=-1,
        # An event put back with a delay counts as pending, as does one whose delivery is under way. At the limit nobody
        # gets anything, so it is what a bad target may collect in hours: it must not stop the good ones. Measured:
        # 300,000 pending take the server 80 MiB, and deliveries beside them no longer than without.
        max_ack_pending=MAX_ACK_PENDING,
        # Pull requests waiting at once: a few for each replica. The server's default, stated because it can never be
        # changed on a live consumer.
        max_waiting=MAX_WAITING,
        replay_policy=ReplayPolicy.INSTANT,  # as fast as it goes, not at the pace of the original
        headers_only=False,  # keywords are matched against the payload
        inactive_threshold=0.0,  # never removed: its position is the debt, also while no replica runs
        mem_storage=False,  # the position survives the death of the server
        num_replicas=replicas,
    )


def notifications_matcher(replicas: int) -> ConsumerConfig:
    """A fresh configuration of the durable `notifications` on the stream `ops`; durations in seconds."""
    config = _shared(NOTIFICATIONS_MATCHER, NOTIFICATIONS_SUBJECT, replicas)
    config.description = "Routes every notification, and delivers it, parks it, or has it wait for its group."
    return config


def groups(replicas: int) -> ConsumerConfig:
    """A fresh configuration of the durable `groups` on the stream `ops-pending`; durations in seconds.

    Each message comes when it is put there, and is put back with a delay until its time: the server keeps the time.
    """
    config = _shared(GROUPS, PENDING_SUBJECT, replicas)
    config.description = "Makes one message of each group of notifications when its time has come."
    return config


def _shared(name: str, subject: str, replicas: int) -> ConsumerConfig:
    """What consumers have in common that all replicas share; the reasons stand at `hooks_matcher`."""
    return ConsumerConfig(
        durable_name=name,
        filter_subject=subject,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
        max_waiting=MAX_WAITING,
        replay_policy=ReplayPolicy.INSTANT,
        headers_only=False,
        inactive_threshold=0.0,
        mem_storage=False,
        num_replicas=replicas,
    )


def parked_drain(target_key: str, replicas: int) -> ConsumerConfig:
    """A fresh configuration of a target's durable on the stream `ops-parked`; durations in seconds.

    Made when the target's first event is parked, and deleted by the app when it has long been empty.
    """
    return ConsumerConfig(
        durable_name=durable(target_key),
        description=f"What {target_key} is owed.",
        filter_subject=f"{PARKED}.{target_key}",  # one literal subject: the server finds its messages by an index
        deliver_policy=DeliverPolicy.ALL,  # what was parked before this consumer existed is owed all the same
        ack_policy=AckPolicy.EXPLICIT,  # each event is settled on its own: one that fails holds up no other
        ack_wait=ACK_WAIT_SECONDS,  # how long the events of a replica that died wait; longer work says in-progress
        max_deliver=-1,  # tries are counted by the app, which writes the dead letter
        # Events put back with a delay count as pending, as a target's failing messages do for hours. At the limit only
        # this target waits, and its own breaker is open long before.
        max_ack_pending=PARKED_MAX_ACK_PENDING,
        max_waiting=MAX_WAITING,  # as above
        replay_policy=ReplayPolicy.INSTANT,  # a backlog is drained as fast as the target takes it
        headers_only=False,  # the payload is what is sent
        inactive_threshold=0.0,  # never removed by the server: its position is the debt, also while no replica runs
        mem_storage=False,  # the position survives the death of the server
        num_replicas=replicas,
    )


def ordered(target_key: str, subject: str, start_time: dt.datetime, replicas: int) -> ConsumerConfig:
    """A fresh configuration of an ordered hook's own durable on the stream `ops`; durations in seconds.

    `subject` is the hook's, `start_time` when the hook began to be ordered.
    """
    return ConsumerConfig(
        durable_name=durable(f"ordered_{target_key}"),
        description=f"Brings {target_key} its events one at a time.",
        metadata={TARGET: target_key},  # whose it is, also when nobody remembers
        filter_subject=subject,  # one hook, one filter: other subjects are not sent over the wire
        deliver_policy=DeliverPolicy.BY_START_TIME,  # what came before went another way, or was before the hook
        opt_start_time=start_time,
        ack_policy=AckPolicy.EXPLICIT,  # the next event comes when this one is delivered or a dead letter
        ack_wait=ACK_WAIT_SECONDS,  # how long the event of a replica that died waits; longer work says in-progress
        max_deliver=-1,  # tries are counted by the app, which writes the dead letter
        max_ack_pending=1,  # this is the order: over all replicas, nothing is given out beside an unsettled event
        max_waiting=MAX_WAITING,  # as above
        replay_policy=ReplayPolicy.INSTANT,  # as fast as the target takes it
        headers_only=False,  # keywords are matched against the payload
        inactive_threshold=0.0,  # never removed by the server: its position is the debt, also while no replica runs
        mem_storage=False,  # the position survives the death of the server
        num_replicas=replicas,
    )


def durable(target_key: str) -> str:
    """A target's key as the name of a consumer, in which no dot may stand.

    Two targets never share one: no name of Kubernetes holds a `_`, and no namespace a dot.
    """
    name = target_key.replace(".", "_")
    if len(name) <= MAX_DURABLE_NAME:
        return name
    return f"{name[:MAX_DURABLE_NAME]}_{blake2b(name.encode(), digest_size=16).hexdigest()}"
