"""Pausing and resuming on a real bucket, as operators ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from app.errors import NotFoundError, UnavailableError
from app.hooks.pauses import Pauses
from app.hooks.registry import Registry
from app.hooks.status import Status
from app.hooks.switch import Switch
from tests.server.buckets import following
from tests.server.replaying import Process, keep, process
from tests.servers import NatsServer


@pytest.fixture
async def here(client: Client) -> AsyncIterator[Process]:
    async with process(client) as one:
        await keep(one)
        yield one


@pytest.fixture
async def pauses(client: Client, here: Process) -> AsyncIterator[Pauses]:
    async with following(Pauses(lambda: client, here.registry.generation)) as found:
        yield found


@pytest.fixture
def switch(here: Process, pauses: Pauses) -> Switch:
    return Switch(here.registry, pauses)


async def test_a_hook_is_paused_until_it_is_resumed(switch: Switch, pauses: Pauses) -> None:
    paused = await switch.pause("default", "one", "they move house")
    assert (paused.state, paused.reason, paused.by) == ("paused", "they move house", "operator")
    assert paused.since
    assert pauses.paused("hooks.default.one")
    assert await switch.resume("default", "one") == Status()
    assert not pauses.paused("hooks.default.one")


async def test_both_may_be_asked_for_again(switch: Switch) -> None:
    first = await switch.pause("default", "one", "they move house")
    assert await switch.pause("default", "one", "they move house") == first
    assert await switch.pause("default", "one", "") == first, "no reason is no other reason"
    other = await switch.pause("default", "one", "they are still moving")
    assert (other.reason, other.since) == ("they are still moving", first.since)
    assert await switch.resume("default", "one") == Status()
    assert await switch.resume("default", "one") == Status()


async def test_a_pause_without_a_reason_says_who_paused(switch: Switch) -> None:
    assert (await switch.pause("default", "one", "")).reason == "paused by an operator"


async def test_an_operator_takes_over_a_pause_of_the_programs(switch: Switch, pauses: Pauses) -> None:
    await pauses.stop("hooks.default.one", "the endpoint answered 410")
    paused = await switch.pause("default", "one", "")
    assert (paused.by, paused.reason) == ("operator", "paused by an operator")


async def test_a_hook_that_stopped_by_itself_is_resumed_too(switch: Switch, pauses: Pauses) -> None:
    await pauses.stop("hooks.default.one", "the endpoint answered 410")
    assert await switch.resume("default", "one") == Status()


async def test_a_hook_that_is_not_there_cannot_be_paused(switch: Switch) -> None:
    with pytest.raises(NotFoundError):
        await switch.pause("default", "other", "")
    with pytest.raises(NotFoundError):
        await switch.resume("default", "other")


async def test_a_pause_that_cannot_be_kept_is_not_said_to_be(switch: Switch, nats_server: NatsServer) -> None:
    await nats_server.kill()
    with pytest.raises(UnavailableError):
        await switch.pause("default", "one", "")


async def test_a_pause_outlives_the_process(client: Client, here: Process, switch: Switch) -> None:
    await switch.pause("default", "one", "they move house")
    registry: Registry = here.registry
    async with following(Pauses(lambda: client, registry.generation)) as later:
        assert later.paused("hooks.default.one")
