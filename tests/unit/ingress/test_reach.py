from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.delivery.channels.event import subject_of
from app.events import subject
from app.events.subject import InvalidSubjectError
from app.hooks.rules import check_url
from app.ingress.access import reach
from app.ingress.access.callers import Caller
from app.ingress.problems import ProblemError

words = st.sampled_from(["a", "b", "c"])
patterns = st.builds(
    lambda middle, end: ".".join(["ops", *middle, end]),
    st.lists(words | st.just("*"), max_size=3),
    words | st.sampled_from(["*", ">"]),
)
templates = st.builds(
    lambda begin, rest: ".".join([*begin, *rest]),
    st.sampled_from([[], ["ops"]]),
    st.lists(words | st.just("*"), min_size=1, max_size=4),
)


def seen_by(pattern: str) -> st.SearchStrategy[str]:
    """Subjects that a filter sees."""
    rest = st.lists(words, min_size=1, max_size=3).map(".".join)
    return st.tuples(*({"*": words, ">": rest}.get(token, st.just(token)) for token in pattern.split("."))).map(
        ".".join
    )


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(patterns, templates, st.data())
def test_whatever_an_event_hook_publishes_to_lies_in_its_reach(
    pattern: str, template: str, data: st.DataObject
) -> None:
    source = data.draw(seen_by(pattern))
    try:
        check_url("event", template, pattern)
        published = subject_of(template, source)
    except (ValueError, InvalidSubjectError):
        assume(False)
    assert subject.matches(pattern, source)
    assert subject.matches(reach.targets(pattern, template), published)


@pytest.mark.parametrize(
    ("spec", "refused"),
    [
        ({"type": "webhook", "subject": "ops.a.>", "url": "http://h/"}, False),
        ({"type": "webhook", "subject": "ops.>", "url": "http://h/"}, True),
        ({"type": "event", "subject": "ops.a.>", "url": "ops.b.x"}, False),
        ({"type": "event", "subject": "ops.a.*.x", "url": "ops.b.*"}, False),
        ({"type": "event", "subject": "ops.a.>", "url": "ops.c"}, True),
        ({"type": "event", "subject": "ops.a.x", "url": "y"}, True),
        ({"type": "event", "subject": "ops.a.x", "url": 1}, False),
        ({"subject": 1}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_hook_needs_the_rights_to_what_it_reads_and_publishes(spec: Any, refused: bool) -> None:  # noqa: FBT001 -- a column
    who = Caller("ci", ("ops.b.>",), ("ops.a.>",), ("*",))
    try:
        reach.require(who, {"spec": spec})
    except ProblemError as problem:
        assert (refused, problem.status) == (True, 403)  # noqa: PT017 -- both are columns of the table
    else:
        assert not refused
