"""One process a role, several of each, and processes of several workers: together they do what one does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.acceptance.counting import ids_received, make_hook, post_all
from tests.app import App, running_app
from tests.receiver import Receiver, running_receiver
from tests.servers import NatsServer

ROLES = ("ingress", "hooks", "notifications", "delivery", "hooks", "delivery")
ROUTES = """
default: operators
receivers:
  - name: operators
    destination: {{type: webhook, url: "{url}"}}
"""


@contextlib.asynccontextmanager
async def one_process_a_role(folder: Path, **settings: str) -> AsyncIterator[App]:
    """Such processes; the one that takes requests."""
    async with contextlib.AsyncExitStack() as stack:
        apps = [
            await stack.enter_async_context(running_app(folder / f"{number}-{role}", ROLES=role, **settings))
            for number, role in enumerate(ROLES)
        ]
        yield apps[0]


async def test_events_are_delivered_parked_and_drained_and_notifications_told_by_one_process_a_role(
    provisioned: NatsServer, tmp_path: Path, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    async with running_receiver() as operators:
        routes = tmp_path / "routes.yaml"
        routes.write_text(ROUTES.format(url=operators.url))
        settings = {"EVENT_ENDPOINT": provisioned.url, "NOTIFICATIONS_FILE": str(routes)}
        async with one_process_a_role(tmp_path, **settings) as door:
            await make_hook(door, receiver)
            first = set(await post_all(door, 50, 1000, until_acknowledged=True))
            await receiver.wait_for(lambda: first <= ids_received(receiver))
            await receiver.close()
            second = set(await post_all(door, 100, 1000, until_acknowledged=True))
            await asyncio.sleep(1)
            await receiver.open()
            await receiver.wait_for(lambda: second <= ids_received(receiver), 40)
            address = "ops.notifications.providers.p.channels.c.severities.error"
            async with http.post(f"{door.url}/api/v1/namespaces/x/events/{address}", json={"title": "t"}) as posted:
                assert posted.status == 200
            await operators.wait_for(lambda: bool(operators.calls))
            assert json.loads(operators.calls[0].body)["title"] == "t"


def workers_of(process: int) -> set[int]:
    """The processes that a process has started and that serve: not those that only watch over resources."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


async def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost(
    provisioned: NatsServer, tmp_path: Path, receiver: Receiver
) -> None:
    async with running_app(tmp_path, "--workers", "2", EVENT_ENDPOINT=provisioned.url) as app:
        assert app.process is not None
        await make_hook(app, receiver)
        posting = asyncio.create_task(post_all(app, 1500, 250, until_acknowledged=True))
        await asyncio.sleep(2)
        before = workers_of(app.process.pid)
        assert len(before) == 2
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        async with asyncio.timeout(30):
            while len(workers_of(app.process.pid) - {victim}) < 2:  # noqa: ASYNC110 -- the system knows
                await asyncio.sleep(0.1)
        acknowledged = set(await posting)
        assert len(acknowledged) == 1500
        await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), 60)
