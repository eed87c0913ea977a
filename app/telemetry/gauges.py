"""What is read off at a scrape: a table of names, each with a function that tells its values.

A function tells nothing where it knows nothing: what is unknown is absent, and no scrape fails over it. It is called on
the event loop, so it looks at what is there and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

Sample = tuple[tuple[str, ...], float]  # the values of the labels, and what is read


@dataclass(frozen=True, slots=True)
class Reading:
    """One name."""

    name: str
    documentation: str
    labels: tuple[str, ...]
    read: Callable[[], Iterable[Sample]]
    only_grows: bool = False


class Gauges(Collector):
    """Shows a table of readings."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = tuple(readings)

    def collect(self) -> Iterator[Metric]:
        for reading in self._readings:
            family = CounterMetricFamily if reading.only_grows else GaugeMetricFamily
            shown = family(reading.name, reading.documentation, labels=reading.labels)
            for labels, value in reading.read():
                shown.add_metric(labels, value)
            yield shown


def one(value: float | None) -> Iterable[Sample]:
    """A single value without labels; none where it is not known."""
    return () if value is None else (((), value),)
