from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from app.delivery.outcome import Impossible
from app.notifications.channel import request_of
from app.notifications.formats.notice import Notice
from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import BARE, IDENTITY, NOW, RESOLVED, TYPICAL, asked, destination

PAGERDUTY = "{type: pagerduty, routingKey: abcdefabcdefabcdefabcdefabcdef12}"


def said(notice: Notice) -> dict[str, Any]:
    found = json.loads(asked(PAGERDUTY, notice).body)
    assert isinstance(found, dict)
    return found


def test_a_typical_notice_triggers_an_alert_that_its_key_names() -> None:
    request = asked(PAGERDUTY, TYPICAL)
    assert request.url == "https://events.pagerduty.com/v2/enqueue"
    assert request.body == (
        b'{"routing_key":"abcdefabcdefabcdefabcdefabcdef12","event_action":"trigger","dedup_key":"node-a/disk",'
        b'"payload":{"summary":"disk full","source":"prod","severity":"error","custom_details":{"provider":"ksyun",'
        b'"host":"node-a","message":"the disk of node-a is full\\nfree: 1 %"}},"client":"ops-events",'
        b'"links":[{"href":"https://ops.example.com/nodes/node-a?tab=disk&x=1","text":"Open"}]}'
    )


def test_what_is_over_resolves_the_alert_of_its_key() -> None:
    assert asked(PAGERDUTY, RESOLVED).body == (
        b'{"routing_key":"abcdefabcdefabcdefabcdefabcdef12","event_action":"resolve","dedup_key":"node-a/disk"}'
    )


def test_without_a_key_the_delivery_names_the_alert_so_that_a_repeat_opens_no_other() -> None:
    assert said(replace(TYPICAL, key=""))["dedup_key"] == IDENTITY


def test_what_is_over_without_a_key_cannot_be_told() -> None:
    found = request_of(destination(PAGERDUTY), replace(RESOLVED, key=""), NOW, IDENTITY)
    assert found == Impossible("it says that something is over, and has no key that says what")


@pytest.mark.parametrize(("length", "is_kept"), [(255, True), (256, False)])
def test_a_key_that_is_too_long_goes_as_its_hash_when_it_opens_and_when_it_closes(length: int, is_kept: bool) -> None:  # noqa: FBT001
    key = "k" * length
    expected = key if is_kept else hashlib.sha256(key.encode()).hexdigest()
    assert said(replace(TYPICAL, key=key))["dedup_key"] == said(replace(RESOLVED, key=key))["dedup_key"] == expected


@pytest.mark.parametrize(
    ("severity", "known"),
    [("debug", "info"), ("INFO", "info"), ("critical", "critical"), ("fatal", "warning"), ("", "warning")],
)
def test_severities_are_those_that_it_knows(severity: str, known: str) -> None:
    assert said(replace(TYPICAL, severity=severity))["payload"]["severity"] == known


def test_what_it_requires_is_always_there() -> None:
    payload = said(BARE)["payload"]
    assert (payload["summary"], payload["source"]) == ("a notification", "ops-events")


def test_a_field_of_others_does_not_stand_in_for_the_message() -> None:
    assert said(replace(TYPICAL, fields={"message": "x"}))["payload"]["custom_details"]["message"] == TYPICAL.message


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "outcome", "after"),
    [
        (202, '{"status":"success","message":"Event processed","dedup_key":"k"}', None, "Delivered", None),
        (400, '{"status":"invalid event","errors":["\'payload.summary\' is missing or blank"]}', None, "Refused", None),
        (400, '{"status":"invalid event","errors":["Length of \'routing_key\' is incorrect"]}', None, "TryLater", None),
        (400, '{"status":"invalid event","errors":["Invalid routing key"]}', None, "TryLater", None),
        (429, "", None, "Busy", 60.0),
        (429, "", "5", "Busy", 5.0),
        (500, "", None, "TryLater", None),
    ],
)
def test_its_answers_are_understood(
    status: int, body: str, retry_after: str | None, outcome: str, after: float | None
) -> None:
    kind, _, seconds = told("pagerduty", status, body, retry_after)
    assert (kind, seconds) == (outcome, after)
