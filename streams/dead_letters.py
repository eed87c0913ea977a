"""The stream `ops-dead-letters`: deliveries that were given up, until a person has looked at them."""

from __future__ import annotations

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, StreamConfig

from streams.subjects import DEAD_LETTERS, DEAD_LETTERS_SUBJECT

MAX_AGE_SECONDS = 7 * 24 * 3600.0
DUPLICATE_WINDOW_SECONDS = 120.0


def dead_letters(replicas: int) -> StreamConfig:
    """A fresh configuration of the stream `ops-dead-letters`; durations in seconds."""
    return StreamConfig(
        name=DEAD_LETTERS,
        description="Deliveries given up, with payload and reason; to be replayed or forgotten.",
        subjects=[DEAD_LETTERS_SUBJECT],
        retention=RetentionPolicy.LIMITS,  # a replay reads them, and may do so twice
        storage=StorageType.FILE,  # often the last copy of an event
        num_replicas=replicas,
        max_age=MAX_AGE_SECONDS,  # a person has to look: a long weekend fits in
        duplicate_window=DUPLICATE_WINDOW_SECONDS,  # giving up twice, after a crash in between, makes one letter
        discard=DiscardPolicy.NEW,  # full: the delivery stays parked and is tried again; no older letter is dropped
        discard_new_per_subject=False,  # there is no limit by subject to be full
        max_msgs_per_subject=-1,  # a target may fail any number of times
        max_msg_size=-1,  # the server's max_payload is the limit already
        allow_direct=True,  # letters are looked at one by one
        allow_rollup_hdrs=False,  # else one publish with the header Nats-Rollup could wipe the stream
        allow_msg_ttl=False,  # all letters live equally long
        no_ack=False,  # the PubAck is what allows the parked event to be acknowledged
        sealed=False,  # a sealed stream takes nothing in
        compression=StoreCompression.S2,  # as in `ops`
        deny_delete=False,  # a letter that has been replayed may be deleted
        deny_purge=False,  # a hook that is deleted may have its letters purged
    )
