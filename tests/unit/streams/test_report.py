from __future__ import annotations

import pytest

from streams.plan import Actual, Change, compare
from streams.report import applied, duration, lines, planned
from streams.topology import topology


def changes() -> tuple[Change, ...]:
    """One that creates, one that mends, one that loses, one that is refused."""
    wanted = topology(1)
    streams = {str(config.name): config for config in wanted.streams}
    streams["ops"] = streams["ops"].evolve(discard="old", max_age=None, storage="memory")
    others = {(stream, str(config.durable_name)): config for stream, config in wanted.consumers[1:]}
    return compare(wanted, Actual(streams, others))


def test_changes_are_a_line_each_with_fields_and_reasons_below() -> None:
    text = list(lines(changes()))
    assert text[:5] == [
        "~ update stream ops",
        "    discard: old -> new",
        "! update stream ops (loses data: only with --allow-loss)",
        "    max_age: unlimited -> 24 h",
        "    because: messages older than that are dropped at once",
    ]
    assert text[5:7] == ["! cannot change stream ops", "    storage: memory -> file"]
    assert text[7].startswith("    because: the server cannot change it on a live stream. How to go on:")
    assert text[8:] == ["+ create consumer ops/hooks"]


def test_the_last_line_of_plan_counts_what_is_safe_lossy_and_impossible() -> None:
    assert planned(changes()) == "2 to apply, 1 only with --allow-loss, 1 impossible."
    assert planned(()) == "Nothing to do: the server is as the code wants it."


def test_the_last_line_of_apply_counts_what_was_done_and_what_remains() -> None:
    found = changes()
    assert applied(found[:1], found[1:]) == "1 applied, 3 remaining."
    assert applied((), ()) == "Nothing to do: the server is as the code wants it."


def test_a_consumer_shows_durations_counts_and_lists_as_people_read_them() -> None:
    wanted = topology(1)
    streams = {str(config.name): config for config in wanted.streams}
    consumers = {(stream, str(config.durable_name)): config for stream, config in wanted.consumers}
    live = consumers["ops", "hooks"].evolve(
        ack_wait=1.5, max_ack_pending=1_000, backoff=[1.0, 2.0], headers_only=True, max_deliver=5
    )
    text = list(lines(compare(wanted, Actual(streams, {**consumers, ("ops", "hooks"): live}))))
    assert text == [
        "~ update consumer ops/hooks",
        "    ack_wait: 1.5 s -> 10 s",
        "    backoff: 1.0, 2.0 -> none",
        "    max_deliver: 5 -> unlimited",
        "    max_ack_pending: 1,000 -> 1,000,000",
        "    headers_only: true -> false",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (1.5, "1.5 s"), (15, "15 s"), (120, "2 min"), (90, "90 s"), (86_400, "24 h"), (604_800, "7 d")],
)
def test_a_duration_is_in_the_largest_unit_that_divides_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
