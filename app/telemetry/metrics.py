"""What the program counts, for Prometheus. Labels have few values, known beforehand.

Names and units are by Prometheus' conventions; https://prometheus.io/docs/practices/naming/. Nothing is labelled by
hook, subject or address: of those there are as many as users make. What is read off at a scrape is in `gauges.py`.
`--workers N` makes N processes, each of which counts for itself: see the README.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from app.events import canary
from app.events.catalog import CATALOG, DEFAULT_TYPE
from app.telemetry.quick import QuickCounter, QuickHistogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OTHER: Final = "other"  # a label whose value is none of those that are known

_TYPES: Final = frozenset({*(row.ce_type for row in CATALOG), DEFAULT_TYPE, canary.TYPE})
_STATUSES: Final = [str(status) for status in range(600)]
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

_PUBLISH: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_DELIVERY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAG: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_CANARY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """The counters of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._of_events()
        self._of_deliveries()
        self._of_notifications()
        self._of_access()
        self._of_the_process()
        self._begin_at_zero()

    def _of_events(self) -> None:
        self._stored = self._quick(
            "ops_events_stored", "Events that JetStream acknowledged, by where they came in and type.", "source", "type"
        )
        self.messages_unreadable = self._counter(
            "ops_messages_unreadable", "Messages on the stream that are no CloudEvent."
        )
        self._answered = self._quick("ops_http_requests", "Requests by method and status.", "method", "status")
        self._published = self._durations(
            "ops_publish_seconds", "From sending a message to JetStream's acknowledgement.", _PUBLISH, "stream"
        )
        self.publish_failures = self._counter(
            "ops_publish_failures", "Messages that JetStream did not acknowledge: absent, or refused.", "reason"
        )
        self.tails_ended = self._counter("ops_tails_ended", "Tails that the server ended, by reason.", "reason")
        self.streams_drift = self._gauge(
            "ops_streams_drift",
            "Fields of a stream and its consumers that are not as the code wants them; python -m streams plan tells.",
            "stream",
        )
        self.canary_sent = self._counter("ops_canary_sent", "Canaries that this process put on the stream.")
        self.canary_seconds = self._histogram(
            "ops_canary_seconds", "From a canary's making to its arrival at the built-in hook.", _CANARY
        )
        self.canary_success = self._gauge(
            "ops_canary_last_success_timestamp_seconds", "When a canary last arrived here; 0: never."
        )

    def _of_deliveries(self) -> None:
        self._attempts = self._quick(
            "ops_delivery_attempts", "Attempts at a delivery, by outcome and channel.", "outcome", "channel"
        )
        self._attempt_seconds = self._durations(
            "ops_delivery_seconds", "How long an attempt at a delivery took.", _DELIVERY, "channel"
        )
        self.deliveries_parked = self._counter(
            "ops_deliveries_parked", "Deliveries that were kept for later, by what their targets are.", "room"
        )
        self.dead_letters = self._counter(
            "ops_dead_letters", "Deliveries that were given up, by what their targets are.", "room"
        )
        self.dead_letters_redriven = self._counter(
            "ops_dead_letters_redriven", "Dead letters that were put back among the parked."
        )
        self.ledger_left_out = self._counter(
            "ops_ledger_left_out", "Attempts that are not in the ledger: more than it takes."
        )

    def _of_notifications(self) -> None:
        self.notifications_routed = self._counter(
            "ops_notifications_routed", "Notifications that a route or the default took."
        )
        self.notifications_unrouted = self._counter(
            "ops_notifications_unrouted", "Notifications that reached nobody: no route took them."
        )
        self.notifications_silenced = self._counter(
            "ops_notifications_silenced", "Notifications that a silence kept from a receiver."
        )
        self.notifications_grouped = self._counter(
            "ops_notifications_grouped", "Notifications that waited for their group's message."
        )
        self.notifications_held_back = self._counter(
            "ops_notifications_held_back", "Notifications beyond a receiver's rate."
        )
        self.notification_groups_told = self._counter(
            "ops_notification_groups_told", "Messages of groups that were handed over."
        )

    def _of_access(self) -> None:
        self.access_refused = self._counter("ops_access_refused", "Requests that were not let in, by reason.", "reason")
        self.access_file_valid = self._gauge(
            "ops_access_file_valid",
            "1: the access file is in force as it stands. 0: it is not valid, and what it said before is in force.",
        )
        self.access_file_valid.set(1)

    def _of_the_process(self) -> None:
        self.log_lines = self._counter("ops_log_lines", "Lines of the log by level, with those left out.", "level")
        self.loop_lag = self._histogram(
            "ops_event_loop_lag_seconds", "How much later than it was due a timer of the event loop ran.", _LAG
        )
        self._build = Info("ops_build", "What runs.", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def _begin_at_zero(self) -> None:
        """What is not there before it first happens is not seen to happen."""
        for room in ("hooks", "notifications"):
            self.deliveries_parked.labels(room)
            self.dead_letters.labels(room)
        for counter, values in (
            (self.publish_failures, ("absent", "refused")),
            (self.tails_ended, ("dropped", "revoked", "restored", "failed", "shutdown")),
            (self.log_lines, ("warning", "error", "critical")),
        ):
            for value in values:
                counter.labels(value)

    def built(self, version: str) -> None:
        """Say which version runs."""
        self._build.info({"version": version, "python": platform.python_version()})

    def stored(self, source: str, event_type: str, count: int = 1) -> None:
        """Count events that are on the stream. `source` is one of few words."""
        self._stored.counts[source, event_type if event_type in _TYPES else OTHER] += count

    def published(self, stream: str, seconds: float) -> None:
        """Count a message that JetStream acknowledged after so many seconds."""
        self._published.observe((stream,), seconds)

    def unpublished(self, why: str) -> None:
        """Count one that it did not."""
        self.publish_failures.labels(why).inc()

    def attempted(self, outcome: str, channel: str, seconds: float) -> None:
        """Count an attempt at a delivery. Both words are of few."""
        self._attempts.counts[outcome, channel] += 1
        self._attempt_seconds.observe((channel,), seconds)

    def tail_ended(self, why: str) -> None:
        """Count a tail that the server ended. The word is of few."""
        self.tails_ended.labels(why).inc()

    def logged(self, level: str) -> None:
        """Count a line of the log."""
        self.log_lines.labels(level).inc()

    def show_drift(self, fields: Mapping[str, int]) -> None:
        """Show how many fields differ, by the name of each stream that the app has."""
        for stream, count in fields.items():
            self.streams_drift.labels(stream).set(count)

    def answered(self, method: str, status: int) -> None:
        """Count a request."""
        self._answered.counts[method if method in _METHODS else OTHER, _STATUSES[status]] += 1

    def add(self, collector: Collector) -> None:
        """Let what is read off at a scrape be shown with the rest."""
        self.registry.register(collector)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _quick(self, name: str, documentation: str, *labels: str) -> QuickCounter:
        self.registry.register(made := QuickCounter(name, documentation, labels))
        return made

    def _durations(self, name: str, documentation: str, buckets: Sequence[float], *labels: str) -> QuickHistogram:
        self.registry.register(made := QuickHistogram(name, documentation, buckets, labels))
        return made

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def _histogram(self, name: str, documentation: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(name, documentation, buckets=buckets, registry=self.registry)
