"""Pauses on a real bucket: every process obeys them, and those that a change of the hook ends, end by it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import pytest
from nats.aio.client import Client

from app.errors import UnavailableError
from app.hooks.hook import parse
from app.hooks.pauses import By, Pause, Pauses
from app.hooks.registry import Registry
from app.hooks.resources import HookResources
from tests.app import hook
from tests.server import buckets
from tests.server.buckets import until
from tests.servers import NatsServer

HOOK = "hooks.default.one"


@dataclass
class Generations:
    """The generations of the hooks, as somebody changes them."""

    of: dict[str, int] = field(default_factory=lambda: {HOOK: 1})

    def __call__(self, target: str) -> int | None:
        return self.of.get(target)


def following(client: Client, generations: Generations | None = None) -> AbstractAsyncContextManager[Pauses]:
    return buckets.following(Pauses(lambda: client, generations or Generations()))


def a_pause(by: By = "operator", generation: int = 1) -> Pause:
    return Pause(reason="maintenance", by=by, since="2026-11-23T04:50:41Z", generation=generation)


async def test_every_process_obeys_a_pause_within_a_second(client: Client) -> None:
    async with following(client) as here, following(client) as there:
        assert not here.paused(HOOK)
        await here.pause(HOOK, a_pause())
        assert here.get(HOOK) == a_pause()
        await until(lambda: there.paused(HOOK))
        assert not there.paused("hooks.default.other")
        await there.resume(HOOK)
        assert not there.paused(HOOK)
        await until(lambda: not here.paused(HOOK))


async def test_a_process_that_starts_later_obeys_the_pauses_that_are_there(client: Client) -> None:
    async with following(client) as pauses:
        await pauses.pause(HOOK, a_pause())
    late = Pauses(lambda: client, Generations())
    assert late.not_ready() is not None
    async with buckets.following(late):
        assert late.not_ready() is None
        assert late.get(HOOK) == a_pause()


@pytest.mark.parametrize(("by", "ends"), [("operator", False), ("endpoint", True), ("pattern", True)])
async def test_changing_the_hook_ends_the_pauses_that_nobody_asked_for(client: Client, by: By, *, ends: bool) -> None:
    generations = Generations()
    async with following(client, generations) as pauses:
        await pauses.pause(HOOK, a_pause(by))
        assert pauses.paused(HOOK)
        generations.of[HOOK] = 2
        assert pauses.paused(HOOK) is not ends
        del generations.of[HOOK]
        assert pauses.paused(HOOK), "while nothing is known of the hook, nothing is sent"


async def test_the_program_pauses_a_hook_once_and_leaves_the_pause_of_an_operator_alone(client: Client) -> None:
    generations = Generations({HOOK: 3})
    async with following(client, generations) as pauses:
        await pauses.stop(HOOK, "it answered 410")
        first = pauses.get(HOOK)
        assert first is not None
        assert (first.by, first.reason, first.generation) == ("endpoint", "it answered 410", 3)
        await pauses.stop(HOOK, "it answered 410 again", "pattern")
        assert pauses.get(HOOK) == first
        await pauses.pause(HOOK, a_pause())
        await pauses.stop(HOOK, "it answered 410")
        assert pauses.get(HOOK) == a_pause()
        await pauses.stop("hooks.default.unknown", "it answered 410")
        assert not pauses.paused("hooks.default.unknown")


async def test_who_subscribes_hears_of_pauses_that_begin_and_end(client: Client) -> None:
    async with following(client) as pauses:
        told: list[tuple[set[str], bool]] = []
        pauses.subscribe(lambda targets: told.append((set(targets), pauses.paused(HOOK))))
        await pauses.pause(HOOK, a_pause())
        await pauses.resume(HOOK)
        await pauses.resume(HOOK)
    assert told == [({HOOK}, True), ({HOOK}, False)]


async def test_a_value_that_is_no_pause_pauses_nothing_and_is_told(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = await client.jetstream().key_value("ops-hook-pauses")
    await bucket.put(HOOK, b'{"reason": "x"}')
    async with following(client) as pauses:
        assert not pauses.paused(HOOK)
        await pauses.pause(HOOK, a_pause())
        assert pauses.paused(HOOK)
    assert "it is no pause (by, since, generation)" in caplog.text


async def test_without_jetstream_a_pause_is_refused_and_those_that_are_known_hold(
    client: Client, nats_server: NatsServer
) -> None:
    async with following(client) as pauses:
        await pauses.pause(HOOK, a_pause())
        await nats_server.kill()
        await until(lambda: not client.is_connected, 5)
        with pytest.raises(UnavailableError):
            await pauses.resume(HOOK)
        assert pauses.paused(HOOK)


async def test_a_hook_that_is_deleted_takes_its_pause_along(client: Client) -> None:
    registry = Registry(lambda: client)
    pauses = Pauses(lambda: client, registry.generation)
    async with buckets.following(registry), buckets.following(pauses):
        resources = HookResources(registry, pauses)
        await resources.create("default", hook("one", "http://127.0.0.1:1/x"))
        await pauses.pause(HOOK, a_pause())
        await resources.delete("default", "one")
        assert not pauses.paused(HOOK)


async def test_a_new_hook_is_not_paused_by_what_was_left_of_an_old_one(client: Client) -> None:
    registry = Registry(lambda: client)
    pauses = Pauses(lambda: client, registry.generation)
    async with buckets.following(registry), buckets.following(pauses):
        resources = HookResources(registry, pauses)
        await registry.create(parse(hook("one", "http://127.0.0.1:1/x"), "default"))
        await pauses.pause(HOOK, a_pause())
        await registry.delete("default", "one")
        await resources.create("default", hook("one", "http://127.0.0.1:1/x"))
        assert not pauses.paused(HOOK)
