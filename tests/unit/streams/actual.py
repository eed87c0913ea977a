"""A server as `plan` sees it, without a server."""

from __future__ import annotations

from typing import Any

from nats.js.api import StreamConfig

from streams.plan import Actual, Change, compare
from streams.topology import topology


def server(
    ops: dict[str, Any] | None = None,
    matcher: dict[str, Any] | None = None,
    other: StreamConfig | None = None,
    replicas: int = 1,
) -> Actual:
    """A server on which all is as the code wants it, but for these fields, and one stream of somebody else."""
    wanted = topology(replicas)
    streams = {str(config.name): config for config in wanted.streams}
    streams["ops"] = streams["ops"].evolve(**(ops or {}))
    if other is not None:
        streams[str(other.name)] = other
    consumers = {(stream, str(consumer.durable_name)): consumer for stream, consumer in wanted.consumers}
    consumers["ops", "hooks"] = consumers["ops", "hooks"].evolve(**(matcher or {}))
    return Actual(streams=streams, consumers=consumers)


def only_change(actual: Actual, replicas: int = 1) -> Change:
    (change,) = compare(topology(replicas), actual)
    return change
