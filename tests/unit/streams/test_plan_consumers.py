from __future__ import annotations

import math

import pytest

from streams.plan import Action, compare
from streams.topology import topology
from tests.unit.streams.actual import only_change, server


@pytest.mark.parametrize(
    ("field", "live", "before", "after"),
    [
        ("ack_wait", 30.0, 30, 10),
        ("max_deliver", 5, 5, math.inf),
        ("max_ack_pending", 1_000, 1_000, 1_000_000),
        ("backoff", [1.0, 2.0], (1.0, 2.0), ()),
        ("headers_only", True, True, False),
        ("inactive_threshold", 60.0, 60, 0),
        ("filter_subject", "ops.clusters.>", ("ops.clusters.>",), ("ops.>",)),
    ],
)
def test_a_consumer_is_mended_where_nothing_is_lost(field: str, live: object, before: object, after: object) -> None:
    change = only_change(server(matcher={field: live}))
    assert (change.action, change.name, change.loses_data) == (Action.UPDATE, "ops/hooks", False)
    assert [(d.field, d.before, d.after) for d in change.differences] == [(field, before, after)]


def test_several_filters_of_a_consumer_become_the_one_that_covers_them() -> None:
    change = only_change(server(matcher={"filter_subject": None, "filter_subjects": ["ops.b", "ops.a"]}))
    assert [(d.before, d.after) for d in change.differences] == [(("ops.a", "ops.b"), ("ops.>",))]
    assert not change.loses_data


@pytest.mark.parametrize("live", [None, ">", "*.>"])
def test_a_narrower_filter_waits_for_permission(live: str | None) -> None:
    change = only_change(server(matcher={"filter_subject": live}))
    assert change.loses_data
    assert "the new filter leaves out" in change.reasons[0]


def test_one_filter_of_several_that_is_not_covered_waits_for_permission() -> None:
    change = only_change(server(matcher={"filter_subject": None, "filter_subjects": ["ops.a", "other.b"]}))
    assert change.reasons == ("messages of other.b that the new filter leaves out are passed over",)


def test_a_limit_of_deliveries_waits_for_permission() -> None:
    wanted = topology(1)
    wanted.consumers[0][1].max_deliver = 3
    (change,) = compare(wanted, server())
    assert change.loses_data


@pytest.mark.parametrize(
    ("field", "live"),
    [
        ("deliver_policy", "new"),
        ("ack_policy", "none"),
        ("replay_policy", "original"),
        ("deliver_subject", "inbox"),
        ("max_waiting", 100),
        ("mem_storage", True),
    ],
)
def test_what_a_live_consumer_cannot_change_is_refused_with_a_way_on(field: str, live: object) -> None:
    change = only_change(server(matcher={field: live}))
    assert (change.action, change.absent) == (Action.REFUSE, False)
    assert "How to go on: delete the consumer and apply again" in change.reasons[0]


def test_a_consumer_with_the_replicas_of_its_stream_needs_no_change() -> None:
    live = server(matcher={"num_replicas": 0}, replicas=3)
    assert compare(topology(3), live) == ()
    assert "ops/hooks" in {change.name for change in compare(topology(1), live)}
