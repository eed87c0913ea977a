"""The stream `ops-attempts`: the ledger of what became of each delivery."""

from __future__ import annotations

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, StreamConfig

from streams.subjects import ATTEMPTS, ATTEMPTS_SUBJECT

MAX_AGE_SECONDS = 7 * 24 * 3600.0
DUPLICATE_WINDOW_SECONDS = 120.0
MAX_MSGS_PER_SUBJECT = 1_000
"""Messages of one target. Each holds the attempts of a second or more, at most 256 KiB of them."""


def attempts(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream `ops-attempts`; durations in seconds."""
    return StreamConfig(
        name=ATTEMPTS,
        description="What became of each delivery: the newest attempts of every target.",
        subjects=[ATTEMPTS_SUBJECT],
        retention=RetentionPolicy.LIMITS,  # it is looked at, not consumed
        storage=StorageType.FILE,  # after a restart people ask what happened before it
        num_replicas=replicas,
        max_age=MAX_AGE_SECONDS,  # as long as a dead letter lives, its attempts can be looked up
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # a batch that is sent twice is one message
        discard=DiscardPolicy.OLD,  # a record, not a debt: the newest count, and a full ledger must hold up no delivery
        discard_new_per_subject=False,  # the same, by subject
        # A busy target cannot push out the lines of a quiet one. The newest 1,000 attempts are kept at least; of a
        # target with thousands a second some minutes, in 256 MiB at the very most.
        max_msgs_per_subject=MAX_MSGS_PER_SUBJECT,
        max_msg_size=-1,  # the server's max_payload is the limit already
        allow_direct=True,  # the last attempt of a target is read by its subject
        allow_rollup_hdrs=False,  # else one publish with the header Nats-Rollup could wipe the ledger
        allow_msg_ttl=False,  # all lines live equally long
        no_ack=False,  # the writer may want to know
        sealed=False,  # a sealed stream takes nothing in
        compression=StoreCompression.S2,  # as in `ops`
        deny_delete=False,  # as in `ops`
        deny_purge=False,  # a hook that is deleted may have its ledger purged
    )
