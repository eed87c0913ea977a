"""The stream `ops-counts`: totals of each target, which the server adds up."""

from __future__ import annotations

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from streams.subjects import COUNTS, COUNTS_SUBJECT

DUPLICATE_WINDOW_SECONDS = 120.0


def counts(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream `ops-counts`; durations in seconds."""
    return StreamConfig(
        name=COUNTS,
        description="Totals: an increment in the header Nats-Incr of each message, the sum in its payload.",
        subjects=[COUNTS_SUBJECT],
        retention=RetentionPolicy.LIMITS,  # it is looked at, not consumed
        storage=StorageType.FILE,  # a total that begins anew at each restart is none
        num_replicas=replicas,
        max_age=0.0,  # a total lives until somebody purges it: an age would set a quiet target back to 0
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # an increment that is sent again within it counts once
        discard=DiscardPolicy.OLD,  # the server takes no other for a stream that counts
        discard_new_per_subject=False,  # the same, by subject
        max_msgs_per_subject=1,  # the newest carries the sum; those before it say nothing more
        max_msg_size=-1,  # the server's max_payload is the limit already
        allow_msg_counter=True,  # what this stream is for; needs nats-server 2.12
        allow_direct=True,  # a total is the last message of its subject
        allow_rollup_hdrs=False,  # a counter cannot be rolled up
        allow_msg_ttl=False,  # a total does not expire
        no_ack=False,  # an increment that was not stored is sent again
        sealed=False,  # a sealed stream takes nothing in
        deny_delete=False,  # as in `ops`
        deny_purge=False,  # a hook that is deleted may have its totals purged
    )
