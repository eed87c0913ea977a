"""The stream `ops`: every event, for a day."""

from __future__ import annotations

from collections.abc import Sequence

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, StreamConfig

from streams.edges import sources
from streams.subjects import OPS, OPS_SUBJECT

MAX_AGE_SECONDS = 24 * 3600.0
DUPLICATE_WINDOW_SECONDS = 120.0


def ops(replicas: int, edges: Sequence[str] = ()) -> StreamConfig:
    """A fresh configuration of the stream `ops`, which takes the events of `edges` over; durations in seconds.

    `max_bytes` and `max_msgs` stay unset: only the operator knows the disk. A limit set on the server is left alone,
    and `discard` says what happens when it is reached.
    """
    return StreamConfig(
        name=OPS,
        description="Every event, as CloudEvents; hooks, notifications, queries and tails read it.",
        subjects=[OPS_SUBJECT],
        retention=RetentionPolicy.LIMITS,  # many readers, and queries after the fact: being read removes nothing
        storage=StorageType.FILE,  # an acknowledged event survives the death of the server
        sources=sources(edges),
        num_replicas=replicas,
        max_age=MAX_AGE_SECONDS,  # the specification's 24 h; with age as the only limit nothing goes earlier
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # covers a source's retries; every id in it costs the server memory
        discard=DiscardPolicy.NEW,  # full: refuse the publish, whose source hears it, and drop no acknowledged event
        discard_new_per_subject=False,  # there is no limit by subject to be full
        max_msgs_per_subject=-1,  # a limit here would drop acknowledged events of a busy object without a word
        max_msg_size=-1,  # the server's max_payload is the limit already
        allow_direct=True,  # queries read single messages from any replica, without loading the leader
        allow_rollup_hdrs=False,  # else one publish with the header Nats-Rollup could wipe the stream
        allow_msg_ttl=False,  # else a publisher could shorten the life of its event
        no_ack=False,  # the PubAck is what a source's 200 means
        sealed=False,  # a sealed stream takes nothing in
        compression=StoreCompression.S2,  # measured on JSON events: a quarter of the disk, no slower to publish
        # Cannot be taken back once set, and a secret that got into an event must be removable: who may delete and
        # purge is a matter of permissions on $JS.API.STREAM.MSG.DELETE and .PURGE.
        deny_delete=False,
        deny_purge=False,
    )
