"""What a process asks about streams, for its metrics and to see whether they are right: its user may ask it."""

from __future__ import annotations

import pytest

from app.eyes import QUEUES, STREAMS
from app.jetstream.standing import Standing, Wanted
from streams import live
from streams.grants import ROLES
from streams.subjects import OPS, PENDING
from tests.topology import ConfiguredServer, connected_as, violations

pytestmark = pytest.mark.parametrize("role", ROLES)


async def test_a_role_may_ask_what_its_metrics_show(edge: ConfiguredServer, role: str) -> None:
    await publish(edge, "ingress", "ops.notifications.providers.p.channels.c.severities.error")
    await publish(edge, "notifications", f"{PENDING}.groups.a.b")
    standing = Standing(Wanted(STREAMS.get(role, ()), QUEUES.get(role, ())))
    async with connected_as(edge, role) as (client, _):
        await standing.look(client)
    assert violations(edge) == set()
    assert standing.streams.keys() == set(STREAMS.get(role, ()))
    assert standing.queues.keys() == {name for _, name in QUEUES.get(role, ())}
    assert all(queue.oldest is not None for queue in standing.queues.values()), "it is known since when they wait"


async def test_a_role_that_starts_before_the_streams_are_there_is_told_what_is_missing(
    empty_edge: ConfiguredServer, role: str
) -> None:
    async with connected_as(empty_edge, role) as (client, _):
        changes = await live.outstanding(client.jetstream(), 1)
    assert violations(empty_edge) == set()
    assert OPS in {change.stream for change in changes if change.absent}


async def publish(server: ConfiguredServer, user: str, subject: str) -> None:
    async with connected_as(server, user) as (client, _):
        await client.jetstream().publish(subject, b"{}")
