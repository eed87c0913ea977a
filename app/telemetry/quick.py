"""Counters and histograms for what happens with every event: without locks, for they are only used on the event loop.

prometheus-client's own take a lock and some calls for each increment, four times as long; for all else they are right.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

Labels = tuple[str, ...]


class QuickCounter(Collector):
    """A counter: `counts[labels] += 1`."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self.counts: defaultdict[Labels, int] = defaultdict(int)

    def collect(self) -> Iterator[Metric]:
        shown = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, count in self.counts.items():
            shown.add_metric(labels, count)
        yield shown


class QuickHistogram(Collector):
    """A histogram."""

    def __init__(self, name: str, documentation: str, bounds: Sequence[float], labels: Sequence[str]) -> None:
        """`bounds` are the buckets' upper ones, ascending, without infinity."""
        self._name, self._documentation, self._labels = name, documentation, labels
        self._bounds = tuple(bounds)
        self._series: dict[Labels, list[float]] = {}  # how many in each bucket; behind them the sum

    def observe(self, labels: Labels, value: float) -> None:
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = [0] * (len(self._bounds) + 2)
        series[bisect_left(self._bounds, value)] += 1
        series[-1] += value

    def collect(self) -> Iterator[Metric]:
        shown = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, (*buckets, total) in self._series.items():
            bounds = map(floatToGoString, (*self._bounds, inf))
            shown.add_metric(labels, list(zip(bounds, accumulate(buckets), strict=True)), total)
        yield shown
