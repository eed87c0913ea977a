"""What counts without locks shows what prometheus-client's own would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from app.telemetry.quick import QuickCounter, QuickHistogram

BOUNDS = (0.001, 0.1, 1.0, 2.5)
labels = st.sampled_from(["a", "b", 'c"d'])


def without_birth(exposition: bytes) -> list[str]:
    """The lines, but for the times at which the counters were made."""
    return [line for line in exposition.decode().splitlines() if "_created" not in line]


@given(st.lists(st.tuples(labels, st.sampled_from([0.0, 0.001, 0.0011, 0.5, 1.0, 2.5, 7.0]))))
def test_a_histogram_is_shown_as_theirs_is(values: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    quick = QuickHistogram("x_seconds", "An x.", BOUNDS, ["of"])
    ours.register(quick)
    known = Histogram("x_seconds", "An x.", ["of"], buckets=BOUNDS, registry=theirs)
    for label, value in values:
        quick.observe((label,), value)
        known.labels(label).observe(value)
    assert without_birth(generate_latest(ours)) == without_birth(generate_latest(theirs))


@given(st.lists(labels))
def test_a_counter_is_shown_as_theirs_is(values: list[str]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    quick = QuickCounter("x", "An x.", ["of"])
    ours.register(quick)
    known = Counter("x", "An x.", ["of"], registry=theirs)
    for label in values:
        quick.counts[label,] += 1
        known.labels(label).inc()
    assert without_birth(generate_latest(ours)) == without_birth(generate_latest(theirs))
