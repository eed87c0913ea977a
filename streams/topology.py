"""Everything that NATS must hold, in the order in which it can be created."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nats.js.api import ConsumerConfig, StreamConfig

from streams import buckets, consumers
from streams.attempts import attempts
from streams.counts import counts
from streams.dead_letters import dead_letters
from streams.ops import ops
from streams.parked import parked
from streams.pending import pending
from streams.subjects import OPS, PENDING


@dataclass(frozen=True)
class Topology:
    """Streams (buckets are streams too), then consumers, each with the name of its stream."""

    streams: tuple[StreamConfig, ...]
    consumers: tuple[tuple[str, ConsumerConfig], ...]


def topology(replicas: int, edges: Sequence[str] = ()) -> Topology:
    """What the product needs: on a server that stands alone or is an edge; with names of `edges`, on their hub.

    What is written to comes before what is read: parked events, dead letters and the ledger exist before a consumer can
    hand anybody an event to settle. The key of a hook's secrets, and its pause, come before the hook.
    """
    return Topology(
        streams=(
            ops(replicas, edges),
            parked(replicas),
            dead_letters(replicas),
            attempts(replicas),
            counts(replicas),
            pending(replicas),
            buckets.checkpoints(replicas),
            buckets.keys(replicas),
            buckets.hook_pauses(replicas),
            buckets.replays(replicas),
            buckets.groups(replicas),
            buckets.silences(replicas),
            buckets.notifications(replicas),
            buckets.hooks(replicas),
        ),
        consumers=(
            (OPS, consumers.hooks_matcher(replicas)),
            (OPS, consumers.notifications_matcher(replicas)),
            (PENDING, consumers.groups(replicas)),
        ),
    )
