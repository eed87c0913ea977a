from __future__ import annotations

import json

from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import BARE, RESOLVED, TYPICAL, asked

WEBHOOK = "{type: webhook, url: 'https://hooks.example.com/a?token=t'}"


def test_a_typical_notice_is_an_object_with_all_that_is_known() -> None:
    request = asked(WEBHOOK, TYPICAL)
    assert request.url == "https://hooks.example.com/a?token=t"
    assert request.body == (
        b'{"title":"disk full","message":"the disk of node-a is full\\nfree: 1 %","severity":"error","status":"firing",'
        b'"link":"https://ops.example.com/nodes/node-a?tab=disk&x=1","key":"node-a/disk","source":"prod",'
        b'"fields":{"provider":"ksyun","host":"node-a"},"timestamp":"2026-09-21T14:13:20.123Z"}'
    )


def test_what_is_over_says_so_and_what_is_not_there_is_empty() -> None:
    assert json.loads(asked(WEBHOOK, RESOLVED).body)["status"] == "resolved"
    bare = json.loads(asked(WEBHOOK, BARE).body)
    assert (bare["title"], bare["message"], bare["key"], bare["fields"]) == ("", "", "", {})


def test_only_the_status_counts() -> None:
    assert told("webhook", 200, '{"errcode": 7}') == ("Delivered", "", None)
    assert told("webhook", 422) == ("Refused", "the endpoint answered 422", None)
    assert told("webhook", 410) == ("TryLater", "the endpoint answered 410: mend or remove the receiver", None)
