"""What the program counts, for Prometheus. Labels have few values, known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.events_stored = Counter(
            "ops_events_stored", "Events that JetStream acknowledged to HTTP clients.", registry=self._registry
        )
        self.messages_unreadable = Counter(
            "ops_messages_unreadable", "Messages on the stream that are no CloudEvent.", registry=self._registry
        )
        self.delivery_attempts = Counter(
            "ops_delivery_attempts", "Attempts at a delivery, by outcome.", ["outcome"], registry=self._registry
        )
        self.ledger_left_out = Counter(
            "ops_ledger_left_out", "Attempts that are not in the ledger: more than it takes.", registry=self._registry
        )
        self.dead_letters_redriven = Counter(
            "ops_dead_letters_redriven", "Dead letters that were put back among the parked.", registry=self._registry
        )

        self.notifications_routed = Counter(
            "ops_notifications_routed", "Notifications that a route or the default took.", registry=self._registry
        )
        self.notifications_unrouted = Counter(
            "ops_notifications_unrouted",
            "Notifications that reached nobody: no route took them.",
            registry=self._registry,
        )
        self.notifications_silenced = Counter(
            "ops_notifications_silenced", "Notifications that a silence kept from a receiver.", registry=self._registry
        )
        self.notifications_grouped = Counter(
            "ops_notifications_grouped", "Notifications that waited for their group's message.", registry=self._registry
        )
        self.notifications_held_back = Counter(
            "ops_notifications_held_back", "Notifications beyond a receiver's rate.", registry=self._registry
        )
        self.notification_groups_told = Counter(
            "ops_notification_groups_told", "Messages of groups that were handed over.", registry=self._registry
        )
        self.access_refused = Counter(
            "ops_access_refused", "Requests that were not let in, by reason.", ["reason"], registry=self._registry
        )
        self.access_file_valid = Gauge(
            "ops_access_file_valid",
            "1: the access file is in force as it stands. 0: it is not valid, and what it said before is in force.",
            registry=self._registry,
        )
        self.streams_drift = Gauge(
            "ops_streams_drift",
            "Fields of a stream and its consumers that are not as the code wants them; python -m streams plan tells.",
            ["stream"],
            registry=self._registry,
        )

    def show_drift(self, fields: Mapping[str, int]) -> None:
        """Show how many fields differ, by the name of each stream that the app has."""
        for stream, count in fields.items():
            self.streams_drift.labels(stream).set(count)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)
