"""The consumers that the app makes for single targets."""

from __future__ import annotations

import datetime as dt

import pytest
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from streams.check import check
from streams.consumers import ACK_WAIT_SECONDS, durable, ordered, parked_drain
from streams.subjects import OPS, PARKED
from streams.topology import Topology, topology

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)

each = pytest.mark.parametrize(
    "config", [parked_drain("hooks.ns.a.b", 3), ordered("hooks.ns.a.b", "ops.*.events", NOON, 3)]
)


@each
def test_a_targets_consumer_never_forgets_its_place(config: ConsumerConfig) -> None:
    assert config.durable_name
    assert (config.inactive_threshold, config.mem_storage, config.max_deliver) == (0, False, -1)
    assert (config.ack_policy, config.ack_wait) == (AckPolicy.EXPLICIT, ACK_WAIT_SECONDS)
    assert config.num_replicas == 3


def test_a_drain_begins_with_the_oldest_and_sees_one_target_only() -> None:
    config = parked_drain("hooks.ns.a.b", 1)
    assert (config.filter_subject, config.deliver_policy) == ("ops-parked.hooks.ns.a.b", DeliverPolicy.ALL)
    assert check(Topology(topology(1).streams, ((PARKED, config),))) == []


def test_an_ordered_hook_gets_one_event_at_a_time_from_when_it_began() -> None:
    config = ordered("hooks.ns.a", "ops.*.events", NOON, 1)
    assert (config.max_ack_pending, config.filter_subject) == (1, "ops.*.events")
    assert (config.deliver_policy, config.opt_start_time) == (DeliverPolicy.BY_START_TIME, NOON)
    (finding,) = check(Topology(topology(1).streams, ((OPS, config),)))
    assert "does not begin with the oldest message" in finding.message, "meant so here, and nothing else is found"


def test_each_call_gives_a_configuration_that_nobody_else_can_change() -> None:
    parked_drain("hooks.ns.a", 1).durable_name = "changed"
    assert parked_drain("hooks.ns.a", 1).durable_name == "hooks_ns_a"


def test_two_targets_never_share_a_consumer() -> None:
    long = "a" * 253
    keys = ["hooks.ns.a", "hooks.ns.a.b", "hooks.ns.a-b", "hooks.n.s", f"hooks.ns.{long}", f"hooks.ns.{long[:-1]}b"]
    names = [durable(key) for key in (*keys, *(f"ordered_{key}" for key in keys))]
    assert len(set(names)) == len(names)


def test_the_name_of_a_consumer_is_one_that_the_server_takes() -> None:
    name = durable(f"ordered_hooks.{'n' * 63}.{'a.' * 126}a")
    assert len(name) <= 255
    assert not set(name) & set(". *>/\\")
