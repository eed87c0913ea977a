"""Notifications under death and load: real services on loopback, two replicas, one NATS server, and each one counted.

A notification that was acknowledged is in exactly one message. Where the service answered and the process died before
it could say so, that message comes again, under the same `webhook-id`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tests.acceptance.notifying import SOON, Story, number_told, story
from tests.acceptance.services import once
from tests.acceptance.test_chaos import Step, script
from tests.servers import NatsServer, jetstream

ACK_WAIT: Final = 10.0  # seconds after which NATS gives to another replica what one that died had taken
LONG: Final = 60.0


async def the_replica_that_took_them_dies(story: Story) -> None:
    await story.one.kill()


async def the_server_dies(story: Story) -> None:
    await story.nats.kill()
    await story.nats.start()


async def all_of_them_die(story: Story) -> None:
    await asyncio.gather(story.one.kill(), story.two.kill())
    await the_server_dies(story)
    await asyncio.gather(story.one.start(), story.two.start())


DEATHS: Final = (the_replica_that_took_them_dies, all_of_them_die)


@pytest.mark.parametrize("dies", DEATHS)
async def test_killed_in_the_middle_of_its_wait_a_group_that_waits_is_one_message(
    provisioned: NatsServer, tmp_path: Path, dies: Callable[[Story], Awaitable[None]]
) -> None:
    """Whoever has taken them: what lies on `ops-pending` when its time has come is told together."""
    groups = {name: {"wait": "3s", "interval": "1s"} for name in ("hook", "mail")}
    async with story(tmp_path, provisioned, **groups) as one:
        for name in groups:
            await one.post_all(name, range(20))
        await one.until_it_waits(40)
        await dies(one)
        services = one.services
        await services.wait_for(lambda: {told.service for told in services.told} == {"hook", "mail"})
        await one.until_nothing_is_left()
        for name in groups:
            assert [len(told.notifications) for told in services.of(name)] == [20]


async def test_what_a_replica_dies_with_joins_its_group_where_that_waits_longer_than_nats_for_the_dead(
    provisioned: NatsServer, tmp_path: Path
) -> None:
    """What was not yet written down is late by ten seconds, and not lost; in a group that waits less it comes next."""
    groups = {"hook": {"wait": f"{ACK_WAIT + 4:g}s"}, "mail": {"wait": "1s", "interval": "1s"}}
    async with story(tmp_path, provisioned, **groups) as one:
        assert one.one.process is not None
        for name in groups:
            await asyncio.gather(*(one.post(name, number) for number in range(20)))
        await one.one.kill()
        services = one.services
        await services.wait_for(lambda: len(once(services.of("hook"))) == len(once(services.of("mail"))) == 20)
        assert [len(told.notifications) for told in services.of("hook")] == [20]
        assert all(len(ids) == 1 for ids in once(services.of("mail")).values())


async def test_killed_between_two_steps_a_message_comes_once_or_again_under_its_id(
    provisioned: NatsServer, tmp_path: Path
) -> None:
    """Once where it was written down and not handed over; under its id where it was sent, and the answer not heard."""
    async with story(tmp_path, provisioned, hook={"wait": "1s"}) as one, jetstream(provisioned.url) as stream:
        services = one.services
        services.hangs.add("dingtalk")
        await one.post_all("dingtalk", range(3))
        await services.wait_for(lambda: len(services.told) == 3)
        async with nowhere_to_hand_over_to(stream):
            await one.post_all("hook", range(20))
            await until_written_down(stream)
            await asyncio.gather(one.one.kill(), one.two.kill())
        assert services.of("hook") == []
        services.hangs.clear()
        await asyncio.gather(one.one.start(), one.two.start())
        await services.wait_for(lambda: bool(services.of("hook")) and len(services.of("dingtalk")) == 6)
        await one.until_nothing_is_left()
        assert [len(told.notifications) for told in services.of("hook")] == [20]
        assert [len(ids) for ids in once(services.of("dingtalk")).values()] == [1, 1, 1]
        assert len(services.of("dingtalk")) == 6


@contextlib.asynccontextmanager
async def nowhere_to_hand_over_to(stream: JetStreamContext) -> AsyncIterator[None]:
    parked = (await stream.stream_info("ops-parked")).config
    assert parked.subjects is not None
    await stream.update_stream(parked, subjects=["elsewhere.>"])
    yield
    await stream.update_stream(parked, subjects=parked.subjects)


async def until_written_down(stream: JetStreamContext) -> None:
    """Until a group has a message that is to be handed over."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(NotFoundError):
                state = await stream.get_last_msg("KV_ops-groups", "$KV.ops-groups.hook.*")
                if "handing" in json.loads(state.data or b""):
                    return
            await asyncio.sleep(0.05)


NUMBER: Final = 200  # to each service
RATE: Final = 200.0  # notifications a second, in all
# With a rate: what was sent by who died before it could say so may be beyond the rate when it comes again, and count in
# a summary too. That is what a window of five lets through, for each of two deaths and the window that follows.
COUNTED_TWICE: Final = 20
COUNTED: Final = ("slack", "dingtalk", "feishu", "hook", "mail")


async def test_all_at_once_each_notification_is_told_in_one_message(provisioned: NatsServer, tmp_path: Path) -> None:
    groups = dict.fromkeys(("slack", "hook", "mail", "feishu"), SOON)
    async with story(tmp_path, provisioned, **groups) as one:
        one.services.refusals.update(feishu=5, slack=5, hook=5)
        steps: tuple[Step, ...] = (
            (1.0, one.services.close),
            (2.0, one.two.kill),
            (3.0, one.nats.kill),
            (3.5, one.nats.start),
            (4.0, one.services.open),
            (4.5, one.two.start),
        )
        await asyncio.gather(posted(one), script(*steps))
        services = one.services
        await services.wait_for(lambda: all(len(once(services.of(name))) == NUMBER for name in COUNTED), LONG)
        await services.wait_for(lambda: number_told(services) >= NUMBER, LONG)
        await one.until_nothing_is_left()
        assert number_told(services) <= NUMBER + COUNTED_TWICE
        for name in COUNTED:
            twice = {word: ids for word, ids in once(services.of(name)).items() if len(ids) > 1}
            assert twice == {}, name
        assert {len(told.notifications) for told in services.of("dingtalk")} == {1}


async def posted(story: Story) -> None:
    """Post to each service in turn, at a rate, until each is acknowledged."""
    begin = time.monotonic()
    waiting = iter([(name, number) for number in range(NUMBER) for name in (*COUNTED, "limited")])
    count = iter(range(NUMBER * (len(COUNTED) + 1)))

    async def worker() -> None:
        for name, number in waiting:
            await asyncio.sleep(max(0.0, begin + next(count) / RATE - time.monotonic()))
            await story.post_all(name, [number], host=f"host-{number % 25}")

    await asyncio.gather(*(worker() for _ in range(32)))
