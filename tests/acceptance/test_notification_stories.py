"""Notifications as their receivers get them: real services on loopback, two replicas, and each told once."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

from tests.acceptance.notifying import HELD, SOON, Story, number_told, story
from tests.acceptance.services import once
from tests.servers import NatsServer


async def test_each_service_is_told_once_in_its_own_form(provisioned: NatsServer, tmp_path: Path) -> None:
    once_an_hour = {**SOON, "repeat": "1h"}
    changes = {"wait": "0s", "interval": "0s", "changes": True}
    groups = {"hook": SOON, "mail": SOON, "feishu": SOON, "slack": once_an_hour, "incidents": changes}
    async with story(tmp_path, provisioned, **groups) as one:
        one.services.refusals["feishu"] = 2
        await asyncio.gather(
            grouped(one), deduplicated(one), signed(one), refused_with_status_200(one), recovered(one), limited(one)
        )
        await silenced(one)
        assert one.services.refused == {"feishu": 2}


async def grouped(story: Story) -> None:
    await story.post_all("hook", range(15), host="a")
    await story.post_all("mail", range(15), host="a")
    services = story.services
    await services.wait_for(lambda: len(once(services.of("hook"))) == len(once(services.of("mail"))) == 15)
    for service in ("hook", "mail"):
        assert all(len(ids) == 1 for ids in once(services.of(service)).values())
        assert len(services.of(service)) < 15


async def deduplicated(story: Story) -> None:
    for time_of_day in range(10):
        await story.post_all("slack", [100], message="full", key="disk", status="firing", time=time_of_day)
        await story.post_all("slack", [100 + time_of_day], message="full", key="disk")
    await story.services.wait_for(lambda: bool(story.services.of("slack")))
    await asyncio.sleep(2)
    assert len(story.services.of("slack")) == 1


async def signed(story: Story) -> None:
    await story.post_all("dingtalk", range(10))
    await story.services.wait_for(lambda: len(once(story.services.of("dingtalk"))) == 10)
    assert len(story.services.of("dingtalk")) == 10


async def refused_with_status_200(story: Story) -> None:
    await story.post_all("feishu", range(3), host="a")
    await story.services.wait_for(lambda: len(once(story.services.of("feishu"))) == 3)


async def recovered(story: Story) -> None:
    services = story.services
    for number, (severity, status) in enumerate(
        [("error", ""), ("error", ""), ("critical", ""), ("critical", "ok"), ("critical", "ok")]
    ):
        await story.post_all("incidents", [number], severity=severity, key="disk of node-a", status=status)
        await asyncio.sleep(0.5)
    await services.wait_for(lambda: "resolved" in services.incidents.values())
    told = [(one.body["severity"], one.body["status"]) for one in services.of("incidents")]
    assert told == [("error", "firing"), ("critical", "firing"), ("critical", "resolved")]
    assert len(services.incidents) == 1


async def limited(story: Story) -> None:
    await story.post_all("limited", range(30))
    await story.services.wait_for(lambda: number_told(story.services) == 30)
    assert any(HELD.search(one.text) for one in story.services.of("limited"))


async def silenced(story: Story) -> None:
    now = dt.datetime.now(dt.UTC)
    silence = {
        "match": {"data": {"host": "quiet"}},
        "from": now.isoformat(),
        "to": (now + dt.timedelta(minutes=5)).isoformat(),
        "author": "tests",
        "reason": "maintenance",
    }
    async with story.http.post(f"{story.one.url}/api/v1/notifications/silences", json=silence) as response:
        assert response.status == 201, await response.text()
    await asyncio.sleep(1)  # a second is what a replica may take to know
    await story.post_all("hook", range(200, 210), host="quiet")
    await story.post_all("dingtalk", range(200, 205), host="quiet")
    async with asyncio.timeout(20):
        while await story.count("ops_notifications_silenced") < 15:  # noqa: ASYNC110 -- other processes count
            await asyncio.sleep(0.1)
    assert await story.count("ops_notifications_silenced") == 15
    assert not {"n-200", "n-209"} & set(once(story.services.told))
