from __future__ import annotations

import math

import pytest
from nats.js.api import ConsumerConfig, StreamConfig

from streams.plan import Action, Actual, Kind, compare
from streams.topology import topology
from tests.unit.streams.actual import only_change, server

EMPTY = Actual(streams={}, consumers={})


def test_an_empty_server_gets_everything_streams_first() -> None:
    changes = compare(topology(1), EMPTY)
    assert [(change.action, change.kind, change.name) for change in changes] == [
        (Action.CREATE, Kind.STREAM, "ops"),
        (Action.CREATE, Kind.STREAM, "ops-parked"),
        (Action.CREATE, Kind.STREAM, "ops-dead-letters"),
        (Action.CREATE, Kind.STREAM, "ops-attempts"),
        (Action.CREATE, Kind.STREAM, "ops-counts"),
        (Action.CREATE, Kind.STREAM, "ops-pending"),
        (Action.CREATE, Kind.BUCKET, "ops-checkpoints"),
        (Action.CREATE, Kind.BUCKET, "ops-keys"),
        (Action.CREATE, Kind.BUCKET, "ops-hook-pauses"),
        (Action.CREATE, Kind.BUCKET, "ops-replays"),
        (Action.CREATE, Kind.BUCKET, "ops-groups"),
        (Action.CREATE, Kind.BUCKET, "ops-silences"),
        (Action.CREATE, Kind.BUCKET, "ops-notifications"),
        (Action.CREATE, Kind.BUCKET, "ops-hooks"),
        (Action.CREATE, Kind.CONSUMER, "ops/hooks"),
        (Action.CREATE, Kind.CONSUMER, "ops/notifications"),
        (Action.CREATE, Kind.CONSUMER, "ops-pending/groups"),
    ]
    assert all(change.absent for change in changes)


def test_a_server_that_is_as_wanted_needs_nothing() -> None:
    assert compare(topology(1), server()) == ()


def test_what_the_server_fills_in_is_no_drift() -> None:
    answer = {
        "name": "ops",
        "description": "Every event, as CloudEvents; hooks, notifications, queries and tails read it.",
        "subjects": ["ops.>"],
        "retention": "limits",
        "max_consumers": -1,
        "max_msgs": -1,
        "max_bytes": -1,
        "max_age": 86_400_000_000_000,
        "max_msgs_per_subject": -1,
        "max_msg_size": -1,
        "discard": "new",
        "storage": "file",
        "num_replicas": 1,
        "duplicate_window": 120_000_000_000,
        "compression": "s2",
        "allow_direct": True,
        "mirror_direct": False,
        "consumer_limits": {},
        "metadata": {"_nats.level": "5", "_nats.req.level": "0", "_nats.ver": "2.15.1"},
    }
    live = server()
    streams = {**live.streams, "ops": StreamConfig.from_response(answer)}
    assert compare(topology(1), Actual(streams, live.consumers)) == ()


def test_what_the_operator_adds_is_no_drift() -> None:
    added = {
        "max_bytes": 10**9,
        "max_msgs": 10**6,
        "metadata": {"team": "ops"},
        "deny_delete": True,
        "deny_purge": True,
    }
    assert compare(topology(1), server(ops=added)) == ()


def test_streams_and_consumers_of_others_are_left_alone() -> None:
    live = server(other=StreamConfig(name="orders", subjects=["orders.>"]))
    consumers = {**live.consumers, ("ops", "somebody"): ConsumerConfig(durable_name="somebody", max_deliver=3)}
    assert compare(topology(1), Actual(live.streams, consumers)) == ()


def test_the_order_of_subjects_means_nothing() -> None:
    wanted = topology(1)
    wanted.streams[0].subjects = ["ops.a", "ops.b"]
    live = server(ops={"subjects": ["ops.b", "ops.a"]})
    assert compare(wanted, live) == ()


@pytest.mark.parametrize(
    ("field", "live", "before", "after"),
    [
        ("description", None, "", "Every event, as CloudEvents; hooks, notifications, queries and tails read it."),
        ("subjects", ["ops.clusters.>"], ("ops.clusters.>",), ("ops.>",)),
        ("retention", "interest", "interest", "limits"),
        ("discard", "old", "old", "new"),
        ("discard_new_per_subject", True, True, False),
        ("max_age", 3600.0, 3600, 86_400),
        ("max_msgs_per_subject", 10, 10, math.inf),
        ("max_msg_size", 1024, 1024, math.inf),
        ("duplicate_window", 300.0, 300, 120),
        ("duplicate_window", 30.0, 30, 120),
        ("compression", None, "none", "s2"),
        ("allow_direct", None, False, True),
        ("allow_rollup_hdrs", True, True, False),
        ("no_ack", True, True, False),
    ],
)
def test_a_stream_is_mended_where_nothing_is_lost(field: str, live: object, before: object, after: object) -> None:
    change = only_change(server(ops={field: live}))
    assert (change.action, change.name, change.absent, change.loses_data) == (Action.UPDATE, "ops", False, False)
    assert [(d.field, d.before, d.after) for d in change.differences] == [(field, before, after)]
    assert change.reasons == ()


@pytest.mark.parametrize(
    ("field", "live", "reason"),
    [
        ("subjects", ["ops.>", "legacy.>"], "what is published to legacy.> would no longer be kept"),
        ("max_age", 48 * 3600.0, "messages older than that are dropped at once"),
        ("max_age", None, "messages older than that are dropped at once"),
        ("num_replicas", 3, "fewer copies"),
    ],
)
def test_a_stream_change_that_loses_something_waits_for_permission(field: str, live: object, reason: str) -> None:
    change = only_change(server(ops={field: live}))
    assert (change.action, change.loses_data) == (Action.UPDATE, True)
    assert [difference.field for difference in change.differences] == [field]
    assert change.reasons[0].startswith(reason)


@pytest.mark.parametrize(
    ("field", "live", "stated"),
    [
        ("max_bytes", 2_000, 1_000),
        ("max_bytes", None, 1_000),
        ("max_msgs", 2_000, 1_000),
        ("max_msgs", -1, 1_000),
        ("max_msgs_per_subject", 2_000, 1_000),
        ("max_msgs_per_subject", -1, 1_000),
        ("discard", "new", "old"),
        ("retention", "limits", "interest"),
    ],
)
def test_a_limit_that_the_code_would_tighten_waits_for_permission(field: str, live: object, stated: object) -> None:
    wanted = topology(1)
    setattr(wanted.streams[0], field, stated)
    (change,) = compare(wanted, server(ops={field: live}))
    assert change.loses_data
    assert change.values == {field: stated}


@pytest.mark.parametrize("field", ["max_bytes", "max_msgs", "max_msgs_per_subject"])
def test_a_limit_that_the_code_would_loosen_is_safe(field: str) -> None:
    wanted = topology(1)
    setattr(wanted.streams[0], field, 2_000)
    (change,) = compare(wanted, server(ops={field: 1_000}))
    assert not change.loses_data


@pytest.mark.parametrize(
    ("field", "live"),
    [
        ("storage", "memory"),
        ("retention", "workqueue"),
        ("allow_msg_ttl", True),
        ("allow_msg_counter", True),
        ("sealed", True),
        ("persist_mode", "async"),
    ],
)
def test_what_a_live_stream_cannot_change_is_refused_with_a_way_on(field: str, live: object) -> None:
    change = only_change(server(ops={field: live}))
    assert (change.action, change.absent, change.loses_data) == (Action.REFUSE, False, False)
    assert "How to go on: move what must be kept elsewhere" in change.reasons[0]


def test_a_denial_that_the_code_wants_is_set_on_a_live_bucket() -> None:
    live = server()
    bucket = live.streams["KV_ops-hooks"].evolve(deny_delete=False)
    change = only_change(Actual({**live.streams, "KV_ops-hooks": bucket}, live.consumers))
    assert (change.kind, change.name, change.values) == (Kind.BUCKET, "ops-hooks", {"deny_delete": True})


def test_an_age_limit_on_a_bucket_is_lifted_for_hooks_live_until_they_are_deleted() -> None:
    live = server()
    bucket = live.streams["KV_ops-hooks"].evolve(max_age=60.0)
    change = only_change(Actual({**live.streams, "KV_ops-hooks": bucket}, live.consumers))
    assert [(d.field, d.before, d.after) for d in change.differences] == [("max_age", 60, math.inf)]
    assert not change.loses_data


def test_safe_lossy_and_impossible_differences_of_one_stream_are_three_changes() -> None:
    live = server(ops={"discard": "old", "max_age": None, "storage": "memory"})
    changes = compare(topology(1), live)
    assert [(change.action, change.loses_data, tuple(change.values)) for change in changes] == [
        (Action.UPDATE, False, ("discard",)),
        (Action.UPDATE, True, ("max_age",)),
        (Action.REFUSE, False, ("storage",)),
    ]


def test_more_replicas_are_safe_and_fewer_are_not() -> None:
    more = compare(topology(3), server())
    assert {(tuple(change.values), change.loses_data) for change in more} == {(("num_replicas",), False)}
    fewer = compare(topology(1), server(replicas=3))
    assert {(tuple(change.values), change.loses_data) for change in fewer} == {(("num_replicas",), True)}
    assert len(more) == len(fewer) == len(compare(topology(1), EMPTY)), "everything has replicas"


def test_a_foreign_stream_in_the_way_is_named_with_its_subjects_and_a_way_on() -> None:
    live = server(other=StreamConfig(name="legacy", subjects=["ops.clusters.>", "unrelated"]))
    streams = {name: config for name, config in live.streams.items() if name != "ops"}
    ops, matcher, *_ = compare(topology(1), Actual(streams, {}))
    assert (ops.action, ops.absent, ops.name) == (Action.REFUSE, True, "ops")
    assert "stream legacy keeps ops.clusters.> already" in ops.reason
    assert "How to go on: give that stream other subjects" in ops.reason
    assert "unrelated" not in ops.reason
    assert (matcher.action, matcher.absent) == (Action.REFUSE, True)
    assert matcher.reason == "its stream ops is missing and cannot be created: mend that first"


def test_every_stream_in_the_way_is_named() -> None:
    first, second = StreamConfig(name="a", subjects=["ops.a"]), StreamConfig(name="b", subjects=["ops.*"])
    ops = compare(topology(1), Actual({"a": first, "b": second}, {}))[0]
    assert "stream a keeps ops.a already; stream b keeps ops.* already" in ops.reason


def test_a_subject_that_another_stream_has_cannot_be_added_to_a_live_one() -> None:
    other = StreamConfig(name="legacy", subjects=["ops.custom.>"])
    change = only_change(server(ops={"subjects": ["ops.clusters.>"]}, other=other))
    assert (change.action, change.absent) == (Action.REFUSE, False)
    assert "stream legacy keeps ops.custom.> already" in change.reasons[0]


def test_a_mirror_has_no_subjects_and_is_in_nobodys_way() -> None:
    assert compare(topology(1), server(other=StreamConfig(name="copy"))) == ()


def test_comparing_changes_neither_side() -> None:
    wanted, live = topology(1), server(ops={"discard": "old"})
    compare(wanted, live)
    assert wanted == topology(1)
    assert live == server(ops={"discard": "old"})
