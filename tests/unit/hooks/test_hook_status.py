"""What stands in the status of a custom resource."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest

from app.delivery.ledger.counts import LastError
from app.delivery.ledger.figures import Figures
from app.hooks.kubernetes.likeness import Copy
from app.hooks.kubernetes.originals import Original
from app.hooks.kubernetes.status import Status, is_in_force, patch_of, status_of
from app.hooks.pauses import By, Pause
from tests.unit.hooks.custom import copy, made_over_http, original

UNKNOWN = Figures()
NOW = 1_800_000_000.5  # 2027-01-15T08:00:00.5Z


def told(
    one: Original | None = None,
    held: Copy | None = None,
    *,
    by: By | None = None,
    figures: Figures = UNKNOWN,
    now: float = NOW,
) -> dict[str, Any]:
    pause = Pause(reason="because", by=by, since="", generation=1) if by else None
    return cast("dict[str, Any]", status_of(one or original(), held or copy(), pause, figures, now))


def ready(status: Status) -> tuple[str, str, str]:
    (condition,) = (one for one in status["conditions"] if one["type"] == "Ready")
    return condition["status"], condition["reason"], condition["message"]


def with_status(one: Original, status: Status) -> Original:
    return dataclasses.replace(one, status=status)


def test_a_hook_of_which_nothing_is_known_yet_has_zeros_and_no_times() -> None:
    assert told() == {
        "observedGeneration": 1,
        "state": "active",
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "InForce",
                "message": "generation 1 is in force",
                "observedGeneration": 1,
                "lastTransitionTime": "2027-01-15T08:00:00Z",
            }
        ],
        "delivered": 0,
        "failed": 0,
        "deadLetters": 0,
        "parked": 0,
    }


def test_figures_are_told_with_times_in_whole_seconds() -> None:
    last = LastError(NOW - 1, "no answer", None)
    found = told(figures=Figures(5, 4, 3, NOW, last, 2, NOW - 60))
    assert [found[name] for name in ("delivered", "failed", "deadLetters", "parked")] == [5, 4, 3, 2]
    assert (found["lastDeliveryTime"], found["oldestPendingTime"]) == ("2027-01-15T08:00:00Z", "2027-01-15T07:59:00Z")
    assert (found["lastErrorTime"], found["lastError"]) == ("2027-01-15T07:59:59Z", "no answer")


@pytest.mark.parametrize("reason", ["x" * 3000, "ö" * 3000, "a\udfff" * 3000])
def test_an_error_is_at_most_a_kibibyte_and_a_text(reason: str) -> None:
    kept = told(figures=Figures(last_error=LastError(1.0, reason, None)))["lastError"]
    assert 1000 < len(kept.encode()) <= 1024


@pytest.mark.parametrize(
    ("by", "status", "reason"),
    [
        ("operator", "True", "Paused"),
        ("endpoint", "False", "EndpointGone"),
        ("pattern", "False", "KeywordsTooSlow"),
        ("secrets", "False", "SecretsLocked"),
    ],
)
def test_only_a_pause_that_somebody_wanted_leaves_a_hook_ready(by: By, status: str, reason: str) -> None:
    found = told(by=by)
    assert found["state"] == "paused"
    assert ready(found)[:2] == (status, reason)
    assert "because" in ready(found)[2]


def test_an_invalid_hook_names_what_is_wrong_and_what_is_in_force() -> None:
    broken = original(9, generation=3, subject="nonsense", color="red")
    found = told(broken, copy(7, generation=2))
    status, reason, message = ready(found)
    assert (status, reason, found["observedGeneration"], found["state"]) == ("False", "Invalid", 3, "active")
    assert message.startswith("generation 2 stays in force; ")
    assert "spec.subject: " in message
    assert "spec.color: " in message
    assert "made over HTTP stays in force" in ready(told(broken, made_over_http()))[2]


def test_an_invalid_hook_that_was_never_valid_neither_delivers_nor_rests() -> None:
    found = status_of(original(9, subject="nonsense"), None, None, Figures(), NOW)
    assert "state" not in found
    assert ready(found)[2].startswith("nothing is in force; ")


def test_the_time_of_the_condition_moves_only_with_its_status() -> None:
    first = told()
    later = with_status(original(9, generation=2), first)
    found = told(later, copy(9, generation=2), by="operator", now=NOW + 60)
    assert found["conditions"][0]["lastTransitionTime"] == "2027-01-15T08:00:00Z"
    assert found["conditions"][0]["observedGeneration"] == 2
    stopped = told(later, copy(9, generation=2), by="endpoint", now=NOW + 60)
    assert stopped["conditions"][0]["lastTransitionTime"] == "2027-01-15T08:01:00Z"


def test_conditions_of_others_stay() -> None:
    theirs = {"type": "Theirs", "status": "False"}
    known = with_status(original(), {"conditions": [theirs, *told()["conditions"]]})
    assert told(known, now=NOW + 60)["conditions"] == [theirs, *told()["conditions"]]


def test_a_valid_one_is_in_force_when_the_registry_holds_its_generation() -> None:
    assert is_in_force(original(9), copy(7))
    assert not is_in_force(original(9, generation=2), copy(7))
    assert not is_in_force(original(9, uid="B"), copy(7))
    assert not is_in_force(original(9), made_over_http())
    assert not is_in_force(original(9), None)


def test_a_patch_holds_what_differs_and_takes_away_what_is_no_more() -> None:
    before = {"delivered": 1, "oldestPendingTime": "2027-01-15T08:00:00Z", "theirs": 1}
    assert patch_of(before, {"delivered": 2}) == {"delivered": 2, "oldestPendingTime": None}
    assert patch_of({"delivered": 1, "theirs": 1}, {"delivered": 1}) is None
