from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import TYPICAL, asked

XIEZUO = "{type: xiezuo, url: 'https://xz.wps.cn/api/v1/webhook/send?key=k'}"


def test_a_typical_notice_is_a_text() -> None:
    assert asked(XIEZUO, TYPICAL).body == (
        b'{"msgtype":"text","markdown":{"text":""},"text":{"content":"[ERROR] disk full\\nthe disk of node-a is full\\n'
        b'free: 1 %\\nprovider: ksyun\\nhost: node-a\\nhttps://ops.example.com/nodes/node-a?tab=disk&x=1"}}'
    )


def test_a_tag_of_others_mentions_nobody() -> None:
    text = '<at user_id="-1">everybody</at>'
    said = json.loads(asked(XIEZUO, replace(TYPICAL, title=text, message=text, fields={text: text})).body)
    assert "<" not in said["text"]["content"]
    assert said["text"]["content"].count('\uff1cat user_id="-1">everybody\uff1c/at>') == 4


def test_it_takes_all_that_5000_characters_hold() -> None:
    said = json.loads(asked(XIEZUO, replace(TYPICAL, message="a" * 6_000)).body)["text"]["content"]
    assert len(said) == 5_000
    assert said.endswith("…\nprovider: ksyun\nhost: node-a\nhttps://ops.example.com/nodes/node-a?tab=disk&x=1")


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, '{"result":"ok"}', "Delivered"),
        (200, '{"code":0}', "Delivered"),
        (200, '{"errcode":40001,"errmsg":"invalid key"}', "Refused"),
        (200, '{"code":400,"msg":"content"}', "Refused"),
        (404, "", "TryLater"),
        (410, "", "TryLater"),
        (429, "", "Busy"),
    ],
)
def test_its_answers_are_understood(status: int, body: str, outcome: str) -> None:
    assert told("xiezuo", status, body)[0] == outcome
