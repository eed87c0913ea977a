from __future__ import annotations

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import TYPICAL, asked

URL = "https://oapi.dingtalk.com/robot/send?access_token=t0ken"
PLAIN = f"{{type: dingtalk, url: '{URL}'}}"
SIGNED = f"{{type: dingtalk, url: '{URL}', secret: SECdemo}}"


def test_a_typical_notice_is_markdown_that_mentions_nobody() -> None:
    request = asked(PLAIN, TYPICAL)
    assert request.url == URL
    assert request.body == (
        b'{"msgtype":"markdown","markdown":{"title":"[ERROR] disk full","text":"### [ERROR] disk full\\n\\n'
        b"the disk of node-a is full  \\nfree: 1 %\\n\\nprovider: ksyun  \\nhost: node-a\\n\\n"
        b'[Open](https://ops.example.com/nodes/node-a?tab=disk&x=1)"},"at":{"isAtAll":false}}'
    )


def test_the_url_is_signed_with_milliseconds_and_the_secret() -> None:
    query = parse_qs(urlsplit(asked(SIGNED, TYPICAL).url).query, strict_parsing=True)
    signer = HMAC(b"SECdemo", SHA256())
    signer.update(b"1790000000123\nSECdemo")
    assert query["access_token"] == ["t0ken"]
    assert query["timestamp"] == ["1790000000123"]
    assert base64.b64decode(query["sign"][0], validate=True) == signer.finalize()


def test_a_url_without_a_query_gets_one() -> None:
    url = asked("{type: dingtalk, url: 'https://robot.example.com/send', secret: s}", TYPICAL).url
    assert url.startswith("https://robot.example.com/send?timestamp=1790000000123&sign=")


def test_markup_of_others_is_shown_as_it_is() -> None:
    notice = replace(
        TYPICAL, message="# a **b** _c_ `d`\n![](https://evil.example) <font>", link="https://a.example/(b)"
    )
    text = json.loads(asked(PLAIN, notice).body)["markdown"]["text"]
    assert "\\# a \\*\\*b\\*\\* \\_c\\_ \\`d\\`  \n![] (https://evil.example) ＜font>" in text  # noqa: RUF001
    assert text.endswith("[Open](https://a.example/%28b%29)")


@pytest.mark.parametrize(
    ("body", "outcome", "reason", "after"),
    [
        ('{"errcode":0,"errmsg":"ok"}', "Delivered", "", None),
        ('{"errcode":-1,"errmsg":"system busy"}', "TryLater", "errcode -1", None),
        ('{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}', "Busy", "errcode 130101", 60.0),
        ('{"errcode":410100,"errmsg":"send too fast"}', "Busy", "errcode 410100", 60.0),
        ('{"errcode":310000,"errmsg":"keywords not in content"}', "TryLater", "security settings", None),
        ('{"errcode":310000,"errmsg":"sign not match"}', "TryLater", "security settings", None),
        ('{"errcode":300001,"errmsg":"token is not exist"}', "TryLater", "access token", None),
        ('{"errcode":400101,"errmsg":"access_token not found"}', "TryLater", "access token", None),
        ('{"errcode":400102,"errmsg":"robot stopped"}', "TryLater", "is stopped", None),
        ('{"errcode":400013,"errmsg":"chat is disbanded"}', "TryLater", "is gone", None),
        ('{"errcode":430104,"errmsg":"inappropriate"}', "Refused", "errcode 430104", None),
        ('{"errcode":40035,"errmsg":"param error"}', "Refused", "errcode 40035", None),
        ('{"errcode":true}', "Delivered", "", None),
        ("<html>a proxy</html>", "Delivered", "", None),
    ],
)
def test_its_answers_are_understood(body: str, outcome: str, reason: str, after: float | None) -> None:
    kind, why, seconds = told("dingtalk", 200, body)
    assert (kind, seconds) == (outcome, after)
    assert reason in why


def test_a_long_answer_is_read_as_far_as_it_was_kept() -> None:
    answer = '{"errcode":310000,"errmsg":"' + "\u5173\u952e\u8bcd" * 500
    kept = answer.encode()[:1024].decode("utf-8", "ignore")
    assert told("dingtalk", 200, kept)[0] == "TryLater"
