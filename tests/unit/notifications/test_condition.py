"""What a route asks of the values of a notification."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.notifications.routing import severity
from app.notifications.routing.condition import (
    MOST_VALUES,
    AtLeast,
    Condition,
    Not,
    SeverityCondition,
    holds,
    values_at,
)

ANY: TypeAdapter[Condition] = TypeAdapter(Condition)
SEVERITY: TypeAdapter[Any] = TypeAdapter(SeverityCondition)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab.", max_size=3), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        (5, ("5",)),
        ([5, 1.5, True, False], ("5", "1.5", "true", "false")),
        ({"not": "a"}, Not(none_of=("a",))),
        ({"not": [1, "b"]}, Not(none_of=("1", "b"))),
    ],
)
def test_one_or_several_texts_and_what_they_are_not_are_conditions(given_: Any, read: Any) -> None:
    assert ANY.validate_python(given_) == read


@pytest.mark.parametrize(
    "given_", [None, "", [], [""], [None], [["a"]], {"not": []}, {"a": 1}, {"atLeast": "info"}, {}]
)
def test_what_is_no_condition_is_refused(given_: Any) -> None:
    with pytest.raises(ValidationError):
        ANY.validate_python(given_)


@pytest.mark.parametrize("given_", [{"atLeast": "odd"}, {"atLeast": ["info"]}, {"atLeast": "Info"}, {"atLeast": 5}])
def test_a_bound_is_one_of_the_severities_that_have_an_order(given_: Any) -> None:
    with pytest.raises(ValidationError):
        SEVERITY.validate_python(given_)
    assert SEVERITY.validate_python({"atLeast": "info"}) == AtLeast(at_least="info")


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        (("a", "b"), ("b",), True),
        (("a", "b"), ("c", "a"), True),
        (("a",), ("A",), False),
        (("a",), (), False),
        (Not(none_of=("a",)), ("b",), True),
        (Not(none_of=("a",)), ("b", "a"), False),
        (Not(none_of=("a",)), (), True),
    ],
)
def test_a_condition_holds_for_any_of_the_values_and_a_not_for_none(
    condition: Condition,
    values: tuple[str, ...],
    expected: bool,  # noqa: FBT001 -- a row of the table
) -> None:
    assert holds(condition, values) is expected


@pytest.mark.parametrize("found", ["fatal", "FATAL", "Fatal"])
def test_an_unknown_severity_is_matched_by_its_name_however_it_is_written(found: str) -> None:
    assert holds(("fatal",), (found,), severity.same)
    assert holds(Not(none_of=("error",)), (found,), severity.same)
    assert not holds(Not(none_of=("fatal",)), (found,), severity.same)
    assert not holds(AtLeast(at_least="debug"), (found,))


@pytest.mark.parametrize(
    ("data", "field", "values"),
    [
        ({"pods": [{"name": "a"}, {"name": "b"}]}, "pods.name", ("a", "b")),
        ({"pods": [{"labels": {"team": ["x", "y"]}}, {"labels": {"team": "z"}}]}, "pods.labels.team", ("x", "y", "z")),
        ({"pods": [{"name": "a"}, "b", 5, None, {"other": 1}]}, "pods.name", ("a",)),
        ({"pods": [{"name": None}, {}]}, "pods.name", ()),
        ({"pods": [[{"name": "a"}]]}, "pods.name", ()),
        ({"a": [{"b.c": 1}, {"b": {"c": 2}}]}, "a.b.c", ("1", "2")),
        ({"n": 10**30, "f": 1e3, "t": True}, "n", (str(10**30),)),
        ({"a": "x"}, "a.", ()),
        ({"a": {"": "x"}}, "a.", ("x",)),
    ],
)
def test_a_point_leads_into_each_object_of_a_list(data: dict[str, Any], field: str, values: tuple[str, ...]) -> None:
    assert values_at(data, field) == values


def test_of_a_very_long_list_the_first_are_looked_at() -> None:
    assert len(values_at({"a": [*range(100_000)]}, "a")) == MOST_VALUES
    assert len(values_at({"a": [{"b": [1, 2, 3]}] * 100_000}, "a.b")) == MOST_VALUES


@given(st.dictionaries(st.text("ab.", max_size=3), JSON, max_size=4), st.text("ab.", max_size=8))
def test_any_field_of_any_data_is_read_as_texts(data: dict[str, Any], field: str) -> None:
    found = values_at(data, field)
    assert all(isinstance(value, str) for value in found)
    assert all(value in json.dumps(data, ensure_ascii=False) or value in str(data) for value in found)
