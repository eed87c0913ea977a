from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.notifications.formats.notice import Notice
from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import BARE, RESOLVED, TYPICAL, asked

SLACK = "{type: slack, url: 'https://hooks.slack.com/services/T0/B0/X'}"


def test_a_typical_notice_is_an_attachment_of_blocks_in_the_colour_of_its_severity() -> None:
    request = asked(SLACK, TYPICAL)
    assert request.url == "https://hooks.slack.com/services/T0/B0/X"
    assert request.headers == {"Content-Type": "application/json; charset=utf-8"}
    assert request.body == (
        b'{"attachments":[{"color":"#e01e5a","fallback":"[ERROR] disk full","blocks":['
        b'{"type":"header","text":{"type":"plain_text","text":"[ERROR] disk full","emoji":false}},'
        b'{"type":"section","text":{"type":"mrkdwn","text":"the disk of node-a is full\\nfree: 1 %","verbatim":true}},'
        b'{"type":"context","elements":[{"type":"mrkdwn","text":"provider: ksyun\\nhost: node-a","verbatim":true}]},'
        b'{"type":"section","text":{"type":"mrkdwn",'
        b'"text":"<https://ops.example.com/nodes/node-a?tab=disk&amp;x=1|Open>","verbatim":true}}]}]}'
    )


@pytest.mark.parametrize(
    ("notice", "colour"),
    [
        (RESOLVED, "#2eb67d"),
        (replace(TYPICAL, severity="CRITICAL"), "#7a0016"),
        (replace(TYPICAL, severity="unheard of"), "#8d8d8d"),
        (BARE, "#8d8d8d"),
    ],
)
def test_the_colour_tells_how_bad_it_is(notice: Notice, colour: str) -> None:
    assert json.loads(asked(SLACK, notice).body)["attachments"][0]["color"] == colour


def test_what_is_not_there_has_no_block() -> None:
    blocks = json.loads(asked(SLACK, BARE).body)["attachments"][0]["blocks"]
    assert [block["type"] for block in blocks] == ["header"]


def test_mentions_and_links_of_others_are_shown_and_do_nothing() -> None:
    notice = replace(TYPICAL, message="<!channel> <https://evil.example|click> & <@U1>", fields={"<!here>": "&lt;"})
    blocks = json.loads(asked(SLACK, notice).body)["attachments"][0]["blocks"]
    assert blocks[1]["text"]["text"] == "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; &lt;@U1&gt;"
    assert blocks[2]["elements"][0]["text"] == "&lt;!here&gt;: &amp;lt;"


def test_a_link_does_not_end_before_its_end() -> None:
    blocks = json.loads(asked(SLACK, replace(TYPICAL, link="https://a.example/?q=a|b>c")).body)["attachments"][0][
        "blocks"
    ]
    assert blocks[-1]["text"]["text"] == "<https://a.example/?q=a%7Cb%3Ec|Open>"


@pytest.mark.parametrize("length", [599, 600, 601])
def test_an_entity_at_the_limit_is_not_cut_in_two(length: int) -> None:
    blocks = json.loads(asked(SLACK, replace(TYPICAL, message="&" * length)).body)["attachments"][0]["blocks"]
    text = blocks[1]["text"]["text"]
    assert len(text) <= 3_000
    assert text == ("&amp;" * length if length <= 600 else "&amp;" * 599 + "…")


def test_a_header_of_emoji_is_cut_between_them() -> None:
    blocks = json.loads(asked(SLACK, Notice("\N{FIRE}" * 100, "")).body)["attachments"][0]["blocks"]
    assert blocks[0]["text"]["text"] == "\N{FIRE}" * 74 + "…"


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "outcome", "reason", "after"),
    [
        (200, "ok", None, "Delivered", "", None),
        (400, "invalid_payload", None, "Refused", "the endpoint answered 400: invalid_payload", None),
        (400, "invalid_blocks", None, "Refused", "the endpoint answered 400: invalid_blocks", None),
        (400, "user_not_found", None, "TryLater", "the endpoint answered 400: user_not_found", None),
        (403, "action_prohibited", None, "TryLater", "the endpoint answered 403: action_prohibited", None),
        (403, "invalid_token", None, "TryLater", "the endpoint answered 403: invalid_token", None),
        (404, "channel_not_found", None, "TryLater", "the endpoint answered 404: channel_not_found", None),
        (404, "no_service", None, "TryLater", "the endpoint answered 404: no_service", None),
        (410, "channel_is_archived", None, "TryLater", "the endpoint answered 410: channel_is_archived", None),
        (429, "", "30", "Busy", "the endpoint answered 429", 30.0),
        (500, "rollup_error", None, "TryLater", "the endpoint answered 500: rollup_error", None),
        (503, "<html>away</html>", "7", "Busy", "the endpoint answered 503", 7.0),
        (400, "<html>something else</html>", None, "Refused", "the endpoint answered 400", None),
    ],
)
def test_its_answers_are_understood(
    status: int, body: str, retry_after: str | None, outcome: str, reason: str, after: float | None
) -> None:
    assert told("slack", status, body, retry_after) == (outcome, reason, after)
