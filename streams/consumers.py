"""Durable consumers that every replica shares.

Functions, not constants: the NATS client and FastStream fill in what they are given, so each caller needs a fresh one.
"""

from __future__ import annotations

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, ReplayPolicy

from streams.subjects import HOOKS_MATCHER, OPS_SUBJECT

ACK_WAIT_SECONDS = 10.0
"""After this the server gives an unsettled event to another replica; who needs longer says in-progress within it."""
MAX_ACK_PENDING = 1_000_000
MAX_WAITING = 512


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
