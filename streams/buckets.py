"""Key-value buckets: streams in the form that every NATS client knows as one (`KV_{bucket}`, `$KV.{bucket}.>`)."""

from __future__ import annotations

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from streams.subjects import HOOKS_BUCKET

STREAM_PREFIX = "KV_"
HISTORY = 5
DUPLICATE_WINDOW_SECONDS = 120.0


def hooks(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-hooks`; durations in seconds."""
    return StreamConfig(
        name=STREAM_PREFIX + HOOKS_BUCKET,
        description="Event hooks, one key each; every replica watches it.",
        subjects=[f"$KV.{HOOKS_BUCKET}.>"],
        retention=RetentionPolicy.LIMITS,  # convention
        storage=StorageType.FILE,  # where no Kubernetes is, the bucket is the only copy
        num_replicas=replicas,
        max_age=0.0,  # a hook lives until somebody deletes it
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # convention
        discard=DiscardPolicy.NEW,  # convention: a full bucket refuses a put, and forgets no other key
        discard_new_per_subject=False,  # convention: a put replaces the oldest revision of its key
        max_msgs_per_subject=HISTORY,  # what the hook was before, for the question "who changed it"
        max_msg_size=-1,  # the server's max_payload is the limit already
        allow_direct=True,  # convention: gets are answered by any replica
        allow_rollup_hdrs=True,  # convention: a purge of a key is a rollup of its subject
        deny_delete=True,  # convention: revisions go by history and markers, which watchers see
        deny_purge=False,  # purging a key needs it
        no_ack=False,  # the revision number of a put is in its PubAck
        sealed=False,  # a sealed bucket takes nothing in
    )
