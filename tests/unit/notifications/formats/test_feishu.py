from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import BARE, NOW, RESOLVED, TYPICAL, asked

URL = "https://open.feishu.cn/open-apis/bot/v2/hook/X"
PLAIN = f"{{type: feishu, url: '{URL}'}}"
SIGNED = f"{{type: feishu, url: '{URL}', secret: demo}}"


def test_a_typical_notice_is_a_card_of_plain_text() -> None:
    request = asked(PLAIN, TYPICAL)
    assert request.url == URL
    assert request.body == (
        b'{"msg_type":"interactive","card":{"header":{"title":{"tag":"plain_text","content":"[ERROR] disk full"},'
        b'"template":"red"},"elements":[{"tag":"div","text":{"tag":"plain_text",'
        b'"content":"the disk of node-a is full\\nfree: 1 %\\nprovider: ksyun\\nhost: node-a"}},'
        b'{"tag":"action","actions":[{"tag":"button","text":{"tag":"plain_text","content":"Open"},'
        b'"type":"default","url":"https://ops.example.com/nodes/node-a?tab=disk&x=1"}]}]}}'
    )


def test_it_is_signed_with_the_time_and_the_secret_as_the_key_of_nothing() -> None:
    body = json.loads(asked(SIGNED, TYPICAL).body)
    signer = HMAC(f"{int(NOW)}\ndemo".encode(), SHA256())
    signer.update(b"")
    assert body["timestamp"] == "1790000000"
    assert base64.b64decode(body["sign"]) == signer.finalize()
    assert body.keys() == {"timestamp", "sign", "msg_type", "card"}


def test_what_is_over_is_green_and_without_anything_else_the_title_is_said() -> None:
    assert json.loads(asked(PLAIN, RESOLVED).body)["card"]["header"]["template"] == "green"
    for notice in (BARE, replace(BARE, message=" \n ")):
        card = json.loads(asked(PLAIN, notice).body)["card"]
        assert card["elements"] == [{"tag": "div", "text": {"tag": "plain_text", "content": "a notification"}}]


def test_what_would_mention_everybody_in_markdown_is_plain_text() -> None:
    text = '<at id=all></at> <at user_id="all">all</at>'
    element = json.loads(asked(PLAIN, replace(TYPICAL, message=text, fields={})).body)["card"]["elements"][0]
    assert element["text"] == {"tag": "plain_text", "content": text}


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (200, '{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}', "Delivered", ""),
        (200, '{"StatusCode":0,"StatusMessage":"success"}', "Delivered", ""),
        (200, '{"code":9499,"msg":"Bad Request","data":{}}', "Refused", "code 9499"),
        (
            200,
            '{"code":19001,"msg":"incoming webhook access token invalid"}',
            "TryLater",
            "19001: its address",
        ),
        (
            200,
            '{"code":19021,"msg":"sign match fail"}',
            "TryLater",
            "19021: the signature",
        ),
        (200, '{"code":19022,"msg":"Ip Not Allowed"}', "TryLater", "code 19022: this machine's address"),
        (200, '{"code":19024,"msg":"Key Words Not Found"}', "TryLater", "code 19024: none of the bot's key words"),
        (200, '{"code":11232,"msg":"frequency limited psm[lark.oapi.app_platform_runtime]"}', "Busy", "code 11232"),
        (400, '{"code":99991400,"msg":"request trigger frequency limit"}', "Busy", "code 99991400"),
        (400, '{"code":9499,"msg":"Bad Request"}', "Refused", "code 9499"),
        (429, "", "Busy", "answered 429"),
        (500, "", "TryLater", "answered 500"),
    ],
)
def test_its_answers_are_understood(status: int, body: str, outcome: str, reason: str) -> None:
    kind, why, _ = told("feishu", status, body)
    assert kind == outcome
    assert reason in why
