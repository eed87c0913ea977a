"""What each process may do on the server: one table, each line of which says why, what, and who. Pure.

`permissions` makes blocks of nats-server's configuration of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from streams.buckets import STREAM_PREFIX
from streams.subjects import (
    ATTEMPTS,
    CHECKPOINTS_BUCKET,
    COUNTS,
    DEAD_LETTERS,
    GROUPS,
    GROUPS_BUCKET,
    HOOK_PAUSES_BUCKET,
    HOOKS_BUCKET,
    HOOKS_MATCHER,
    KEYS_BUCKET,
    LIVE,
    NOTIFICATIONS_BUCKET,
    NOTIFICATIONS_MATCHER,
    OPS,
    PARKED,
    PENDING,
    REPLAYS_BUCKET,
    SILENCES_BUCKET,
)
from streams.topology import topology

ROLES: Final = ("ingress", "watch", "hooks", "notifications", "delivery")
API: Final = "$JS.API"


@dataclass(frozen=True)
class Grant:
    """Something that a process does, the subjects that it needs for it, and the roles that do it."""

    why: str
    publish: Sequence[str] = ()
    subscribe: Sequence[str] = ()
    roles: Collection[str] = ROLES


def _kv(bucket: str) -> str:
    return STREAM_PREFIX + bucket


def _changing(*buckets: str) -> list[str]:
    return [f"$KV.{bucket}.>" for bucket in buckets]


def _one_by_one(stream: str) -> str:
    """Messages of a subject that is known."""
    return f"{API}.DIRECT.GET.{stream}.>"


def _getting(*streams: str) -> list[str]:
    """Single messages, directly or from the leader, and how many there are."""
    return [
        subject
        for stream in streams
        for subject in (
            f"{API}.DIRECT.GET.{stream}",
            _one_by_one(stream),
            f"{API}.STREAM.MSG.GET.{stream}",
        )
    ]


def _reading(*streams: str) -> list[str]:
    """Through a consumer that is made for it, and goes again."""
    verbs = ("CREATE.{}", "CREATE.{}.>", "INFO.{}.>", "MSG.NEXT.{}.>", "DELETE.{}.>")
    return [f"{API}.CONSUMER.{verb.format(stream)}" for stream in streams for verb in verbs]


def _draining(stream: str) -> list[str]:
    """Through consumers that stay: they are made, listed, read, acknowledged and deleted."""
    return [
        *_reading(stream),
        f"{API}.CONSUMER.DURABLE.CREATE.{stream}.>",
        f"{API}.CONSUMER.LIST.{stream}",
        f"{API}.CONSUMER.NAMES.{stream}",
        f"$JS.ACK.{stream}.>",
    ]


def working(stream: str, consumer: str) -> list[str]:
    """One that is shared, and that somebody else has made."""
    return [f"{API}.CONSUMER.MSG.NEXT.{stream}.{consumer}", f"$JS.ACK.{stream}.{consumer}.>"]


_MIRRORED: Final = (HOOKS_BUCKET, HOOK_PAUSES_BUCKET, REPLAYS_BUCKET, NOTIFICATIONS_BUCKET, SILENCES_BUCKET)
ALL: Final = topology(1)

_SHOWN: Final = (OPS, PARKED, ATTEMPTS, DEAD_LETTERS)
_MATCHERS: Final = ("hooks", "notifications")
_SENDERS: Final = (*_MATCHERS, "delivery")
_PUBLISHERS: Final = ("ingress", "watch", *_SENDERS)

GRANTS: Final = (
    Grant(
        "Is everything there, and how much is there? Asked at the start, and by who looks at a stream or a bucket.",
        [f"{API}.STREAM.INFO.{stream.name}" for stream in ALL.streams]
        + [f"{API}.CONSUMER.INFO.{stream}.{consumer.durable_name}" for stream, consumer in ALL.consumers],
    ),
    Grant("Where a stream is missing, or has not all its subjects: who has them?", [f"{API}.STREAM.LIST"]),
    Grant(
        "Hooks, pauses, replays, routes and silences are mirrored in every process.",
        [subject for bucket in _MIRRORED for subject in (*_getting(_kv(bucket)), *_reading(_kv(bucket)))],
    ),
    Grant("How far the watches of Kubernetes are stands in each process's /readyz.", _getting(_kv(CHECKPOINTS_BUCKET))),
    Grant("The key that seals secrets, where SECRETS_KEY does not hold it.", [_one_by_one(_kv(KEYS_BUCKET))]),
    Grant("It is made once.", _changing(KEYS_BUCKET), roles=("ingress",)),
    Grant("Processes ask each other how a target is, and answer.", [f"{LIVE}.>"], [f"{LIVE}.>"]),
    Grant("Events come in here, and go on from hooks of type `event`.", [f"{OPS}.>"], roles=_PUBLISHERS),
    Grant("Every event is matched with the hooks.", working(OPS, HOOKS_MATCHER), roles=("hooks",)),
    Grant("Every notification is routed.", working(OPS, NOTIFICATIONS_MATCHER), roles=("notifications",)),
    Grant("Since when the first of what waits to be matched does.", [f"{API}.DIRECT.GET.{OPS}"], roles=_MATCHERS),
    Grant(
        "What a target cannot take now is parked, or a dead letter; what became of it stands in the ledger.",
        [f"{stream}.>" for stream in (PARKED, DEAD_LETTERS, ATTEMPTS, COUNTS)],
        roles=_SENDERS,
    ),
    Grant(
        "Whether others wait for a target already, how many and since when.",
        [*_getting(PARKED), *(f"{API}.CONSUMER.INFO.{stream}.*" for stream in (PARKED, OPS))],
    ),
    Grant(
        "What is parked is drained, and forgotten when it is done.",
        [*_draining(PARKED), f"{API}.STREAM.PURGE.{PARKED}"],
        roles=("delivery",),
    ),
    Grant("Ordered hooks read the stream themselves, and replays read its past.", _draining(OPS), roles=("delivery",)),
    Grant(
        "Replays: how far they are, and the dead letters that they bring again.",
        [*_changing(REPLAYS_BUCKET), *_reading(DEAD_LETTERS), *_getting(DEAD_LETTERS), *_getting(OPS)],
        roles=("delivery",),
    ),
    Grant(
        "Notifications wait for the message of their group, and silences for the notice of their end.",
        [
            *(f"{PENDING}.>", *_getting(PENDING), *working(PENDING, GROUPS), f"{API}.STREAM.PURGE.{PENDING}"),
            f"{API}.STREAM.MSG.DELETE.{PENDING}",
            *(*_changing(GROUPS_BUCKET), *_getting(_kv(GROUPS_BUCKET))),
        ],
        roles=("notifications",),
    ),
    Grant(
        "People make hooks, pauses, replays, routes and silences, and forget what a secret was before.",
        [
            *_changing(*_MIRRORED),
            *(f"{API}.STREAM.PURGE.{_kv(bucket)}" for bucket in (HOOKS_BUCKET, NOTIFICATIONS_BUCKET)),
        ],
        roles=("ingress",),
    ),
    Grant(
        "People ask what there is: events, tails, attempts, totals, dead letters.",
        [
            *(subject for stream in _SHOWN for subject in (*_getting(stream), *_reading(stream))),
        ],
        roles=("ingress",),
    ),
    Grant(
        "The status of a hook that is a custom resource has its totals.", _getting(COUNTS), roles=("ingress", "watch")
    ),
    Grant(
        "A dead letter that somebody brings on its way again is parked, and is no letter any more.",
        [f"{PARKED}.>", f"{API}.STREAM.MSG.DELETE.{DEAD_LETTERS}"],
        roles=("ingress",),
    ),
    Grant(
        "How far a watch of Kubernetes is; hooks and pauses that are custom resources.",
        _changing(CHECKPOINTS_BUCKET, HOOKS_BUCKET, HOOK_PAUSES_BUCKET),
        roles=("watch",),
    ),
)

READER: Final = (
    Grant(
        "Read the events: by consumers of one's own, or one by one.",
        [f"{API}.STREAM.INFO.{OPS}", f"{API}.STREAM.NAMES", *_reading(OPS), *_getting(OPS)],
    ),
)
PROVISIONING: Final = (
    Grant(
        "Make and change streams, buckets and shared consumers, and look at how they are; nothing is deleted, or read.",
        [
            *(f"{API}.STREAM.LIST", *(f"{API}.STREAM.{verb}.*" for verb in ("INFO", "CREATE", "UPDATE"))),
            *(
                f"{API}.CONSUMER.{verb}.{stream}.>"
                for stream in (OPS, PENDING)
                for verb in ("INFO", "CREATE", "DURABLE.CREATE")
            ),
        ],
    ),
)
