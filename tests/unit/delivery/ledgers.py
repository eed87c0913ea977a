"""What stands in for JetStream in the tests of the ledger, and attempts to write into it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from pydantic_core import from_json

from app.delivery.ledger.counts import Counts
from app.delivery.ledger.writer import AttemptLedger, Mask
from app.delivery.outcome import Delivered, Outcome
from app.delivery.records import Attempt
from app.errors import UnavailableError
from app.jetstream.publish import Stored
from app.telemetry.metrics import Metrics
from tests.unit.delivery.doubles import PROMPTLY

TARGET = "hooks.ops-system.pod-errors"


@dataclass(frozen=True)
class Message:
    subject: str
    payload: bytes
    headers: Mapping[str, str]

    @property
    def lines(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = from_json(self.payload)
        return found


class Stream:
    """Stores what is published, once for each message id. While it is `away` it stores nothing and says so."""

    def __init__(self) -> None:
        self.away = False
        self.forgets_to_answer = False  # stores, and says that it did not
        self.refuses: Exception | None = None
        self.messages: list[Message] = []
        self.tries = 0
        self._ids: set[str] = set()
        self._stored = asyncio.Condition()

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        self.tries += 1
        if self.refuses is not None:
            raise self.refuses
        if self.away:
            raise UnavailableError("JetStream is away")
        if (duplicate := headers["Nats-Msg-Id"] in self._ids) is False:
            self._ids.add(headers["Nats-Msg-Id"])
            self.messages.append(Message(subject, payload, headers))
            async with self._stored:
                self._stored.notify_all()
        if self.forgets_to_answer:
            raise UnavailableError("JetStream did not acknowledge")
        return Stored("ops-attempts", len(self.messages), duplicate)

    async def until_stored(self, count: int) -> None:
        async with asyncio.timeout(PROMPTLY), self._stored:
            await self._stored.wait_for(lambda: len(self.messages) >= count)

    def batches(self, target: str = TARGET) -> Sequence[Message]:
        return [message for message in self.messages if message.subject == f"ops-attempts.{target}"]

    def lines(self, target: str = TARGET) -> list[dict[str, Any]]:
        return [line for batch in self.batches(target) for line in batch.lines]

    def increments(self) -> list[tuple[str, str]]:
        counted = [message for message in self.messages if message.subject.startswith("ops-counts.")]
        return [(message.subject.removeprefix("ops-counts."), message.headers["Nats-Incr"]) for message in counted]


class Rig:
    """A ledger that writes to such a stream."""

    def __init__(self, mask: Mask = lambda _, text: text) -> None:
        self.stream = Stream()
        self.metrics = Metrics()
        self.counts = Counts()
        self.ledger = AttemptLedger(self.stream, self.counts, self.metrics, mask)

    def left_out(self) -> float:
        families = text_string_to_metric_families(self.metrics.exposition().decode())
        return next(family.samples[0].value for family in families if family.name == "ops_ledger_left_out")


def attempt(at: int = 1, outcome: Outcome | None = None, target: str = TARGET, **changes: Any) -> Attempt:
    """An attempt that began `at` seconds after the beginning of all times."""
    plain: dict[str, Any] = {
        "delivery": f"d{at}",
        "event": f"e{at}",
        "subject": "ops.a",
        "sequence": at,
        "began": float(at),
        "seconds": 0.25,
        "number": 1,
    }
    return Attempt(target=target, outcome=outcome or Delivered(), **{**plain, **changes})
