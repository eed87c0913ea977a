"""Which consumers the stream `ops` has, beside those that are always there."""

from __future__ import annotations

from nats.aio.client import Client

from streams.subjects import OPS
from streams.topology import topology

DURABLES = frozenset(config.durable_name for stream, config in topology(1).consumers if stream == OPS)


async def passing(client: Client) -> list[str]:
    """The consumers of readers that come and go, by name."""
    return [info.name for info in await client.jetstream().consumers_info(OPS) if info.name not in DURABLES]
