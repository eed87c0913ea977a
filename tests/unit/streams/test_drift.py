"""What of a server that differs the app can live with, and what not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from nats.js.api import StreamConfig

from streams import edges
from streams.drift import LEAST_AGE_SECONDS, drifts, endangers, unbearable
from streams.plan import Actual, Change, compare
from streams.topology import topology
from streams.verdicts import CONSUMER_FIELDS, STREAM_FIELDS
from tests.unit.streams.actual import only_change, server


def bucket(**fields: Any) -> Change:
    """What is to change where the bucket of hooks is like that."""
    live = server()
    name = "KV_ops-hooks"
    return only_change(Actual({**live.streams, name: live.streams[name].evolve(**fields)}, live.consumers))


DANGEROUS: list[tuple[str, object]] = [
    ("subjects", ["ops.clusters.>"]),
    ("subjects", []),
    ("storage", "memory"),
    ("persist_mode", "async"),
    ("retention", "interest"),
    ("retention", "workqueue"),
    ("discard", "old"),
    ("max_age", LEAST_AGE_SECONDS - 1),
    ("max_msgs_per_subject", 1_000),
    ("duplicate_window", 30.0),
    ("allow_direct", False),
    ("allow_msg_counter", True),
    ("no_ack", True),
    ("sealed", True),
]
HARMLESS: list[tuple[str, object]] = [
    ("description", "mine"),
    ("subjects", ["ops.>", "more.>"]),
    ("max_age", LEAST_AGE_SECONDS),
    ("max_age", 7 * 86_400.0),
    ("duplicate_window", 600.0),
    ("compression", "none"),
    ("max_msg_size", 1_000),
    ("num_replicas", 3),
    ("allow_rollup_hdrs", True),
    ("allow_msg_ttl", True),
    ("discard_new_per_subject", True),
    ("sources", edges.sources(["edge1"])),  # what it brings is no fault, and what lacks waits on its edge
]
DANGEROUS_TO_READ: list[tuple[str, object]] = [
    ("filter_subject", "ops.clusters.>"),
    ("ack_policy", "none"),
    ("ack_policy", "all"),
    ("max_deliver", 5),
    ("ack_wait", 1.0),
    ("backoff", [1.0, 2.0]),
    ("headers_only", True),
    ("inactive_threshold", 60.0),
    ("mem_storage", True),
    ("deliver_subject", "inbox"),
]
HARMLESS_TO_READ: list[tuple[str, object]] = [
    ("description", "mine"),
    ("filter_subject", None),
    ("filter_subject", ">"),
    ("ack_wait", 30.0),
    ("max_ack_pending", 1_000),
    ("max_waiting", 100),
    ("num_replicas", 3),
    ("deliver_policy", "new"),
    ("replay_policy", "original"),
]


@pytest.mark.parametrize(("field", "live"), DANGEROUS)
def test_a_stream_that_breaks_the_promise_cannot_be_lived_with(field: str, live: object) -> None:
    (why,) = endangers(only_change(server(ops={field: live})))
    assert why.startswith(f"{field} is ")


@pytest.mark.parametrize(("field", "live"), HARMLESS)
def test_a_stream_that_only_differs_can_be_lived_with(field: str, live: object) -> None:
    assert endangers(only_change(server(ops={field: live}))) == ()


@pytest.mark.parametrize(("field", "live"), DANGEROUS_TO_READ)
def test_a_consumer_that_breaks_the_promise_cannot_be_lived_with(field: str, live: object) -> None:
    (why,) = endangers(only_change(server(matcher={field: live})))
    assert why.startswith(f"{field} is ")


@pytest.mark.parametrize(("field", "live"), HARMLESS_TO_READ)
def test_a_consumer_that_only_differs_can_be_lived_with(field: str, live: object) -> None:
    assert endangers(only_change(server(matcher={field: live}))) == ()


def test_every_field_that_is_compared_was_judged_here() -> None:
    of_buckets = {"deny_delete", "deny_purge"}  # where the code sets them, below
    of_limits = {"max_bytes", "max_msgs", "max_consumers"}  # the operator's: the code leaves those of `ops` open
    judged = {field for field, _ in (*DANGEROUS, *HARMLESS)}
    assert judged | of_buckets | of_limits == set(STREAM_FIELDS)
    assert {field for field, _ in (*DANGEROUS_TO_READ, *HARMLESS_TO_READ)} == set(CONSUMER_FIELDS)


def test_what_is_kept_in_a_bucket_may_not_expire_and_must_be_removable() -> None:
    assert endangers(bucket(max_age=7 * 86_400.0))
    assert endangers(bucket(allow_rollup_hdrs=False))
    assert not endangers(bucket(max_msgs_per_subject=1)), "a shorter history of each key"
    assert not endangers(bucket(deny_delete=False))


def test_a_ledger_that_refuses_new_lines_instead_of_dropping_old_ones_can_be_lived_with() -> None:
    live = server()
    changed = live.streams["ops-attempts"].evolve(discard="new", max_msgs_per_subject=10)
    changes = compare(topology(1), Actual({**live.streams, "ops-attempts": changed}, live.consumers))
    assert {d.field for change in changes for d in change.differences} == {"discard", "max_msgs_per_subject"}
    assert unbearable(changes) is None


def test_a_limit_of_the_operator_is_no_drift() -> None:
    assert compare(topology(1), server(ops={"max_bytes": 10_000_000_000, "max_msgs": 5})) == ()


def test_what_is_missing_cannot_be_lived_with() -> None:
    told = unbearable(compare(topology(1), Actual({}, {})))
    assert told is not None
    assert "stream ops is missing" in told
    assert "bucket ops-hooks is missing" in told
    assert "consumer ops/hooks is missing" in told


def test_the_reason_names_the_field_both_values_and_how_to_mend_it() -> None:
    assert unbearable(compare(topology(1), server(ops={"duplicate_window": 30.0}))) == (
        "NATS is not as it has to be: stream ops duplicate_window is 30.0 instead of 120.0: what is sent again within "
        "the promised time is stored twice. Run python -m streams apply (plan shows what it would do)"
    )


def test_what_apply_cannot_mend_says_what_a_person_can() -> None:
    told = unbearable(compare(topology(1), server(ops={"storage": "memory"})))
    assert told is not None
    assert "delete the stream, apply again" in told


def test_subjects_that_another_stream_has_taken_are_told_with_its_name() -> None:
    other = StreamConfig(name="theirs", subjects=["ops.clusters.>"])
    told = unbearable(compare(topology(1), server(ops={"subjects": ["ops.nodes.>"]}, other=other)))
    assert told is not None
    assert "stream theirs keeps ops.clusters.> already" in told


def test_a_server_in_good_order_has_nothing_to_tell_and_no_drift() -> None:
    assert unbearable(()) is None
    assert set(drifts(topology(1), ()).values()) == {0}


def test_drift_is_counted_by_stream_with_its_consumers() -> None:
    live = server(ops={"max_age": math.inf, "description": "mine"}, matcher={"max_ack_pending": 1})
    found = drifts(topology(1), compare(topology(1), live))
    assert {name: count for name, count in found.items() if count} == {"ops": 3}


def test_drift_is_labelled_with_the_streams_of_the_code_only() -> None:
    other = StreamConfig(name="theirs", subjects=["ops.clusters.>"])
    found = drifts(topology(1), compare(topology(1), Actual({"theirs": other}, {})))
    assert set(found) == {str(stream.name) for stream in topology(1).streams}
    assert (found["ops"], found["KV_ops-hooks"]) == (3, 1), "the stream and its two consumers; a bucket"
