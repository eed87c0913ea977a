"""Receivers are told through services that speak what the real ones publish."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from app.delivery.outcome import Busy, Delivered, Impossible, Refused, TryLater
from tests.server.reaching import session_to
from tests.server.services import WRITTEN, Services
from tests.server.telling import TYPICAL, receiver, tell
from tests.unit.notifications.formats.notices import HOSTILE

KINDS = pytest.mark.parametrize("kind", WRITTEN)


@pytest.fixture
def services() -> Services:
    found = Services()
    found.feishu.secret = found.dingtalk.secret = "s3cret"
    return found


@pytest.fixture
async def session(services: Services) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_to(services.by_host()) as one:
        yield one


@KINDS
async def test_a_notification_arrives_with_title_message_severity_and_link(
    kind: str, services: Services, session: aiohttp.ClientSession
) -> None:
    outcome = await tell(session, receiver(WRITTEN[kind]))
    assert isinstance(outcome, Delivered), outcome
    said = json.dumps(services.by_type()[kind].taken[0])
    for part in ("disk full", "the disk of node-a is full", "https://ops.example.com/nodes/node-a?tab=disk", "node-a"):
        assert part in said
    assert "ERROR" in said or '"severity": "error"' in said or '"priority": "P2"' in said


@KINDS
async def test_whatever_others_wrote_is_taken(kind: str, services: Services, session: aiohttp.ClientSession) -> None:
    one = receiver(WRITTEN[kind])
    for text in (*HOSTILE, "\N{FIRE}" * 30_000, "\x00\r\n", " "):
        data = {
            **TYPICAL,
            "title": text[:300],
            "message": text,
            "key": text[:300],
            text[:100]: text,
            "link": f"https://a/{text}",
        }
        for status in ("firing", "resolved"):
            outcome = await tell(session, one, {**data, "status": status})
            assert isinstance(outcome, Delivered | Impossible), (text[:50], outcome)


@KINDS
async def test_a_service_that_finds_it_too_much_is_busy(
    kind: str, services: Services, session: aiohttp.ClientSession
) -> None:
    services.by_type()[kind].most = 1
    one = receiver(WRITTEN[kind])
    assert isinstance(await tell(session, one), Delivered)
    assert isinstance(await tell(session, one), Busy)


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [("slack", 7), ("dingtalk", 60), ("wecom", 60), ("teams", 7), ("telegram", 31), ("pagerduty", 60), ("opsgenie", 7)],
)
async def test_a_service_that_is_busy_is_left_alone_as_long_as_it_asks(
    kind: str, seconds: float, services: Services, session: aiohttp.ClientSession
) -> None:
    services.by_type()[kind].most = 0
    outcome = await tell(session, receiver(WRITTEN[kind]))
    assert isinstance(outcome, Busy)
    assert outcome.after == seconds


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "reason"),
    [
        ("slack", "XXXX'", "YYYY'", "no_service"),
        ("feishu", "0123456789ab", "000000000000", "its address is not known"),
        ("feishu", "s3cret", "other", "the signature does not match"),
        ("dingtalk", "t0ken", "other", "its access token is not known"),
        ("dingtalk", "s3cret", "other", "security settings"),
        ("wecom", "k3y", "other", "its address is not valid any more"),
        ("teams", "s1g", "other", "the endpoint answered 401"),
        ("teams", "w0rkfl0w", "other", "the endpoint answered 404"),
        ("telegram", "t0ken", "other", "the endpoint answered 401"),
        ("telegram", "-100123", "-1", "chat not found"),
        ("pagerduty", "R0ut1ngKeyR0ut1ngKeyR0ut1ngKey12", "short", "the routing key is not taken"),
        ("opsgenie", "k3y", "other", "the endpoint answered 401"),
    ],
)
async def test_what_somebody_has_to_mend_is_kept_until_then(
    kind: str, right: str, wrong: str, reason: str, session: aiohttp.ClientSession
) -> None:
    outcome = await tell(session, receiver(WRITTEN[kind].replace(right, wrong)))
    assert isinstance(outcome, TryLater)
    assert reason in outcome.reason
    assert wrong not in outcome.reason or wrong == "-1"


async def test_a_robot_that_wants_a_word_says_that_none_stands_in_it(
    services: Services, session: aiohttp.ClientSession
) -> None:
    services.feishu.word = "alarm"
    one = receiver(WRITTEN["feishu"])
    outcome = await tell(session, one)
    assert isinstance(outcome, TryLater)
    assert "key words" in outcome.reason
    assert isinstance(await tell(session, one, {**TYPICAL, "title": "alarm"}), Delivered)


async def test_a_channel_that_is_archived_does_not_stop_the_receiver_by_itself(
    services: Services, session: aiohttp.ClientSession
) -> None:
    services.slack.archived = True
    outcome = await tell(session, receiver(WRITTEN["slack"]))
    assert isinstance(outcome, TryLater)
    assert "channel_is_archived" in outcome.reason


@pytest.mark.parametrize("kind", ["pagerduty", "opsgenie"])
async def test_what_is_over_ends_the_incident_of_its_key(
    kind: str, services: Services, session: aiohttp.ClientSession
) -> None:
    service: Any = services.by_type()[kind]
    one = receiver(WRITTEN[kind])
    for key in ("node-a/disk", "..", "a b?c#d%2F", "k" * 2_000):
        assert isinstance(await tell(session, one, {**TYPICAL, "key": key}), Delivered)
        assert len(service.open) == 1
        assert isinstance(await tell(session, one, {**TYPICAL, "key": key, "status": "resolved"}), Delivered)
        assert service.open == set()


@pytest.mark.parametrize("kind", ["pagerduty", "opsgenie"])
async def test_a_notification_that_is_told_again_is_the_same_incident(
    kind: str, services: Services, session: aiohttp.ClientSession
) -> None:
    service: Any = services.by_type()[kind]
    one = receiver(WRITTEN[kind])
    for _ in range(2):
        assert isinstance(await tell(session, one, {"title": "disk full"}), Delivered)
    assert len(service.open) == 1


async def test_an_alert_that_is_not_there_is_closed_already(services: Services, session: aiohttp.ClientSession) -> None:
    assert isinstance(await tell(session, receiver(WRITTEN["opsgenie"]), {**TYPICAL, "status": "ok"}), Delivered)


async def test_a_recovery_that_names_nothing_is_a_dead_letter_that_says_so(session: aiohttp.ClientSession) -> None:
    outcome = await tell(session, receiver(WRITTEN["pagerduty"]), {"title": "fine again", "status": "ok"})
    assert outcome == Impossible("it says that something is over, and has no key that says what")


async def test_a_template_says_what_chats_are_told(services: Services, session: aiohttp.ClientSession) -> None:
    template = ", template: {title: '{{ title | upper }}', message: '{{ data.host }}\\ud83d'}"
    assert isinstance(await tell(session, receiver(WRITTEN["wecom"], template)), Delivered)
    content = services.wecom.taken[0]["markdown"]["content"]
    assert content.startswith('<font color="warning">[ERROR] DISK FULL</font>\nnode-a')


async def test_a_message_that_the_service_cannot_read_is_refused(
    services: Services, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.notifications.formats.slack._HEADER", 500)
    outcome = await tell(session, receiver(WRITTEN["slack"]), {"title": "a" * 400, "message": "b"})
    assert outcome == Refused("the endpoint answered 400: invalid_blocks", getattr(outcome, "answer", None))
    assert services.slack.taken == []
