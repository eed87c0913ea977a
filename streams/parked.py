"""The stream `ops-parked`: events that wait for a target which cannot take them now."""

from __future__ import annotations

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, StreamConfig

from streams.subjects import PARKED, PARKED_SUBJECT

MAX_AGE_SECONDS = 24 * 3600.0
DUPLICATE_WINDOW_SECONDS = 120.0
MAX_CONSUMERS = 50_000


def parked(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream `ops-parked`; durations in seconds."""
    return StreamConfig(
        name=PARKED,
        description="Events that wait for a hook or a receiver, one subject each.",
        subjects=[PARKED_SUBJECT],
        retention=RetentionPolicy.LIMITS,  # work queues have lost messages (nats-server 7817, 5526)
        storage=StorageType.FILE,  # the event in `ops` is acknowledged once its copy is here: it must be as safe
        num_replicas=replicas,
        max_age=MAX_AGE_SECONDS,  # the day that `ops` gives; longer would let a dead target fill the disk of all
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # an event parked again after a crash (ack wait: 15 s) is one copy
        discard=DiscardPolicy.NEW,  # full: the event stays unacknowledged in `ops` and is tried again
        discard_new_per_subject=False,  # there is no limit by subject to be full
        max_msgs_per_subject=-1,  # a target may owe any number
        max_msg_size=-1,  # the server's max_payload is the limit already
        max_consumers=MAX_CONSUMERS,  # a target with parked events has a consumer; the server's own ceiling is 1,000
        allow_direct=True,  # the oldest event that waits is looked up for each target
        allow_rollup_hdrs=False,  # else one publish with the header Nats-Rollup could wipe the stream
        allow_msg_ttl=False,  # what is owed does not expire earlier than the rest
        no_ack=False,  # the PubAck is what allows the event in `ops` to be acknowledged
        sealed=False,  # a sealed stream takes nothing in
        compression=StoreCompression.S2,  # as in `ops`
        deny_delete=False,  # as in `ops`
        deny_purge=False,  # a hook that is deleted has its parked events purged
    )
