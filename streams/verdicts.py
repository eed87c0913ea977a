"""What it means to change one field of a live stream or consumer: safe, a loss, or refused by the server. Pure.

The tables at the end are also the list of fields that are compared at all. What the server refuses was tried on
nats-server 2.15.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, Final

from streams.edges import described
from streams.patterns import covers

NEVER: Final = object()
"""A `silent` that no value equals: the field is compared also where the code leaves it out, for out means none."""


class Effect(StrEnum):
    SAFE = "safe"
    LOSS = "loss"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True)
class Verdict:
    """What a change does, and why in words where it is not simply done."""

    effect: Effect
    reason: str = ""


Judge = Callable[[Any, Any], Verdict]
"""(value on the server, wanted value), both as the field's `read` gives them, and different."""

SAFE = Verdict(Effect.SAFE)
REMAKE_STREAM = (
    "the server cannot change it on a live stream. How to go on: move what must be kept elsewhere (a stream with other "
    "subjects that sources this one), delete the stream, apply again"
)
REMAKE_CONSUMER = (
    "the server cannot change it on a live consumer. How to go on: delete the consumer and apply again; the new one "
    "begins with the oldest message that the stream keeps, so what was delivered already is delivered again"
)


@dataclass(frozen=True)
class Field:
    """How a field is read and judged.

    `read` turns what the server, or nats-py, says into one value for one meaning. `silent` is the wanted value that
    means "the code has no opinion, leave what is there".
    """

    read: Callable[[Any], Any]
    judge: Judge
    silent: object = None


def _same(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _text(value: Any) -> str:
    return str(_same(value) or "")


def _limit(value: float | None) -> float:
    """A count, size or age; unset, 0 and negative all mean unlimited."""
    return value if value is not None and value > 0 else math.inf


def _names(value: Any) -> tuple[str, ...]:
    """One pattern or several; their order means nothing."""
    return (value,) if isinstance(value, str) else tuple(sorted(value or ()))


def _number(value: float | None) -> float:
    return value or 0


def safe(_before: Any, _after: Any) -> Verdict:
    return SAFE


def impossible(reason: str) -> Judge:
    return lambda _before, _after: Verdict(Effect.IMPOSSIBLE, reason)


def _smaller_loses(reason: str) -> Judge:
    return lambda before, after: Verdict(Effect.LOSS, reason) if after < before else SAFE


def _one_way(what: str) -> Judge:
    """A flag that can be set on a live stream, and never be taken back."""
    cannot = Verdict(Effect.IMPOSSIBLE, f"{what}; {REMAKE_STREAM}")
    return lambda _before, after: SAFE if after else cannot


def uncovered(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    """Which of these patterns the others leave out; empty: none."""
    return ", ".join(old for old in before if not any(covers(new, old) for new in after))


def _subjects(before: tuple[str, ...], after: tuple[str, ...]) -> Verdict:
    gone = uncovered(before, after)
    return Verdict(Effect.LOSS, f"what is published to {gone} would no longer be kept") if gone else SAFE


def _sources(before: tuple[str, ...], after: tuple[str, ...]) -> Verdict:
    gone = sorted({_edge(source) for source in before} - {_edge(source) for source in after})
    if not gone:
        return SAFE  # the server goes on where it was, also where a source is changed
    return Verdict(
        Effect.LOSS,
        f"what happens in {', '.join(gone)} would no longer come here. "
        f"If it is an edge still, say so with --edges or EVENT_EDGES",
    )


def _edge(described: str) -> str:
    return described.partition(" ")[0]


def _filter(before: tuple[str, ...], after: tuple[str, ...]) -> Verdict:
    gone = uncovered(before or (">",), after)  # no filter: the whole stream
    return Verdict(Effect.LOSS, f"messages of {gone} that the new filter leaves out are passed over") if gone else SAFE


def _retention(before: str, after: str) -> Verdict:
    if "workqueue" in (before, after):
        return Verdict(Effect.IMPOSSIBLE, REMAKE_STREAM)
    if after == "limits":
        return SAFE
    return Verdict(Effect.LOSS, "messages that every consumer has acknowledged would be removed")


def _discard(_before: str, after: str) -> Verdict:
    if after == "new":
        return SAFE
    return Verdict(Effect.LOSS, "a full stream would drop its oldest messages instead of refusing new ones")


REPLICAS_LOSE = (
    "fewer copies: with one, a lost disk is a lost stream. If the server is right, "
    "say so with --replicas or EVENT_STREAM_REPLICAS"
)

STREAM_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "description": Field(_text, safe),
        "subjects": Field(_names, _subjects),
        "sources": Field(described, _sources, silent=NEVER),
        "storage": Field(_text, impossible(REMAKE_STREAM)),
        "retention": Field(_text, _retention),
        "discard": Field(_text, _discard),
        "discard_new_per_subject": Field(bool, safe),
        "num_replicas": Field(_number, _smaller_loses(REPLICAS_LOSE)),
        "max_age": Field(_limit, _smaller_loses("messages older than that are dropped at once")),
        "max_bytes": Field(_limit, _smaller_loses("what no longer fits is dropped, or new messages are refused")),
        "max_msgs": Field(_limit, _smaller_loses("what no longer fits is dropped, or new messages are refused")),
        "max_msgs_per_subject": Field(_limit, _smaller_loses("the oldest messages of each fuller subject are dropped")),
        "max_msg_size": Field(_limit, safe),  # what is stored stays; a publisher of more hears that it is refused
        "max_consumers": Field(_limit, safe),  # those that exist stay
        "duplicate_window": Field(_number, safe),  # a smaller one may store a late repeat twice, and loses nothing
        "compression": Field(lambda value: _text(value) or "none", safe),  # counts for what is written from now on
        "allow_direct": Field(bool, safe),
        "allow_msg_counter": Field(bool, impossible(REMAKE_STREAM), silent=NEVER),
        "allow_rollup_hdrs": Field(bool, safe),
        "allow_msg_ttl": Field(bool, _one_way("expiry by message cannot be switched off again")),
        "deny_delete": Field(bool, _one_way("a denial cannot be taken back"), silent=False),
        "deny_purge": Field(bool, _one_way("a denial cannot be taken back"), silent=False),
        "no_ack": Field(bool, safe),
        "sealed": Field(bool, _one_way("a sealed stream takes nothing in and cannot be opened again")),
        "persist_mode": Field(lambda value: _text(value) or "default", impossible(REMAKE_STREAM), silent=NEVER),
    }
)

CONSUMER_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "description": Field(_text, safe),
        "filter_subject": Field(_names, _filter),
        "deliver_policy": Field(_text, impossible(REMAKE_CONSUMER)),
        "ack_policy": Field(_text, impossible(REMAKE_CONSUMER)),
        "replay_policy": Field(_text, impossible(REMAKE_CONSUMER)),
        "deliver_subject": Field(_text, impossible(REMAKE_CONSUMER), silent=NEVER),
        "max_waiting": Field(_number, impossible(REMAKE_CONSUMER)),
        "mem_storage": Field(bool, impossible(REMAKE_CONSUMER)),
        "ack_wait": Field(_number, safe),
        "backoff": Field(_names, safe, silent=NEVER),
        "max_deliver": Field(_limit, _smaller_loses("a message is left behind after so many tries")),
        "max_ack_pending": Field(_limit, safe),
        "headers_only": Field(bool, safe),
        "inactive_threshold": Field(_number, safe),
        "num_replicas": Field(_number, _smaller_loses(REPLICAS_LOSE)),
    }
)
