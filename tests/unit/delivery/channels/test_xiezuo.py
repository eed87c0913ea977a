"""What the channel `xiezuo` sends, and how it reads the answers of robots."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from app.delivery.channels.xiezuo import Xiezuo, message, request_of
from app.delivery.delivery import delivery_of
from app.delivery.outcome import Answer, Delivered, Refused
from tests.unit.delivery.doubles import delivery, received, target
from tests.unit.delivery.endpoints import answer, endpoint
from tests.unit.events.examples import posted_body


def test_the_readable_text_becomes_a_chat_message() -> None:
    sent = delivery_of(received(data="hello \n"), target(additional="+add"))
    request = request_of(sent, 5)

    assert request.body == b'{"msgtype":"text","markdown":{"text":""},"text":{"content":"hello \\n+add"}}'
    assert request.headers == {
        "Content-Type": "application/json",
        "User-Agent": "ops-events",
        "webhook-id": sent.id,
        "webhook-timestamp": "5",
    }


def test_the_bytes_are_those_of_the_earlier_system() -> None:
    """But for <, > and &, which it wrote as escapes."""
    body = posted_body("webhook-xiezuo.http")
    text = json.loads(body)["text"]["content"].removesuffix(" +add")

    assert message(text, " +add") == body


@pytest.mark.parametrize("text", ['line "two" é\n', "", "\x00\x1f", "{}", '{"a":1}', '"msgtype"', '{"msgtype":"text"'])
def test_any_other_text_is_the_content_as_it_is(text: str) -> None:
    assert json.loads(message(text, "!")) == {
        "msgtype": "text",
        "markdown": {"text": ""},
        "text": {"content": f"{text}!"},
    }


def test_a_lone_surrogate_does_not_stop_the_rest() -> None:
    assert json.loads(message("a", "\ud800b"))["text"]["content"] == "a?b"


@pytest.mark.parametrize(
    "text",
    [
        '{"msgtype":"text","text":{"content":"hi"}}',
        ' {\n "markdown": {"text": "## é"},  "msgtype": "markdown", "n": 1.10} \n',
        '{"msgtype":"card","card":{}}',
    ],
)
def test_text_that_is_a_message_already_goes_as_it_is(text: str) -> None:
    assert message(text, " additional text would break it") == text.encode()


@pytest.mark.parametrize("text", ['{"msgtype":""}', '{"msgtype":1}', '["msgtype"]', '{"text":{"msgtype":"text"}}'])
def test_json_that_is_no_message_is_text(text: str) -> None:
    assert json.loads(message(text, ""))["text"]["content"] == text


FINE: list[Any] = [
    {"result": "ok"},
    {"result": 0},
    {"result": 1},
    {"code": 0},
    {"code": 200, "result": {"id": 7}},
    {"errcode": 0, "errmsg": "ok"},
    {"errcode": "40001"},
    {"code": True},
    {"code": 1.5},
    {"code": None},
    {"data": {"code": 7}},
    [{"code": 7}],
    7,
    "ok",
    {},
]
FAILED: list[tuple[Any, str]] = [
    ({"errcode": 93000, "errmsg": "invalid webhook url"}, "errcode 93000"),
    ({"code": 10001}, "code 10001"),
    ({"code": -1, "msg": "no"}, "code -1"),
    ({"code": 1}, "code 1"),
    ({"result": 403001, "msg": "robot is gone"}, "result 403001"),
    ({"code": 0, "errcode": 45009}, "errcode 45009"),
]


@pytest.mark.parametrize("said", FINE, ids=str)
async def test_an_answer_that_names_no_error_is_delivered(session: aiohttp.ClientSession, said: Any) -> None:
    body = json.dumps(said).encode()
    async with endpoint(answer(200, body)) as url:
        assert await Xiezuo(session).send(delivery(url=url)) == Delivered(Answer(200, body))


@pytest.mark.parametrize(("said", "error"), FAILED, ids=str)
async def test_a_robot_that_names_an_error_refuses_whatever_its_status(
    session: aiohttp.ClientSession, said: Any, error: str
) -> None:
    body = json.dumps(said).encode()
    async with endpoint(answer(200, body)) as url:
        outcome = await Xiezuo(session).send(delivery(url=url))

    assert outcome == Refused(f"the robot answered {error}", Answer(200, body))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"code": 7', b"\xff\xfe", b'{"code": 7, "x": "%s"}' % (b"x" * 2000)]
)
async def test_an_answer_that_cannot_be_read_is_taken_for_good(session: aiohttp.ClientSession, body: bytes) -> None:
    async with endpoint(answer(200, body)) as url:
        assert isinstance(await Xiezuo(session).send(delivery(url=url)), Delivered)
