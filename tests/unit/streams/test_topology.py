from __future__ import annotations

import pytest
from nats.js.api import DiscardPolicy

from streams.check import check
from streams.consumers import ACK_WAIT_SECONDS, hooks_matcher
from streams.subjects import ATTEMPTS, COUNTS, DEAD_LETTERS, OPS, PARKED, PENDING
from streams.topology import topology


@pytest.mark.parametrize("replicas", [1, 3, 5])
def test_what_the_product_needs_is_sound(replicas: int) -> None:
    assert check(topology(replicas)) == []


def test_the_replicas_reach_every_stream_and_consumer() -> None:
    wanted = topology(3)
    assert {config.num_replicas for config in wanted.streams} == {3}
    assert {config.num_replicas for _, config in wanted.consumers} == {3}


def test_each_call_gives_configurations_that_nobody_else_can_change() -> None:
    first, second = topology(1), topology(1)
    for config in first.streams:
        config.subjects = ["changed"]
    for _, consumer in first.consumers:
        consumer.durable_name = "changed"
    assert all(config.subjects != ["changed"] for config in second.streams)
    assert hooks_matcher(1).durable_name == "hooks"
    assert [consumer.durable_name for _, consumer in second.consumers] == ["hooks", "notifications", "groups"]


def test_ops_keeps_a_day_and_knows_repeats_for_two_minutes() -> None:
    ops = topology(1).streams[0]
    assert (ops.name, ops.max_age, ops.duplicate_window) == (OPS, 24 * 3600, 120)


def test_only_the_ledger_and_its_totals_drop_old_messages_when_they_are_full() -> None:
    assert {config.name for config in topology(1).streams if config.discard == DiscardPolicy.OLD} == {ATTEMPTS, COUNTS}


def test_only_the_totals_are_added_up_by_the_server() -> None:
    assert [config.name for config in topology(1).streams if config.allow_msg_counter] == [COUNTS]


def test_streams_that_are_written_to_come_before_the_consumers_that_make_them_needed() -> None:
    wanted = topology(1)
    written = [OPS, PARKED, DEAD_LETTERS, ATTEMPTS, COUNTS, PENDING]
    buckets = [
        "KV_ops-checkpoints",
        "KV_ops-keys",
        "KV_ops-hook-pauses",
        "KV_ops-replays",
        "KV_ops-groups",
        "KV_ops-silences",
        "KV_ops-notifications",
        "KV_ops-hooks",
    ]
    assert [config.name for config in wanted.streams] == written + buckets
    assert [(stream, consumer.durable_name) for stream, consumer in wanted.consumers] == [
        (OPS, "hooks"),
        (OPS, "notifications"),
        (PENDING, "groups"),
    ]


def test_the_wait_for_an_acknowledgement_is_the_one_the_app_counts_on() -> None:
    assert hooks_matcher(1).ack_wait == ACK_WAIT_SECONDS
