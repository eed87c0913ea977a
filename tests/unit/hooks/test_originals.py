"""What is known of custom resources, however late and from whom it is told."""

from __future__ import annotations

from typing import Any

from app.hooks.kubernetes.originals import Identity, Originals, original_of
from tests.unit.hooks.custom import KEY, given, original


def listing(version: int, *originals: Any, known: Originals | None = None) -> Originals:
    known = known or Originals()
    known.begin()
    known.list(originals)
    known.complete_list(str(version))
    return known


def version(known: Originals, key: str = KEY) -> str | None:
    found = known.get(key)
    return found.version if found else None


def test_an_older_version_does_not_take_the_place_of_a_newer_one() -> None:
    known = listing(5, original(5))
    known.write(original(12))
    known.change(original(9))
    assert version(known) == "12"
    known.change(original(100))
    assert version(known) == "100"


def test_what_was_written_before_the_watch_knows_it_is_not_missed_in_a_list() -> None:
    known = listing(5)
    known.begin()
    known.write(original(12))
    known.complete_list("11")
    assert version(known) == "12"
    listing(12, known=known)
    assert version(known) is None


def test_what_the_watch_has_passed_does_not_come_back_by_an_answer_that_comes_late() -> None:
    known = listing(5, original(5))
    known.delete(Identity(KEY, "A", "8"))
    known.write(original(7))
    assert version(known) is None
    known.write(original(9, uid="B"))
    assert version(known) == "9"


def test_a_deletion_that_is_told_late_spares_what_was_made_anew() -> None:
    known = listing(5, original(5))
    known.write(original(9, uid="B"))
    known.delete(Identity(KEY, "A", "8"))
    assert version(known) == "9"
    known.delete(Identity(KEY, "B", "10"))
    assert version(known) is None


def test_what_the_api_says_is_gone_stays_so_until_the_watch_knows() -> None:
    known = listing(5, original(5))
    known.forget(KEY, known.get(KEY))
    known.change(original(6))
    assert version(known) is None
    assert known.is_absent(KEY, "A", "6")
    known.change(original(9, uid="B"))
    assert version(known) == "9"


def test_what_was_told_while_the_api_was_asked_counts() -> None:
    known = listing(5, original(5))
    before = known.get(KEY)
    known.change(original(9, uid="B"))
    known.forget(KEY, before)
    assert version(known) == "9"
    known.put(original(8), before)
    assert version(known) == "9"
    known.put(original(7), known.get(KEY))
    assert version(known) == "7", "nothing was told since: the API is believed"


def test_absence_is_known_up_to_where_the_watch_has_come() -> None:
    known = Originals()
    assert not known.is_absent(KEY, "A", "")
    listing(5, known=known)
    assert known.is_absent(KEY, "A", "5")
    assert not known.is_absent(KEY, "A", "6")
    known.reach("6")
    assert known.is_absent(KEY, "A", "6")
    known.reach("3")
    assert known.is_absent(KEY, "A", "6"), "it does not go back"
    known.change(original(7))
    assert not known.is_absent(KEY, "A", "6")


def test_a_list_that_was_not_completed_says_nothing() -> None:
    known = listing(5, original(5))
    known.begin()
    known.begin()
    known.list([original(5)])
    known.complete_list("6")
    assert version(known) == "5"
    known.begin()
    assert version(known) == "5"


def test_a_history_that_runs_backwards_is_another_one() -> None:
    known = listing(50, original(40), original(45, name="two"))
    listing(20, original(10), known=known)
    assert version(known) == "10"
    assert version(known, "ns.two") is None
    assert known.is_absent("ns.two", "A", "20")
    assert not known.is_absent("ns.two", "A", "45"), "of that the API has to be asked"


def test_other_namespaces_are_left_alone() -> None:
    known = Originals("other")
    listing(5, original(5), known=known)
    assert (known.covers(KEY), version(known)) == (False, None)
    assert known.covers("other.one")
    assert not known.covers("otherwise.one")


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    known = Originals()
    known.change(_at("b"))
    known.change(_at("a"))
    assert version(known) == "a"


def _at(text: str) -> Any:
    resource = given()
    return original_of({**resource, "metadata": {**resource["metadata"], "resourceVersion": text}})


def test_each_field_that_breaks_a_rule_is_named_and_no_secret_is_shown() -> None:
    broken = original(3, subject="nonsense", url="http://ops:hunter2@host:99999/", color="red")
    assert broken.hook is None
    assert {problem.field for problem in broken.problems} == {"spec.subject", "spec.url", "spec.color"}
    assert "hunter2" not in str(broken.problems)


def test_a_mask_is_no_secret() -> None:
    masked = original(3, url="http://ops:***@receiver.example/", options={"secret": "***"})
    assert {problem.field for problem in masked.problems} == {"spec.url", "spec.options.secret"}


def test_what_is_missing_or_null_is_left_out() -> None:
    bare = given(keywords=None, options={"index": None})
    bare["metadata"] |= {"labels": None, "annotations": None, "generation": None, "managedFields": None}
    read = original_of({**bare, "status": None})
    assert read.hook is not None
    assert (read.generation, read.status, read.hook.metadata.labels) == (1, {}, {})
    assert original_of({**given(), "spec": None}).problems[0].field == "spec"
    assert original_of({**given(), "spec": 5}).problems[0].field == "spec"
    assert original_of({**given(), "status": "fine"}).status == {}
