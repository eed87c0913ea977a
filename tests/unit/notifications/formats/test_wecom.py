from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.notifications.formats.notice import Notice
from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import RESOLVED, TYPICAL, asked

WECOM = "{type: wecom, url: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k'}"


def content(notice: Notice) -> str:
    text = json.loads(asked(WECOM, notice).body)["markdown"]["content"]
    assert isinstance(text, str)
    return text


def test_a_typical_notice_is_markdown_with_a_title_in_colour() -> None:
    assert asked(WECOM, TYPICAL).body == (
        b'{"msgtype":"markdown","markdown":{"content":"<font color=\\"warning\\">[ERROR] disk full</font>\\n'
        b"the disk of node-a is full\\nfree: 1 %\\nprovider: ksyun\\nhost: node-a\\n"
        b'[Open](https://ops.example.com/nodes/node-a?tab=disk&x=1)"}}'
    )
    assert content(RESOLVED).startswith('<font color="info">[RESOLVED] disk full</font>')


def test_mentions_and_links_of_others_do_nothing() -> None:
    text = content(replace(TYPICAL, title="<@all></font>", message="<@zhangsan> [click](https://evil.example)"))
    assert text.count("<") == 2  # those of our own colour
    assert "\uff1c@zhangsan\uff1e [click] (https://evil.example)" in text


@pytest.mark.parametrize("sign", ["a", "\u4e2d", "\N{FIRE}"])
def test_it_takes_all_that_4096_bytes_hold(sign: str) -> None:
    size = len(content(replace(TYPICAL, message=sign * 5_000)).encode())
    assert 4_096 - len(sign.encode()) < size <= 4_096


@pytest.mark.parametrize(
    ("body", "outcome", "reason", "after"),
    [
        ('{"errcode":0,"errmsg":"ok"}', "Delivered", "", None),
        ('{"errcode":-1,"errmsg":"system busy"}', "TryLater", "errcode -1", None),
        ('{"errcode":45009,"errmsg":"api freq out of limit"}', "Busy", "errcode 45009", 60.0),
        ('{"errcode":45033,"errmsg":"api concurrent out of limit"}', "Busy", "errcode 45033", 60.0),
        ('{"errcode":93000,"errmsg":"invalid webhook url"}', "TryLater", "was removed", None),
        ('{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}', "Refused", "errcode 40058", None),
        ('{"errcode":44004,"errmsg":"empty content"}', "Refused", "errcode 44004", None),
    ],
)
def test_its_answers_are_understood(body: str, outcome: str, reason: str, after: float | None) -> None:
    kind, why, seconds = told("wecom", 200, body)
    assert (kind, seconds) == (outcome, after)
    assert reason in why
