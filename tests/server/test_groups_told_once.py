"""What dies between two steps of telling a group: one message all the same."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client

from app.errors import UnavailableError
from app.notifications.groups import timers
from app.notifications.groups.state import GroupState
from app.notifications.groups.states import GroupStates, Read
from tests.receiver import Receiver
from tests.server.notifying import Clock, notify, replicas, routes, titles, until
from tests.servers import NatsServer


async def nothing_waits(client: Client) -> None:
    stream = client.jetstream()
    async with asyncio.timeout(20):
        while (await stream.stream_info("ops-pending")).state.messages:  # noqa: ASYNC110 -- NATS knows
            await asyncio.sleep(0.05)


async def test_a_copy_that_the_killed_server_does_not_know_any_more_is_not_told_again(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    """As a matcher makes it whose acknowledgement the server lost: the dedup window is gone with the message."""
    stream = client.jetstream()
    async with replicas(nats_server.url, Clock()) as (one, other):
        await one.configure(routes(receiver, "wait: 2s, interval: 0s"))
        await notify(client, title="full")
        await until(lambda: sum(each.count("ops_notifications_grouped") for each in (one, other)) == 1)
        waits = await stream.get_last_msg("ops-pending", "ops-pending.groups.>")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await nothing_waits(client)
        await nats_server.kill()
        await nats_server.start()
        await until(lambda: client.is_connected)
        assert waits.subject is not None
        copy = await stream.publish(waits.subject, waits.data or b"", headers=waits.headers)
        assert not copy.duplicate
        await nothing_waits(client)
        await notify(client, title="full again")
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
    assert titles(receiver) == ["full", "full again"]


async def test_what_was_handed_over_and_not_crossed_out_is_handed_over_under_the_same_id(
    client: Client, nats_server: NatsServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, failures = GroupStates.write, iter([UnavailableError("it dies here")])

    async def dying(self: GroupStates, key: str, state: GroupState, revision: int) -> Read:
        if state.handing is None and (failure := next(failures, None)) is not None:
            raise failure
        return await write(self, key, state, revision)

    monkeypatch.setattr(GroupStates, "write", dying)
    monkeypatch.setattr(timers, "GRACE", 0.5)
    async with replicas(nats_server.url, Clock()) as (one, _):
        await one.configure(routes(receiver, "wait: 1s"))
        for number in range(10):
            await notify(client, title=f"disk {number}")
        await nothing_waits(client)
        await asyncio.sleep(1)
    assert next(failures, None) is None
    assert titles(receiver) == ["10 notifications: 10 error"]
