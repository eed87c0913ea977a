"""What events of the Kubernetes API become; their subjects are tested in `test_kubernetes_event_subjects.py`."""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from typing import Any

import pytest

from app.events import cloudevent
from app.sources.kubernetes.events import event_id, observation_of
from tests.unit.sources.objects import EVENTS, WATCHED, an_event, data, observed

# Names of events.k8s.io/v1, and what core v1 calls the same.
CORE = {
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedSource": "source",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}

UTC = dt.UTC
CREATED = "2026-11-23T05:10:16Z"


def managed_by(*managers: Any, **fields: Any) -> dict[str, Any]:
    event = an_event(**fields)
    return {**event, "metadata": {**event["metadata"], "managedFields": [{"manager": name} for name in managers]}}


def sample(name: str) -> dict[str, Any]:
    return copy.deepcopy(next(event for event in EVENTS if event["metadata"]["name"] == name))


# --- The samples -----------------------------------------------------------------------------------------------------


def test_an_event_carries_the_contracts_fields() -> None:
    found = observed(sample("web.3f411ae45"))

    assert found.row.ce_type == "Kube"
    assert (found.uid, found.version) == ("b51866c7-2ac7-409e-8ea5-25eb7a6a4121", "108")
    assert data(found.payload) == {
        "type": "Normal",
        "reason": "Sync",
        "eventTime": "2026-11-23T05:10:11Z",
        "from": "curl",
        "message": "Scheduled for sync",
    }


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["metadata"]["name"])
def test_core_v1_gives_the_same_as_events_v1(event: dict[str, Any]) -> None:
    core = {CORE.get(name, name): value for name, value in event.items()}
    unmanaged = {**event, "metadata": {**event["metadata"], "managedFields": None}}
    unmanaged_core = {**core, "metadata": unmanaged["metadata"]}

    assert observed(core) == observed(event)
    assert observed(unmanaged_core) == observed(unmanaged)


def test_a_deleted_object_is_read_like_any_other() -> None:
    updated, deleted = (observed(change["object"]) for change in WATCHED)

    assert (updated.version, deleted.version) == ("128", "129")
    assert (updated.uid, updated.names, updated.payload) == (deleted.uid, deleted.names, deleted.payload)


# --- Time ------------------------------------------------------------------------------------------------------------

OBSERVED = {
    "series": {"lastObservedTime": "2026-11-23T05:10:13.654321Z"},
    "deprecatedLastTimestamp": "2026-11-23T05:10:12Z",
    "lastTimestamp": "2026-11-23T05:10:11Z",
    "eventTime": "2026-11-23T05:00:16.123456Z",
}


def test_a_repeated_event_has_the_time_of_its_series_and_not_of_its_first_occurrence() -> None:
    assert observed(sample("web-0.3f411ae48")).observed == dt.datetime(2026, 11, 23, 5, 10, 13, 654321, UTC)


@pytest.mark.parametrize("latest", OBSERVED)
def test_the_latest_observation_counts_wherever_it_stands(latest: str) -> None:
    late = "2026-11-23T06:00:00.000001Z"
    found = observed(an_event(**{**OBSERVED, latest: {"lastObservedTime": late} if latest == "series" else late}))

    assert found.observed == dt.datetime(2026, 11, 23, 6, 0, 0, 1, UTC)
    assert found.payload.event_time == found.observed
    assert found.at == found.observed.timestamp()


def test_times_in_other_zones_are_compared_as_moments_and_written_in_utc() -> None:
    found = observed(an_event(eventTime="2026-11-23T12:00:00+08:00", lastTimestamp="2026-11-23T03:59:59Z"))

    assert data(found.payload)["eventTime"] == "2026-11-23T04:00:00Z"
    assert found.observed is not None
    assert found.observed.tzinfo is UTC


@pytest.mark.parametrize(
    "unusable",
    [
        None,
        "",
        "yesterday",
        "2026-11-23T05:10:16",  # of which zone?
        "0001-01-01T00:00:00Z",  # Go's way to write that there is none
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        1795409366,
        ["2026-11-23T05:10:16Z"],
    ],
)
def test_a_time_that_cannot_be_used_is_not_there(unusable: object) -> None:
    later = an_event(eventTime=unusable, lastTimestamp="2026-11-23T05:00:00Z", series={"lastObservedTime": unusable})
    alone = an_event(eventTime=unusable)

    assert observed(later).observed == dt.datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    assert observed(alone).observed == dt.datetime(2026, 11, 23, 5, 10, 16, tzinfo=UTC), "when it was created"


def test_the_creation_counts_only_where_no_observation_is_told() -> None:
    created_later = an_event(lastTimestamp="2026-11-23T05:00:00Z")

    assert observed(created_later).observed == dt.datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def test_an_event_that_tells_no_time_is_read_all_the_same() -> None:
    found = observed({"metadata": {"uid": "u-1", "creationTimestamp": None}})

    assert (found.observed, found.at) == (None, 0)
    assert "eventTime" not in data(found.payload)


# --- From ------------------------------------------------------------------------------------------------------------


def test_from_names_every_manager_once_in_order() -> None:
    event = managed_by("kubelet", "operator", "kubelet", reportingController="other")

    assert observed(event).payload.from_ == "kubelet, operator"


@pytest.mark.parametrize(
    ("fields", "reporter"),
    [
        ({"reportingController": "a", "deprecatedSource": {"component": "b"}}, "a"),
        ({"reportingComponent": "a", "source": {"component": "b"}}, "a"),
        ({"reportingController": "", "deprecatedSource": {"component": "b"}}, "b"),
        ({"reportingComponent": None, "source": {"component": "b"}}, "b"),
        ({"reportingController": 7, "source": "b"}, None),
        ({}, None),
    ],
)
def test_without_managers_from_is_who_reports(fields: dict[str, Any], reporter: str | None) -> None:
    for event in (an_event(**fields), managed_by(**fields), managed_by(None, "", 7, **fields)):
        assert observed(event).payload.from_ == reporter


# --- Identity --------------------------------------------------------------------------------------------------------


def test_each_version_of_an_object_has_an_id_of_its_own_and_the_same_everywhere() -> None:
    ids = {event_id("c", "u", "1"), event_id("c", "u", "2"), event_id("c", "v", "1"), event_id("d", "u", "1")}

    assert len(ids) == 4
    assert {uuid.UUID(found).version for found in ids} == {5}
    assert event_id("c", "u", "1") == cloudevent.deterministic_id("c", "u", "1")


def test_a_deletion_has_one_id_whatever_version_its_watcher_saw() -> None:
    assert event_id("c", "u", "1", deleted=True) == event_id("c", "u", "2", deleted=True)
    assert event_id("c", "u", "1", deleted=True) != event_id("c", "u", "1")


@pytest.mark.parametrize("uid", [None, "", 7, {}])
def test_what_has_no_uid_is_no_event(uid: object) -> None:
    assert observation_of({"metadata": {"uid": uid}}) is None
    assert observation_of({"metadata": None}) is None
    assert observation_of({}) is None


# --- Anything --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, 7, True, ["x"], {"x": "y"}])
def test_fields_of_a_wrong_type_are_left_out(wrong: object) -> None:
    fields = ("type", "reason", "note", "reportingController", "deprecatedSource", "series", "eventTime")
    found = observed(an_event(**dict.fromkeys(fields, wrong)))

    assert data(found.payload) == {"eventTime": CREATED}
