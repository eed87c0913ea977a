"""Values behind filters over subjects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.events.filters import FilterTree
from app.events.subject import matches

tokens = st.sampled_from(["a", "b", "ops"])
subjects = st.lists(tokens, min_size=1, max_size=5).map(".".join)
filters = st.builds(
    lambda front, last: ".".join([*front, last]),
    st.lists(st.sampled_from(["a", "b", "ops", "*"]), max_size=4),
    st.sampled_from(["a", "b", "ops", "*", ">"]),
)


@given(st.lists(filters, max_size=12), subjects)
def test_the_tree_finds_what_trying_every_filter_finds(patterns: list[str], subject: str) -> None:
    tree = FilterTree[int]()
    for number, pattern in enumerate(patterns):
        tree.add(pattern, number)
    wanted = [number for number, pattern in enumerate(patterns) if matches(pattern, subject)]
    assert sorted(tree.find(subject)) == wanted
