from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.notifications.formats.notice import Notice
from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import TYPICAL, asked

TELEGRAM = "{type: telegram, token: '123:aB-_c', chat: '@ops'}"


def test_a_typical_notice_is_a_text_with_its_title_in_bold() -> None:
    request = asked(TELEGRAM, TYPICAL)
    assert request.url == "https://api.telegram.org/bot123:aB-_c/sendMessage"
    assert request.body == (
        b'{"chat_id":"@ops","text":"[ERROR] disk full\\nthe disk of node-a is full\\nfree: 1 %\\nprovider: ksyun\\n'
        b'host: node-a\\nhttps://ops.example.com/nodes/node-a?tab=disk&x=1",'
        b'"entities":[{"type":"bold","offset":0,"length":17}],"link_preview_options":{"is_disabled":true}}'
    )


def test_a_token_is_one_segment_of_the_path() -> None:
    token = "1:a/../../getUpdates?x#y%z"
    url = asked(f"{{type: telegram, token: '{token}', chat: '1'}}", TYPICAL).url
    assert url == "https://api.telegram.org/bot1:a%2F..%2F..%2FgetUpdates%3Fx%23y%25z/sendMessage"


def test_a_link_to_a_host_of_the_company_is_text_which_no_button_would_take() -> None:
    said = json.loads(asked(TELEGRAM, replace(TYPICAL, link="http://grafana/d/x")).body)
    assert said["text"].endswith("\nhttp://grafana/d/x")
    assert "reply_markup" not in said


def test_the_bold_part_is_counted_in_utf16() -> None:
    said = json.loads(asked(TELEGRAM, Notice("\N{FIRE} a", "")).body)
    assert said["entities"] == [{"type": "bold", "offset": 0, "length": 4}]


@pytest.mark.parametrize(("sign", "units"), [("a", 1), ("\N{FIRE}", 2)])
def test_it_takes_all_that_4096_units_hold(sign: str, units: int) -> None:
    text = json.loads(asked(TELEGRAM, replace(TYPICAL, message=sign * 5_000)).body)["text"]
    assert 4_096 - units < len(text.encode("utf-16-le")) // 2 <= 4_096


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason", "after"),
    [
        (200, '{"ok":true,"result":{"message_id":1}}', "Delivered", "", None),
        (
            400,
            '{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}',
            "Refused",
            "Bad Request: message is too long",
            None,
        ),
        (400, '{"ok":false,"description":"Bad Request: chat not found"}', "TryLater", "chat not found", None),
        (
            400,
            '{"ok":false,"description":"Bad Request: group chat was upgraded to a supergroup chat"}',
            "TryLater",
            "was upgraded",
            None,
        ),
        (401, '{"ok":false,"description":"Unauthorized"}', "TryLater", "answered 401", None),
        (403, '{"ok":false,"description":"Forbidden: bot was kicked"}', "TryLater", "answered 403", None),
        (404, '{"ok":false,"description":"Not Found"}', "TryLater", "answered 404", None),
        (429, '{"ok":false,"parameters":{"retry_after":31}}', "Busy", "answered 429", 31.0),
        (429, '{"ok":false,"parameters":{"retry_after":-1}}', "Busy", "answered 429", None),
        (429, '{"ok":false,"parameters":{"retry_after":true}}', "Busy", "answered 429", None),
        (429, "{}", "Busy", "answered 429", None),
        (502, "", "TryLater", "answered 502", None),
    ],
)
def test_its_answers_are_understood(status: int, body: str, outcome: str, reason: str, after: float | None) -> None:
    kind, why, seconds = told("telegram", status, body)
    assert (kind, seconds) == (outcome, after)
    assert reason in why
