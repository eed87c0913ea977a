"""What became of each delivery, as an operator sees it."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from aiohttp import web

from tests.acceptance.asking import read, read_until
from tests.acceptance.test_hooks import create, post
from tests.app import App, hook, running_app
from tests.receiver import Call, Receiver, running_receiver
from tests.servers import NatsServer


async def test_each_attempt_is_written_down_with_what_the_endpoint_said(app: App, http: aiohttp.ClientSession) -> None:
    async def second_time(_: Call) -> web.Response:
        first = len(failing.calls) == 1
        return web.Response(status=500 if first else 200, text="not yet" if first else "thanks")

    async with running_receiver(second_time) as failing:
        await create(http, app, hook("fails", failing.url))
        event_id = await post(http, app, "report", {"message": "m"})
        await failing.wait_for(lambda: len(failing.calls) == 2)

    page = await read_until(http, app, "fails/attempts", lambda page: page["total"] == 2)
    delivered, failed = page["list"]
    assert (failed["outcome"], failed["status"], failed["answer"], failed["attempt"]) == (
        "try_later",
        500,
        "not yet",
        1,
    )
    assert (delivered["outcome"], delivered["status"], delivered["answer"], delivered["attempt"]) == (
        "delivered",
        200,
        "thanks",
        2,
    )
    assert {failed["delivery"], delivered["delivery"]} == {failing.calls[0].headers["webhook-id"]}
    assert {failed["event"], delivered["event"]} == {event_id}
    assert delivered["at"] > failed["at"]
    assert await read(http, app, f"fails/attempts/{failed['id']}") == failed
    found = await read(http, app, f"fails/attempts?outcome=delivered&event={event_id}")
    assert found["list"] == [delivered]


async def test_a_secret_that_the_endpoint_repeats_is_not_shown(app: App, http: aiohttp.ClientSession) -> None:
    async def repeats(call: Call) -> web.Response:
        return web.Response(status=401, text=f"I do not know {call.path.partition('=')[2]}")

    async with running_receiver(repeats) as receiver:
        await create(http, app, hook("guarded", f"{receiver.url}?token=s3cr3t-of-mine-4711"))
        await post(http, app, "report", {})
        page = await read_until(http, app, "guarded/attempts", lambda page: page["total"] > 0)
        stats = await read_until(http, app, "guarded/stats", lambda stats: stats["last_error"] is not None)
    assert page["list"][0]["answer"] == "I do not know ***"
    assert "s3cr3t" not in str((page, stats))


async def test_figures_are_those_of_all_replicas_and_outlive_them(
    app: App, provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await create(http, app, hook("all", receiver.url))
    async with running_app(tmp_path / "other", EVENT_ENDPOINT=provisioned.url) as other:
        for number in range(300):
            await post(http, other, "report", {"n": number})
        await receiver.wait_for(lambda: len(receiver.calls) == 300)
        stats = await read(http, app, "all/stats")
        assert len(stats["replicas"]) == 2
        assert sum(replica["delivered"] for replica in stats["replicas"]) == 300
    await app.stop()  # at the end of a process, what it has counted is brought
    await app.start()

    stats = await read(http, app, "all/stats")
    assert (stats["delivered"], stats["failed_attempts"], stats["parked"]) == (300, 0, 0)
    assert (await read(http, app, "all/attempts"))["total"] == 300


async def test_a_dead_endpoint_is_seen_with_its_backlog(app: App, http: aiohttp.ClientSession) -> None:
    async with running_receiver() as receiver:
        await receiver.close()
        await create(http, app, hook("dead", receiver.url))
        for number in range(30):
            await post(http, app, "report", {"n": number})
        stats = await read_until(http, app, "dead/stats", lambda stats: stats["parked"] == 30)
        assert stats["breaker"] in {"open", "probing"}
        assert 0 <= stats["oldest_pending_seconds"] < stats["retention_seconds"] == 24 * 3600
        assert stats["last_error"]["status"] is None

        await receiver.open()
        stats = await read_until(http, app, "dead/stats", lambda stats: stats["parked"] == 0)
        assert (stats["breaker"], stats["oldest_pending_seconds"]) == ("closed", None)
        stats = await read_until(http, app, "dead/stats", lambda stats: stats["delivered"] == 30)
        assert stats["failed_attempts"] > 0
