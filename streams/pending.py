"""The stream `ops-pending`: what waits for its time."""

from __future__ import annotations

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, StreamConfig

from streams.subjects import PENDING, PENDING_SUBJECT

MAX_AGE_SECONDS = 40 * 24 * 3600.0
DUPLICATE_WINDOW_SECONDS = 120.0


def pending(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream `ops-pending`; durations in seconds."""
    return StreamConfig(
        name=PENDING,
        description="Notifications that wait for the message of their group, and notices of silences that end.",
        subjects=[PENDING_SUBJECT],
        retention=RetentionPolicy.LIMITS,  # work queues have lost messages (nats-server 7817, 5526)
        storage=StorageType.FILE,  # the notification in `ops` is acknowledged once its copy is here
        num_replicas=replicas,
        # A group waits a day at most; a silence may end in a month. What has been told is purged at once.
        max_age=MAX_AGE_SECONDS,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # a notification that comes again after a crash waits once
        discard=DiscardPolicy.NEW,  # full: the notification stays unacknowledged in `ops` and is tried again
        discard_new_per_subject=False,  # there is no limit by subject to be full
        max_msgs_per_subject=-1,  # a group may be of any size
        max_msg_size=-1,  # the server's max_payload is the limit already
        allow_direct=True,  # a group is read by its subject
        allow_rollup_hdrs=False,  # else one publish with the header Nats-Rollup could wipe the stream
        allow_msg_ttl=False,  # what waits does not expire earlier than the rest
        no_ack=False,  # the PubAck is what allows the notification in `ops` to be acknowledged
        sealed=False,  # a sealed stream takes nothing in
        compression=StoreCompression.S2,  # as in `ops`
        deny_delete=False,  # as in `ops`
        deny_purge=False,  # what has been told is purged
    )
