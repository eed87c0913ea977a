"""Finds out why a hook did or did not fire for an event. `verdict.py` says what follows.

Called by the HTTP endpoint. Nothing is changed: the stream, the parked events, the dead letters, the ledger and the
consumers are asked what they hold of the event, and the keywords are tried once more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from app.delivery import records
from app.delivery.delivery import delivery_of
from app.delivery.ledger.history import History, Wanted
from app.delivery.park import number, text
from app.hooks.hook import Hook
from app.hooks.matching.words import Words
from app.hooks.moment import rfc3339
from app.hooks.pauses import Pauses
from app.hooks.questions.facts import (
    EventFacts,
    Facts,
    HookFacts,
    LetterFacts,
    Line,
    ParkedFacts,
    Progress,
    subject_facts,
)
from app.hooks.questions.finding import Finder, Found, Traces, traces_of
from app.hooks.questions.verdict import Explanation, explanation
from app.hooks.registry import Registry
from app.jetstream.read import Head, StreamReader
from streams.buckets import STREAM_PREFIX
from streams.consumers import durable
from streams.subjects import HOOKS_BUCKET, HOOKS_MATCHER, OPS

_ATTEMPTS: Final = 20  # that are told


class Explanations:
    """Explains. Its methods raise NotFoundError where there is no such hook or event, and UnavailableError."""

    def __init__(self, registry: Registry, pauses: Pauses, reader: StreamReader, history: History) -> None:
        self._registry = registry
        self._pauses = pauses
        self._reader = reader
        self._history = history
        self._finder = Finder(reader, history)
        self._words = Words()

    async def by_sequence(self, namespace: str, name: str, sequence: int) -> Explanation:
        """Explain the event at a sequence of the stream `ops`."""
        hook = self._registry.get(namespace, name)
        traces = await traces_of(self._reader, hook.target.key)
        return await self._explain(hook, await self._finder.at(sequence, traces), traces)

    async def by_id(self, namespace: str, name: str, event: str) -> Explanation:
        """Explain the newest event with an id, as far back as a bounded search finds it."""
        hook = self._registry.get(namespace, name)
        traces = await traces_of(self._reader, hook.target.key)
        return await self._explain(hook, await self._finder.by_id(event, hook, traces), traces)

    async def _explain(self, hook: Hook, found: Found, traces: Traces) -> Explanation:
        received = found.received
        delivery = delivery_of(received, hook.target).id if received else ""
        letter, parked = _newest(traces.letters, delivery), _newest(traces.parked, delivery)
        facts = Facts(
            event=_event(found),
            hook=await self._hook(hook),
            subject=subject_facts(hook.spec.subject, found.subject),
            keywords=await self._words.found(hook.spec.keywords, received) if received else None,
            attempts=await self._attempts(hook, delivery) if received else (),
            dead_letter=_letter(letter) if letter else None,
            parked=_parked(parked) if parked else None,
            paused=self._pauses.get(hook.target.key),
            progress=await self._progress(hook, found.stored),
        )
        return explanation(facts)

    async def _hook(self, hook: Hook) -> HookFacts:
        kept = await self._reader.last(f"{STREAM_PREFIX}{HOOKS_BUCKET}", f"$KV.{HOOKS_BUCKET}.{hook.key}")
        return HookFacts(
            namespace=hook.metadata.namespace,
            name=hook.metadata.name,
            subject=hook.spec.subject,
            state="paused" if self._pauses.paused(hook.target.key) else "active",
            generation=hook.metadata.generation,
            created=_normal(hook.metadata.creation_timestamp),
            changed=rfc3339(kept.stored) if kept else "",
        )

    async def _attempts(self, hook: Hook, delivery: str) -> Sequence[Line]:
        page = await self._history.page(hook.target.key, Wanted(delivery=delivery), 0, _ATTEMPTS)
        return [{**line, "at": rfc3339(line["at"])} for line in page.lines]

    async def _progress(self, hook: Hook, stored: float) -> Progress | None:
        since = self._registry.ordered.get(hook.target.key)
        is_ordered = since is not None and stored >= since
        name = durable(f"ordered_{hook.target.key}") if is_ordered else HOOKS_MATCHER
        consumer = await self._reader.consumer(OPS, name)
        if consumer is None or consumer.delivered is None or consumer.ack_floor is None:
            return None
        return Progress(consumer.delivered.stream_seq or 0, consumer.ack_floor.stream_seq or 0)


def _newest(heads: Sequence[Head], delivery: str) -> Head | None:
    return next((head for head in reversed(heads) if head.headers.get(records.DELIVERY) == delivery), None)


def _event(found: Found) -> EventFacts:
    event = found.received.event if found.received else None
    return EventFacts(
        id=event.id if event else None,
        type=event.type if event else None,
        subject=found.subject,
        sequence=found.sequence,
        time=rfc3339(found.stored),
        found_in=found.place,
    )


def _letter(head: Head) -> LetterFacts:
    return LetterFacts(
        id=head.sequence,
        at=rfc3339(head.stored),
        reason=text(head.headers, records.REASON),
        tries=int(number(head.headers, records.TRIES)),
        attempts=int(number(head.headers, records.ATTEMPTS)),
    )


def _parked(head: Head) -> ParkedFacts:
    not_before = number(head.headers, records.NOT_BEFORE)
    return ParkedFacts(
        sequence=head.sequence,
        at=rfc3339(head.stored),
        reason=text(head.headers, records.REASON),
        tries=int(number(head.headers, records.TRIES)),
        not_before=rfc3339(not_before) if not_before else None,
        replay=text(head.headers, records.REPLAY),
    )


def _normal(time: str) -> str:
    """A time in the form of the others, so that it can be compared; empty where it is none."""
    try:
        return rfc3339(dt.datetime.fromisoformat(time).timestamp())
    except ValueError:
        return ""
