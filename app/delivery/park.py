"""Keeping an event for later on `ops-parked`, and giving it up on `ops-dead-letters`.

Both return once JetStream has acknowledged: only then may the message that the event came with be settled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote

from app.delivery import records
from app.delivery.delivery import Delivery
from app.delivery.outcome import Failure
from app.delivery.retry import Debt
from app.delivery.secrets.masking import masked_url
from app.jetstream.publish import Publish, Stored
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces
from streams.subjects import DEAD_LETTERS, PARKED

_NOTHING: Final = Debt()


class Parking:
    """Writes down what a target is owed, and what was given up."""

    def __init__(
        self,
        publish: Publish,
        count: Callable[[str], None] = lambda _: None,
        metrics: Metrics | None = None,
        traces: Traces = OFF,
    ) -> None:
        """Write with `publish`; `count` is told the target of each dead letter."""
        self._publish = publish
        self._count = count
        self._metrics = metrics
        self._traces = traces

    async def park(self, delivery: Delivery, reason: str, debt: Debt = _NOTHING, *, copy: str = "") -> None:
        """Keep a delivery for later. `copy` tells a later copy of the same delivery from the first.

        Raises:
            UnavailableError: JetStream is away or full.
            TooLargeError: the event is too large with what is written down of it.
        """
        headers = {**headers_of(delivery, debt, reason), "Nats-Msg-Id": f"{delivery.id}{copy}"}
        await self._write("park", f"{PARKED}.{delivery.target.key}", delivery, headers)
        if self._metrics is not None:
            self._metrics.deliveries_parked.labels(room_of(delivery.target.key)).inc()

    async def bury(
        self, delivery: Delivery, reason: str, debt: Debt, *, copy: str, last: Failure | None = None
    ) -> None:
        """Give a delivery up; raises what `park` does."""
        answer = last.answer if last is not None else None
        headers = {
            **headers_of(delivery, debt, reason),
            "Nats-Msg-Id": f"{delivery.id}{copy}",
            records.CHANNEL: delivery.target.channel,
            records.URL: records.written(masked_url(delivery.target.channel, delivery.target.url)),
            **({records.STATUS: str(answer.status)} if answer else {}),
        }
        stored = await self._write("give up", f"{DEAD_LETTERS}.{delivery.target.key}", delivery, headers)
        if not stored.duplicate:
            self._count(delivery.target.key)
            if self._metrics is not None:
                self._metrics.dead_letters.labels(room_of(delivery.target.key)).inc()

    async def _write(self, what: str, subject: str, delivery: Delivery, headers: dict[str, str]) -> Stored:
        """Write it down; where the event is traced, as a step that later attempts follow."""
        received = delivery.received
        span = None if received.trace is None else self._traces.follow(what, "producer", received.trace)
        if span is None:
            return await self._publish(subject, received.payload, headers)
        with span:
            span.say({"ops.target": delivery.target.key, "messaging.message.id": received.event.id})
            return await self._publish(subject, received.payload, {**headers, **span.context.attributes})


def room_of(key: str) -> str:
    """What kind of target a key names: the first of its tokens, of which there are few."""
    return key.partition(".")[0]


def headers_of(delivery: Delivery, debt: Debt, reason: str) -> dict[str, str]:
    """What is written down with an event: its own headers, and ours beside them."""
    received = delivery.received
    numbers = {
        records.SEQUENCE: received.sequence,
        records.STORED: received.stored,
        records.TRIES: debt.tries,
        records.ATTEMPTS: debt.attempts,
        records.FAILED: debt.failed,
        records.NOT_BEFORE: debt.not_before,
    }
    texts = {
        records.EVENT: received.event.id,
        records.SUBJECT: received.subject,
        records.REASON: reason,
        records.REPLAY: delivery.replay,
        records.UNDECIDED: "1" if delivery.undecided else "",
    }
    return {
        **own_headers(received.headers),
        **(received.trace.attributes if received.trace is not None else {}),
        records.DELIVERY: delivery.id,
        **{name: f"{number:.6f}".rstrip("0").rstrip(".") for name, number in numbers.items() if number},
        **{name: records.written(text) for name, text in texts.items() if text},
    }


def own_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The event's own among the headers of a message."""
    return {name: value for name, value in headers.items() if not records.is_ours(name)}


def debt_of(headers: Mapping[str, str]) -> Debt:
    """What has been tried, as it was written down."""
    return Debt(
        tries=int(number(headers, records.TRIES)),
        attempts=int(number(headers, records.ATTEMPTS)),
        failed=number(headers, records.FAILED),
        not_before=number(headers, records.NOT_BEFORE),
    )


def number(headers: Mapping[str, str], name: str) -> float:
    """A number that was written down; 0 where there is none."""
    try:
        found = float(headers.get(name, 0))
    except ValueError:  # somebody else's message
        return 0.0
    return found if math.isfinite(found) else 0.0


def text(headers: Mapping[str, str], name: str) -> str:
    """A text that was written down; empty where there is none."""
    return unquote(headers.get(name, ""))
