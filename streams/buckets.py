"""Key-value buckets: streams in the form that every NATS client knows as one (`KV_{bucket}`, `$KV.{bucket}.>`)."""

from __future__ import annotations

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from streams.subjects import (
    CHECKPOINTS_BUCKET,
    GROUPS_BUCKET,
    HOOK_PAUSES_BUCKET,
    HOOKS_BUCKET,
    KEYS_BUCKET,
    NOTIFICATIONS_BUCKET,
    REPLAYS_BUCKET,
    SILENCES_BUCKET,
)

STREAM_PREFIX = "KV_"
HISTORY = 5
REPLAYS_MAX_AGE_SECONDS = 7 * 24 * 3600.0
MAX_REPLAYS = 10_000
GROUPS_MAX_AGE_SECONDS = 7 * 24 * 3600.0
MAX_SILENCES = 10_000
DUPLICATE_WINDOW_SECONDS = 120.0


def hooks(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-hooks`; durations in seconds."""
    return _bucket(
        HOOKS_BUCKET,
        "Event hooks, one key each; every replica watches it.",
        replicas,
        max_age=0.0,  # a hook lives until somebody deletes it
        history=HISTORY,  # what the hook was before, for the question "who changed it"
    )


def hook_pauses(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-hook-pauses`; durations in seconds."""
    return _bucket(
        HOOK_PAUSES_BUCKET,
        "Hooks that are paused, one key each, and why; every replica watches it.",
        replicas,
        max_age=0.0,  # a pause lasts until somebody ends it: a hook that goes on by itself would surprise its owner
        history=HISTORY,  # the pauses before, for the question "since when does it keep stopping"
    )


def replays(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-replays`; durations in seconds."""
    config = _bucket(
        REPLAYS_BUCKET,
        "Replays, one key each, and how far they are; every replica watches it.",
        replicas,
        max_age=REPLAYS_MAX_AGE_SECONDS,  # since the last change: one that is under way says so every few seconds
        history=1,  # progress is written again and again: only the last counts
    )
    config.max_msgs = MAX_REPLAYS  # every process holds them in memory; those that are there can still be changed
    return config


def checkpoints(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-checkpoints`; durations in seconds."""
    return _bucket(
        CHECKPOINTS_BUCKET,
        "How far the watches of Kubernetes have published, one key for each cluster and resource.",
        replicas,
        max_age=0.0,  # after however long an absence, a watch goes on where the last one stopped
        history=1,  # only the furthest counts
    )


def notifications(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-notifications`; durations in seconds."""
    return _bucket(
        NOTIFICATIONS_BUCKET,
        "Receivers and routes of notifications; every replica watches it.",
        replicas,
        max_age=0.0,  # in force until somebody changes it
        history=HISTORY,  # what was in force before, for the question "who changed it"
    )


def silences(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-silences`; durations in seconds."""
    config = _bucket(
        SILENCES_BUCKET,
        "Silences of notifications, one key each; every replica watches it.",
        replicas,
        max_age=0.0,  # one may be made for the maintenance of next month
        history=1,  # who made it stands in it
    )
    config.max_msgs = MAX_SILENCES  # every process holds them in memory
    return config


def groups(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-groups`; durations in seconds."""
    return _bucket(
        GROUPS_BUCKET,
        "What each group of notifications has told, one key each.",
        replicas,
        max_age=GROUPS_MAX_AGE_SECONDS,  # a group in which nothing happens for so long begins anew
        history=1,  # only how it is now counts
    )


def keys(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream behind the bucket `ops-keys`; durations in seconds."""
    return _bucket(
        KEYS_BUCKET,
        "The key that seals the secrets of hooks, where SECRETS_KEY is not set. Grant it to the app alone.",
        replicas,
        max_age=0.0,  # without the key no secret can be read again
        history=HISTORY,  # a key that was put over by mistake can be got back
    )


def _bucket(name: str, description: str, replicas: int, *, max_age: float, history: int) -> StreamConfig:
    """What all of them share."""
    return StreamConfig(
        name=STREAM_PREFIX + name,
        description=description,
        subjects=[f"$KV.{name}.>"],
        retention=RetentionPolicy.LIMITS,  # convention
        storage=StorageType.FILE,  # where no Kubernetes is, the bucket is the only copy
        num_replicas=replicas,
        max_age=max_age,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # convention
        discard=DiscardPolicy.NEW,  # convention: a full bucket refuses a put, and forgets no other key
        discard_new_per_subject=False,  # convention: a put replaces the oldest revision of its key
        max_msgs_per_subject=history,
        max_msg_size=-1,  # the server's max_payload is the limit already
        allow_direct=True,  # convention: gets are answered by any replica
        allow_rollup_hdrs=True,  # convention: a purge of a key is a rollup of its subject
        deny_delete=True,  # convention: revisions go by history and markers, which watchers see
        deny_purge=False,  # purging a key needs it
        no_ack=False,  # the revision number of a put is in its PubAck
        sealed=False,  # a sealed bucket takes nothing in
    )
