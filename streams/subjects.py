"""Names that the server, the app and the operator's permissions have to agree on.

A subject space begins with the name of its stream, so that a permission or a message names both at once. The hyphen
matters: `ops-parked` is another first token than `ops`, so what the house writes for itself is not taken in by `ops.>`.
"""

from __future__ import annotations

OPS = "ops"
"""The stream of every event. The specification names the subjects `ops.…`; the stream is called the same."""
OPS_SUBJECT = "ops.>"
"""All of them: an event is kept whatever its shape, also one that nobody's hook wants yet."""
NOTIFICATIONS_SUBJECT = "ops.notifications.>"
"""Those that are notifications."""

PARKED = "ops-parked"
"""Events that wait for their target: it failed, is full, is paused, or others wait for it already."""
PARKED_SUBJECT = "ops-parked.>"
"""`ops-parked.{hooks|notifications}.{namespace}.{name}`: one subject a target, which a consumer can filter."""

DEAD_LETTERS = "ops-dead-letters"
"""Deliveries that were given up, with their payload: the server's own advisory carries none."""
DEAD_LETTERS_SUBJECT = "ops-dead-letters.>"
"""The same tokens as in `ops-parked`, so that a target finds its dead letters under its own name."""

ATTEMPTS = "ops-attempts"
"""The ledger: what became of each delivery."""
ATTEMPTS_SUBJECT = "ops-attempts.>"
"""The same tokens again; one subject a target lets the server bound the ledger for each."""

COUNTS = "ops-counts"
"""Totals: how often each target was delivered to, in vain or not."""
COUNTS_SUBJECT = "ops-counts.>"
"""`ops-counts.{what is counted}.{target key}`: one subject a number, which the server adds up."""

PENDING = "ops-pending"
"""What waits for its time: notifications for the message of their group, silences for the notice of their end."""
PENDING_SUBJECT = "ops-pending.>"
"""`ops-pending.{groups|reminders}.{receiver}.{group}` and `ops-pending.silences.{id}`."""

LIVE = "ops-live"
"""`ops-live.{target key}`: asks every process how the target is there. No stream keeps it: who is away has no say."""

HOOKS_BUCKET = "ops-hooks"
"""Key-value bucket of the event hooks that every replica watches."""
HOOK_PAUSES_BUCKET = "ops-hook-pauses"
"""Key-value bucket of the hooks that are paused, by target: `hooks.{namespace}.{name}`."""
REPLAYS_BUCKET = "ops-replays"
"""Key-value bucket of replays and how far they are: `{namespace}.{name}.{id}`."""
CHECKPOINTS_BUCKET = "ops-checkpoints"
"""Key-value bucket of how far the watches of Kubernetes have published: `{cluster}.{resource}[.{namespace}]`."""
NOTIFICATIONS_BUCKET = "ops-notifications"
"""Key-value bucket of receivers and routes, one document."""
SILENCES_BUCKET = "ops-silences"
"""Key-value bucket of silences, by id."""
GROUPS_BUCKET = "ops-groups"
"""Key-value bucket of what each group of notifications has told: `{receiver}.{group}`."""
KEYS_BUCKET = "ops-keys"
"""Key-value bucket of the key that seals secrets; a name of its own, so that who may read hooks need not read it."""

HOOKS_MATCHER = "hooks"
"""Durable consumer on `ops`, shared by all replicas that match events with hooks."""
NOTIFICATIONS_MATCHER = "notifications"
"""Durable consumer on `ops`, shared by all replicas that route notifications."""
GROUPS = "groups"
"""Durable consumer on `ops-pending`, shared by the same."""
