"""Reads a live server and changes it. What is to change, `plan` says.

The app calls `provision` for its embedded server, and `outstanding`; the command line calls `outstanding` and `apply`.
Errors of the connection (`nats.errors.Error`) and of an absent JetStream (`nats.js.errors.ServiceUnavailableError`)
come through; that the server refuses a change is part of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import APIError, NotFoundError

from streams.edges import others
from streams.plan import Action, Actual, Change, compare
from streams.topology import Topology, topology

if TYPE_CHECKING:
    from nats.js import JetStreamContext

HINTS: Mapping[int, str] = MappingProxyType(
    {
        10005: "the cluster has fewer servers than replicas: lower --replicas or EVENT_STREAM_REPLICAS, or add servers",
        10023: "the server or the account has no storage left: free or add some",
        10026: "the account allows no more consumers: raise its limit",
        10027: "the account allows no more streams: raise its limit",
        10047: "the server or the account has no storage left: free or add some",
        10058: "somebody created it in the meantime: apply again",
        10065: "another stream keeps some of its subjects: give that one other subjects or delete it, then apply again",
        10074: "a single server holds one replica: use --replicas 1 or EVENT_STREAM_REPLICAS=1, or run a cluster",
    }
)
"""How to go on after the server's refusal, by its `err_code`."""


@dataclass(frozen=True)
class Applied:
    """What `apply` did, and what remains: refused by the plan or by the server, or held back because it loses data."""

    made: tuple[Change, ...]
    remaining: tuple[Change, ...]


async def read(js: JetStreamContext, wanted: Topology) -> Actual:
    """What the server has of `wanted`, and, where subjects are still to be taken, every stream that may have them."""
    ours = {str(stream.name): await _stream(js, str(stream.name)) for stream in wanted.streams}
    streams = {name: config for name, config in ours.items() if config is not None}
    others = {} if _holds_all_subjects(wanted, streams) else await _every_stream(js)
    consumers = {
        (stream, str(config.durable_name)): await _consumer(js, stream, str(config.durable_name))
        for stream, config in wanted.consumers
        if stream in streams
    }
    return Actual(
        streams={**others, **streams},
        consumers={key: config for key, config in consumers.items() if config is not None},
    )


async def outstanding(js: JetStreamContext, replicas: int, edges: Sequence[str] = ()) -> tuple[Change, ...]:
    """Every difference between the code and the server; changes nothing."""
    wanted = topology(replicas, edges)
    return compare(wanted, await read(js, wanted))


async def provision(js: JetStreamContext, replicas: int, edges: Sequence[str] = ()) -> tuple[Change, ...]:
    """Do everything that is safe; return what remains."""
    return (await apply(js, await outstanding(js, replicas, edges))).remaining


async def apply(js: JetStreamContext, changes: Iterable[Change], *, allow_loss: bool = False) -> Applied:
    """Make `changes`, in order, except those that are refused and, unless `allow_loss`, those that lose data.

    A change that the server refuses does not stop the others: it remains, with the server's reason.
    """
    made: list[Change] = []
    remaining: list[Change] = []
    for change in changes:
        outcome = await _attempt(js, change, allow_loss=allow_loss)
        (made if outcome is None else remaining).append(outcome or change)
    return Applied(tuple(made), tuple(remaining))


async def _attempt(js: JetStreamContext, change: Change, *, allow_loss: bool) -> Change | None:
    """None when it is made, else the change that remains."""
    if change.action is Action.REFUSE or (change.loses_data and not allow_loss):
        return change
    try:
        await _make(js, change)
    except APIError as refusal:
        if refusal.err_code is None:  # no answer of the API: JetStream is not there
            raise
        return replace(change, action=Action.REFUSE, reason=_why(refusal))
    return None


def _why(refusal: APIError) -> str:
    hint = HINTS.get(refusal.err_code or 0, "")
    return f"the server refused it ({refusal.err_code}: {refusal.description})" + (f"; {hint}" if hint else "")


async def _make(js: JetStreamContext, change: Change) -> None:
    if isinstance(change.wanted, StreamConfig):
        await _make_stream(js, change, change.wanted)
    else:
        await _make_consumer(js, change, change.wanted)


async def _make_stream(js: JetStreamContext, change: Change, wanted: StreamConfig) -> None:
    if change.action is Action.CREATE:
        await js.add_stream(wanted)
        return
    # An update replaces the whole configuration: begin with the live one, to keep what the operator has added.
    live = (await js.stream_info(change.stream)).config
    await js.update_stream(live.evolve(**_with_sources_of_others(change.values, live)))


async def _make_consumer(js: JetStreamContext, change: Change, wanted: ConsumerConfig) -> None:
    if change.action is Action.CREATE:
        await js.add_consumer(change.stream, wanted)
        return
    live: ConsumerConfig = (await js.consumer_info(change.stream, str(wanted.durable_name))).config
    await js.add_consumer(change.stream, live.evolve(**_without_several_filters(change.values)))


def _with_sources_of_others(values: dict[str, Any], live: StreamConfig) -> dict[str, Any]:
    """What an operator takes over from elsewhere stays."""
    return {**values, "sources": [*(values["sources"] or ()), *others(live.sources)]} if "sources" in values else values


def _without_several_filters(values: dict[str, Any]) -> dict[str, Any]:
    """One filter and several exclude each other."""
    return {**values, "filter_subjects": None} if "filter_subject" in values else values


async def _stream(js: JetStreamContext, name: str) -> StreamConfig | None:
    try:
        return (await js.stream_info(name)).config
    except NotFoundError:
        return None


async def _consumer(js: JetStreamContext, stream: str, durable: str) -> ConsumerConfig | None:
    try:
        config: ConsumerConfig = (await js.consumer_info(stream, durable)).config
    except NotFoundError:
        return None
    return config


def _holds_all_subjects(wanted: Topology, live: Mapping[str, StreamConfig]) -> bool:
    """In good order, nobody else can have them, and a large account need not be listed."""
    return all(
        (config := live.get(str(stream.name))) is not None and set(stream.subjects or ()) <= set(config.subjects or ())
        for stream in wanted.streams
    )


async def _every_stream(js: JetStreamContext) -> dict[str, StreamConfig]:
    found: dict[str, StreamConfig] = {}
    seen = 0  # not `len(found)`: a stream that is made meanwhile shifts the pages, and one may bring nothing new
    while page := await js.streams_info(offset=seen):  # the server lists 256 at a time
        seen += len(page)
        found |= {str(info.config.name): info.config for info in page}
    return found
