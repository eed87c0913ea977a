"""Scripted chaos: everything that can go, goes, while events come in at hundreds a second. Each event is counted.

What was acknowledged has to be in the stream, and has to reach the receiver; a repeat carries the same `webhook-id`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from tests.acceptance.counting import delivery_ids, ids_in_stream, ids_received, make_hook, post_all
from tests.app import App, running_app
from tests.receiver import Call, Receiver, running_receiver
from tests.servers import NatsServer

Step = tuple[float, Callable[[], Awaitable[object]]]  # seconds from the beginning, and what happens then

LONG = 60.0  # seconds within which everything has to have arrived, on however slow a machine


async def script(*steps: Step) -> None:
    """Take the steps, each at its time or as soon as the one before it is done."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for at, step in steps:
        await asyncio.sleep(begin + at - loop.time())
        await step()


async def nothing_is_lost(
    app: App, server: NatsServer, receiver: Receiver, count: int, *steps: Step, at_least: int | None = None
) -> None:
    """Post at 500/s while the steps are taken, then count. Posts that fail are tried again, but for `at_least`."""
    await make_hook(app, receiver)
    posting = post_all(app, count, 500, until_acknowledged=at_least is None)
    posted, _ = await asyncio.gather(posting, script(*steps))
    acknowledged = set(posted)
    assert len(acknowledged) >= (at_least or count)
    assert acknowledged <= await ids_in_stream(server)
    await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), LONG)
    repeated_otherwise = {event: ids for event, ids in delivery_ids(receiver).items() if len(ids) > 1}
    assert not repeated_otherwise


async def half_of_the_time(_: Call) -> web.Response:
    return web.Response(status=random.choice((200, 500)))  # noqa: S311 -- chance is all that is wanted


async def killed_and_started(app: App) -> None:
    await app.kill()
    await app.start()


async def test_a_receiver_is_down_for_five_seconds_of_ten(
    app: App, provisioned: NatsServer, receiver: Receiver
) -> None:
    await nothing_is_lost(app, provisioned, receiver, 5000, (2.5, receiver.close), (7.5, receiver.open))


async def test_a_receiver_fails_half_of_the_requests(app: App, provisioned: NatsServer) -> None:
    async with running_receiver(half_of_the_time) as receiver:
        await nothing_is_lost(app, provisioned, receiver, 2000)


async def test_the_app_is_killed_and_started_twice(app: App, provisioned: NatsServer, receiver: Receiver) -> None:
    async def kill_and_start() -> None:
        await killed_and_started(app)

    steps = (1.5, kill_and_start), (5.0, kill_and_start)
    await nothing_is_lost(app, provisioned, receiver, 4000, *steps, at_least=200)  # how many, the machine decides


async def test_the_nats_server_is_killed_and_started(app: App, provisioned: NatsServer, receiver: Receiver) -> None:
    await nothing_is_lost(app, provisioned, receiver, 2000, (2.0, provisioned.kill), (3.0, provisioned.start))


async def test_one_of_two_replicas_is_killed(
    app: App, provisioned: NatsServer, receiver: Receiver, tmp_path: Path
) -> None:
    async with running_app(tmp_path / "other", EVENT_ENDPOINT=provisioned.url) as other:
        await nothing_is_lost(app, provisioned, receiver, 2000, (2.0, other.kill))


async def test_all_of_it_at_once(app: App, provisioned: NatsServer, tmp_path: Path) -> None:
    async with (
        running_receiver(half_of_the_time) as receiver,
        running_app(tmp_path / "other", EVENT_ENDPOINT=provisioned.url) as other,
    ):
        steps = (
            (1.0, receiver.close),
            (2.0, other.kill),
            (3.0, provisioned.kill),
            (4.0, provisioned.start),
            (5.0, receiver.open),
            (6.0, other.start),
            (8.0, other.kill),
        )
        await nothing_is_lost(app, provisioned, receiver, 3000, *steps)
