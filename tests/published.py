"""What services take and refuse, written down from what they publish, and from nothing of ours.

Each function is given the body of a request and says what is wrong with it in the service's own words; nothing: it is
taken. `tests/server/services.py` answers by them, and the tests of the formats ask them of whatever is thought up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

KIB = 1024

Check = Callable[[bytes], str]


def read(body: bytes) -> dict[str, Any]:
    """The body as JSON; empty where it is no object in UTF-8."""
    try:
        found = json.loads(body.decode())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def units(text: str) -> int:
    """Code units of UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def is_text(given: Any, most: int, least: int = 1) -> bool:
    """Whether it is a text with something to be seen and no more than so many characters, however they are counted."""
    return isinstance(given, str) and least <= units(given) <= most and (not least or bool(given.strip()))


def slack(body: bytes) -> str:
    """Block Kit: https://docs.slack.dev/reference/block-kit/blocks."""
    attachments = read(body).get("attachments")
    if not isinstance(attachments, list) or not attachments:
        return "no_text"
    for attachment in attachments:
        blocks = attachment.get("blocks")
        if not isinstance(blocks, list) or not 1 <= len(blocks) <= 50 or not all(map(_is_a_block, blocks)):
            return "invalid_blocks"
        if not is_text(attachment.get("fallback"), 3_000):
            return "invalid_attachments"
    return ""


_SLACK_LINK = re.compile(r"<https?://[^<>|\s]+\|Open>")


def _is_a_block(block: Mapping[str, Any]) -> bool:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": text}}:
            return is_text(text, 150)
        case {"type": "section", "text": text}:
            return _is_mrkdwn(text)
        case {"type": "context", "elements": [*elements]}:
            return 1 <= len(elements) <= 10 and all(map(_is_mrkdwn, elements))
    return False


def _is_mrkdwn(text: Any) -> bool:
    """What stands in angle brackets is a mention, or a link; only our own link may be one."""
    if not isinstance(text, dict) or text.get("type") != "mrkdwn" or not is_text(text.get("text"), 3_000):
        return False
    said = text["text"]
    return text.get("verbatim") is True and ("<" not in said or _SLACK_LINK.fullmatch(said) is not None)


def feishu(body: bytes) -> str:
    """https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot, and cards of version 1."""
    match read(body):
        case _ if len(body) > 20 * KIB:
            return "Bad Request"
        case {
            "msg_type": "interactive",
            "card": {
                "header": {"title": {"tag": "plain_text", "content": title}, "template": colour},
                "elements": [*parts],
            },
        } if is_text(title, 1_000) and colour in _FEISHU_COLOURS and parts and all(map(_is_an_element, parts)):
            return ""
    return "Bad Request"


_FEISHU_COLOURS = {"blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet", "grey"}


def _is_an_element(element: Any) -> bool:
    match element:
        case {"tag": "div", "text": {"tag": "plain_text", "content": text}}:
            return is_text(text, 20 * KIB)
        case {"tag": "action", "actions": [{"tag": "button", "text": {"tag": "plain_text"}, "url": url, "type": _}]}:
            return _is_a_link(url)
    return False


def _is_a_link(url: Any) -> bool:
    return isinstance(url, str) and re.fullmatch(r"https?://[^\s<>\"]+", url) is not None


def dingtalk(body: bytes) -> str:
    """https://open.dingtalk.com/document/robots/custom-robot-access."""
    match read(body):
        case _ if len(body) > 20_000:
            return "message too long"
        case {"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": {"isAtAll": False}}:
            return "" if is_text(title, 1_000) and is_text(text, 20_000) else "param error"
    return "param error"


def wecom(body: bytes) -> str:
    """https://developer.work.weixin.qq.com/document/path/91770."""
    match read(body):
        case {"msgtype": "markdown", "markdown": {"content": str(content)}} if content.strip():
            return "" if len(content.encode()) <= 4_096 else "markdown.content exceed max length 4096"
    return "empty content"


def xiezuo(body: bytes) -> str:
    """https://open-xz.wps.cn/pages/client/robot/custom-robot; a tag in a text mentions people."""
    match read(body):
        case {"msgtype": "text", "text": {"content": content}} if is_text(content, 5_000):
            return "" if "<" not in content else "somebody is mentioned"
    return "content"


def telegram(body: bytes) -> str:
    """https://core.telegram.org/bots/api#sendmessage."""
    said = read(body)
    text, entities = said.get("text"), said.get("entities", [])
    if not isinstance(said.get("chat_id"), str | int) or "parse_mode" in said or "reply_markup" in said:
        return "Bad Request: chat_id is empty"
    if not isinstance(text, str) or not text.strip():
        return "Bad Request: message text is empty"
    if units(text) > 4_096:
        return "Bad Request: message is too long"
    inside = all(one["offset"] >= 0 and 0 < one["length"] <= units(text) - one["offset"] for one in entities)
    return "" if inside and text == text.lstrip() else "Bad Request: can't parse entities"


def teams(body: bytes) -> str:
    """The Adaptive Card schema 1.4, as far as it is used, and 28 KB."""
    match read(body):
        case _ if len(body) > 28 * KIB:
            return "the request entity is too large"
        case {"type": "message", "attachments": [{"contentType": kind, "content": {"type": "AdaptiveCard", **card}}]}:
            return "" if kind == "application/vnd.microsoft.card.adaptive" and _is_a_card(card) else "no card"
    return "no card"


_CARD_TEXT = {"type", "text", "wrap", "size", "weight", "color"}
_COLOURS = {"Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"}


def _is_a_card(card: Mapping[Any, Any]) -> bool:
    elements, actions = card.get("body"), card.get("actions", [])
    return (
        card.get("version") == "1.4"
        and card.get("$schema") == "http://adaptivecards.io/schemas/adaptive-card.json"
        and isinstance(elements, list)
        and all(map(_is_a_card_element, elements))
        and all(one.keys() == {"type", "title", "url"} and _is_a_link(one["url"]) for one in actions)
    )


def _is_a_card_element(element: Mapping[str, Any]) -> bool:
    match element:
        case {"type": "TextBlock", "text": text, "wrap": True}:
            return element.keys() <= _CARD_TEXT and is_text(text, 28 * KIB) and element.get("color", "Good") in _COLOURS
        case {"type": "FactSet", "facts": [*facts]}:
            return bool(facts) and all(map(_is_a_fact, facts))
    return False


def _is_a_fact(fact: Mapping[str, Any]) -> bool:
    return fact.keys() == {"title", "value"} and all(isinstance(text, str) for text in fact.values())


def pagerduty(body: bytes) -> str:
    """https://developer.pagerduty.com/docs/events-api-v2/trigger-events."""
    return next(_pagerduty(read(body), len(body)), "")


def _pagerduty(said: Mapping[str, Any], size: int) -> Iterator[str]:
    if size > 512 * KIB:
        yield "Event object is too large"
    if not re.fullmatch(r"[A-Za-z0-9]{32}", said.get("routing_key", "")):
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    if said.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        yield "'event_action' is invalid"
    if not is_text(said.get("dedup_key"), 255):
        yield "'dedup_key' is missing or too long"
    if said.get("event_action") == "trigger":
        yield from _trigger(said.get("payload", {}))
        if not all(_is_a_link(link["href"]) for link in said.get("links", [])):
            yield "'links' is invalid"


def _trigger(payload: Mapping[str, Any]) -> Iterator[str]:
    if not is_text(payload.get("summary"), 1_024):
        yield "'payload.summary' is missing or blank"
    if not is_text(payload.get("source"), 10_000):
        yield "'payload.source' is missing or blank"
    if payload.get("severity") not in {"critical", "error", "warning", "info"}:
        yield "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
    if not isinstance(payload.get("custom_details"), dict):
        yield "'payload.custom_details' is no object"


def opsgenie(body: bytes) -> str:
    """Creating: https://docs.opsgenie.com/docs/alert-api#create-alert."""
    return next(_opsgenie(read(body)), "")


def _opsgenie(said: Mapping[str, Any]) -> Iterator[str]:
    if not is_text(said.get("message"), 130):
        yield "message can not be empty, nor longer than 130 characters"
    limits = {"alias": 512, "description": 15_000, "source": 100}
    for name, most in limits.items():
        if not is_text(said.get(name, ""), most, least=0):
            yield f"{name} is too long"
    if said.get("priority") not in {"P1", "P2", "P3", "P4", "P5"}:
        yield "priority should be one of [ P1, P2, P3, P4, P5 ]"
    details = said.get("details", {})
    if (
        not all(isinstance(one, str) for one in details.values())
        or units("".join([*details, *details.values()])) > 8_000
    ):
        yield "details are too long"


def close(body: bytes) -> str:
    """Closing: https://docs.opsgenie.com/docs/alert-api#close-alert."""
    said = read(body)
    return "" if is_text(said.get("source"), 100) and is_text(said.get("note"), 25_000) else "note is too long"


CHECKS: Mapping[str, Check] = {
    "slack": slack,
    "feishu": feishu,
    "dingtalk": dingtalk,
    "wecom": wecom,
    "xiezuo": xiezuo,
    "telegram": telegram,
    "teams": teams,
    "pagerduty": pagerduty,
    "opsgenie": opsgenie,
}
