from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from nats.js.api import AckPolicy, DeliverPolicy, RetentionPolicy, StorageType

from streams.check import check
from streams.topology import Topology, topology


def with_stream(position: int, **changes: Any) -> Topology:
    wanted = topology(1)
    streams = list(wanted.streams)
    streams[position] = streams[position].evolve(**changes)
    return replace(wanted, streams=tuple(streams))


def with_matcher(**changes: Any) -> Topology:
    wanted = topology(1)
    (stream, consumer), *others = wanted.consumers
    return replace(wanted, consumers=((stream, consumer.evolve(**changes)), *others))


def assert_found(wanted: Topology, where: str, message: str) -> None:
    """Exactly this is found, and nothing besides."""
    (finding,) = check(wanted)
    assert finding.where == where
    assert re.search(message, finding.message), finding.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subjects": []}, "keeps no subject"),
        ({"subjects": ["ops-parked.>.x"]}, "no legal subjects"),
        ({"name": "ops.parked"}, "the name 'ops.parked' is not letters"),
        ({"storage": StorageType.MEMORY}, "not stored in files"),
        ({"storage": None}, "not stored in files"),
        ({"retention": RetentionPolicy.WORK_QUEUE}, "no limits retention"),
        ({"retention": RetentionPolicy.INTEREST}, "no limits retention"),
        ({"num_replicas": 2}, "2 replicas: take 1, 3 or 5"),
        ({"num_replicas": 0}, "0 replicas: take 1, 3 or 5"),
        ({"no_ack": True}, "does not acknowledge"),
        ({"duplicate_window": 0}, "states no duplicate_window"),
        ({"max_age": 60.0}, r"duplicate_window \(120.0 s\) is longer than max_age \(60.0 s\)"),
    ],
)
def test_a_stream_that_a_server_refuses_or_that_loses_events_is_found(changes: dict[str, Any], message: str) -> None:
    assert_found(with_stream(1, **changes), f"stream {changes.get('name', 'ops-parked')}", message)


def test_a_window_as_long_as_the_age_and_an_unlimited_age_are_fine() -> None:
    assert check(with_stream(1, max_age=120.0)) == []
    assert check(with_stream(1, max_age=0.0)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subjects": ["$KV.other.>"]}, r"a bucket keeps \$KV.ops-hooks.>"),
        ({"max_msgs_per_subject": -1}, "history of a key: between 1 and 64"),
        ({"max_msgs_per_subject": 65}, "history of a key: between 1 and 64"),
        ({"deny_delete": False}, "a bucket denies delete"),
        ({"allow_rollup_hdrs": False}, "a bucket denies delete"),
        ({"deny_purge": True}, "a bucket denies delete"),
    ],
)
def test_a_bucket_that_its_clients_would_not_know_as_one_is_found(changes: dict[str, Any], message: str) -> None:
    assert_found(with_stream(-1, **changes), "stream KV_ops-hooks", message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"durable_name": None}, "has no durable_name"),
        ({"durable_name": "a b"}, "the name 'a b' is not letters"),
        ({"filter_subject": "other.>"}, "its filter other.> is not inside the subjects of ops: ops.>"),
        ({"filter_subject": None}, "its filter > is not inside"),
        ({"filter_subject": "ops..x"}, "no legal subject"),
        ({"ack_policy": AckPolicy.NONE}, "does not acknowledge each message"),
        ({"ack_policy": AckPolicy.ALL}, "does not acknowledge each message"),
        ({"ack_wait": None}, "states no ack_wait"),
        ({"deliver_policy": DeliverPolicy.NEW}, "does not begin with the oldest message"),
        ({"max_deliver": 5}, "max_deliver must be -1"),
        ({"max_deliver": None}, "max_deliver must be -1"),
        ({"backoff": [1.0]}, "has a backoff"),
        ({"inactive_threshold": 60.0}, "has an inactive_threshold"),
        ({"deliver_subject": "inbox"}, "pushes to a deliver_subject"),
        ({"num_replicas": 2}, "2 replicas: take 1, 3 or 5"),
        ({"num_replicas": 3}, "has 3 replicas and its stream 1"),
    ],
)
def test_a_consumer_that_would_lose_events_is_found(changes: dict[str, Any], message: str) -> None:
    assert_found(with_matcher(**changes), f"consumer ops/{changes.get('durable_name', 'hooks')}", message)


def test_a_consumer_of_an_unknown_stream_is_found() -> None:
    wanted = topology(1)
    (_, consumer), *_ = wanted.consumers
    assert_found(replace(wanted, consumers=(("nowhere", consumer),)), "consumer nowhere/hooks", "no stream nowhere")


def test_streams_that_share_a_subject_are_found() -> None:
    overlapping = with_stream(1, subjects=["ops-parked.>", "ops.clusters.>"])
    assert_found(overlapping, "stream ops", "ops.> overlaps ops.clusters.> of ops-parked")


def test_subjects_of_one_stream_that_overlap_are_found_too() -> None:
    assert_found(with_stream(1, subjects=["ops-parked.>", "ops-parked.a"]), "stream ops-parked", "overlaps")


def test_a_name_that_is_declared_twice_is_found() -> None:
    wanted = topology(1)
    assert_found(
        replace(wanted, consumers=wanted.consumers + wanted.consumers[:1]), "consumer ops/hooks", "declared twice"
    )
    twice = with_stream(1, name="ops-attempts")
    assert_found(twice, "stream ops-attempts", "declared twice")
