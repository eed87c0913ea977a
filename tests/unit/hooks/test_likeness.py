"""What is done about a hook, given what is known of the custom resource and what the registry holds."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from app.hooks.hook import MIRRORED, ORDERED_SINCE
from app.hooks.kubernetes.likeness import Copy, Deed, Keep, Knowledge, decide
from app.hooks.kubernetes.originals import Original
from app.hooks.secrets.write_only import shown
from tests.unit.hooks.custom import copy, made_over_http, original

NOTHING = Knowledge()
SURE = Knowledge(sure=True)
ABSENT = Knowledge(absent=True)
INVALID: dict[str, Any] = {"subject": "nonsense"}
ORDERED: dict[str, Any] = {"options": {"ordered": "true"}}


def kept(one: Original | None, held: Copy | None, knows: Knowledge = NOTHING) -> tuple[str, str]:
    """What is written: the subject, and the mark."""
    decision = decide(one, held, knows)
    assert isinstance(decision, Keep), decision
    return decision.hook.spec.subject, decision.hook.metadata.annotations[MIRRORED]


def test_what_the_registry_lacks_is_written() -> None:
    assert kept(original(7), None) == ("ops.a", "7")


def test_what_is_newer_is_written_and_what_is_older_is_asked_about() -> None:
    assert kept(original(8, subject="ops.b"), copy(7)) == ("ops.b", "8")
    assert kept(original(7, subject="ops.b"), copy(7)) == ("ops.b", "7"), "somebody has changed the copy"
    assert kept(original(10, subject="ops.b"), copy(9)) == ("ops.b", "10"), "versions are numbers, not texts"
    assert decide(original(7, subject="ops.b"), copy(8), NOTHING) is Deed.ASK
    assert kept(original(7, subject="ops.b"), copy(8), SURE) == ("ops.b", "7")


def test_a_version_that_changes_nothing_is_not_written() -> None:
    assert decide(original(8), copy(7), NOTHING) is Deed.NOTHING
    assert decide(original(7), copy(8), NOTHING) is Deed.NOTHING


@pytest.mark.parametrize("change", [{"generation": 2}, {"uid": "B"}, {"additional": "!"}])
def test_whatever_else_is_different_matters(change: dict[str, object]) -> None:
    assert kept(original(8, **change), copy(7))[1] == "8"


def test_a_custom_resource_takes_the_place_of_a_hook_made_over_http() -> None:
    assert kept(original(3, subject="ops.b"), made_over_http(version=9)) == ("ops.b", "3")
    assert kept(original(3), made_over_http()) == ("ops.a", "3"), "if only for the mark"


def test_what_vanished_from_the_registry_is_asked_about_before_it_is_written_again() -> None:
    before = Knowledge(kept=True)
    assert decide(original(), None, before) is Deed.ASK
    assert kept(original(), None, dataclasses.replace(before, sure=True)) == ("ops.a", "1")


def test_a_copy_of_nothing_goes_once_that_is_known() -> None:
    assert decide(None, copy(), ABSENT) is Deed.DROP
    assert decide(None, copy(), SURE) is Deed.DROP
    assert decide(None, copy(), NOTHING) is Deed.ASK
    assert decide(None, copy(), Knowledge(complete=False)) is Deed.NOTHING, "the list will say"
    assert decide(None, None, ABSENT) is Deed.NOTHING


def test_what_was_made_over_http_is_adopted_once_all_is_listed() -> None:
    assert decide(None, made_over_http(), ABSENT) is Deed.ADOPT
    assert decide(None, made_over_http(), Knowledge(complete=False)) is Deed.NOTHING


def test_an_invalid_one_leaves_what_is_in_force() -> None:
    assert decide(original(8, **INVALID), copy(7), NOTHING) is Deed.NOTHING
    assert decide(original(8, **INVALID), None, NOTHING) is Deed.NOTHING
    assert decide(original(8, **INVALID), made_over_http(), NOTHING) is Deed.NOTHING


def test_an_invalid_one_does_not_inherit_from_an_earlier_one_of_its_name() -> None:
    assert decide(original(8, uid="B", **INVALID), copy(7), NOTHING) is Deed.DROP
    assert decide(original(6, uid="B", **INVALID), copy(7), NOTHING) is Deed.ASK
    assert decide(original(6, uid="B", **INVALID), copy(7), SURE) is Deed.DROP


def test_a_locked_copy_is_mended_once() -> None:
    once = Knowledge(may_mend=False)
    locked = Copy(shown(copy(7).hook), "no key opens it")
    assert kept(original(7), locked) == ("ops.a", "7")
    assert decide(original(7), locked, once) is Deed.NOTHING
    assert kept(original(8, subject="ops.b"), locked, once) == ("ops.b", "8")
    decision = decide(original(7), locked, NOTHING)
    assert isinstance(decision, Keep)
    assert "hunter2" in decision.hook.spec.url


def test_a_hook_is_ordered_since_it_became_so() -> None:
    since = "2026-11-01T00:00:00+00:00"
    held = copy(7, **ORDERED)
    annotations = {**held.hook.metadata.annotations, ORDERED_SINCE: since}
    held = Copy(
        held.hook.model_copy(update={"metadata": held.hook.metadata.model_copy(update={"annotations": annotations})})
    )
    assert decide(original(8, **ORDERED), held, NOTHING) is Deed.NOTHING

    for successor, expected in (
        (original(8, **ORDERED, subject="ops.b"), True),
        (original(8, **ORDERED, uid="B"), False),
    ):
        decision = decide(successor, held, NOTHING)
        assert isinstance(decision, Keep)
        assert (decision.hook.metadata.annotations[ORDERED_SINCE] == since) is expected

    decision = decide(original(8), held, NOTHING)
    assert isinstance(decision, Keep)
    assert ORDERED_SINCE not in decision.hook.metadata.annotations
