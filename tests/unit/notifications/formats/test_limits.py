"""Whatever is to be said, each service takes it by what it publishes, and nobody is mentioned or lured by it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings

from app.delivery.outcome import Answer, Gone, Impossible, TryLater
from app.notifications.channel import judged, request_of
from app.notifications.formats.notice import Notice
from tests import published
from tests.unit.notifications.formats.notices import (
    BARE,
    HOSTILE,
    IDENTITY,
    NOTICES,
    NOW,
    RESOLVED,
    TYPICAL,
    destination,
)

URL = "https://chat.example.com/hook"
WRITTEN = {
    "slack": f"{{type: slack, url: '{URL}'}}",
    "feishu": f"{{type: feishu, url: '{URL}', secret: s}}",
    "dingtalk": f"{{type: dingtalk, url: '{URL}', secret: s}}",
    "wecom": f"{{type: wecom, url: '{URL}'}}",
    "xiezuo": f"{{type: xiezuo, url: '{URL}'}}",
    "telegram": "{type: telegram, token: '1:a', chat: '-100'}",
    "teams": f"{{type: teams, url: '{URL}'}}",
    "pagerduty": "{type: pagerduty, routingKey: abcdefabcdefabcdefabcdefabcdef12}",
    "opsgenie": "{type: opsgenie, apiKey: k}",
}
DESTINATIONS = {kind: destination(written) for kind, written in WRITTEN.items()}
PLAIN = "the rest of it"


def wrong_with(kind: str, notice: Notice) -> str:
    """What the service has against a notice in its form."""
    found = request_of(DESTINATIONS[kind], notice, NOW, IDENTITY)
    if isinstance(found, Impossible):
        assert (notice.resolved, notice.key) == (True, "")
        return ""
    if kind == "opsgenie" and notice.resolved:
        return published.close(found.body)
    return published.CHECKS[kind](found.body)


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("notice", [TYPICAL, RESOLVED, BARE], ids=["typical", "resolved", "bare"])
def test_each_service_takes_it(kind: str, notice: Notice) -> None:
    assert wrong_with(kind, notice) == ""


@pytest.mark.parametrize("kind", WRITTEN)
@settings(max_examples=60, deadline=None)
@given(notice=NOTICES)
def test_each_service_takes_whatever_is_to_be_said(kind: str, notice: Notice) -> None:
    assert wrong_with(kind, notice) == ""


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("sign", ["a", "\N{FIRE}", "\\", '"', "&", "<", "*", "\n", "\u4e2d"])
def test_a_huge_text_is_cut_and_keeps_its_title_fields_and_link(kind: str, sign: str) -> None:
    notice = Notice("disk full", sign * 65_000, "error", "https://a.example/b", "k", fields={"host": "node-a"})
    assert wrong_with(kind, notice) == ""
    found = request_of(DESTINATIONS[kind], notice, NOW, IDENTITY)
    assert not isinstance(found, Impossible)
    said = json.dumps(json.loads(found.body), ensure_ascii=False)
    for part in ("disk full", "node-a", "https://a.example/b"):
        assert part in said
    assert "…" in said or kind == "pagerduty" or sign == "\n"  # half a megabyte holds all, and nothing is to be seen


@pytest.mark.parametrize("kind", ["wecom", "xiezuo", "slack", "dingtalk", "teams"])
@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_is_no_markup(kind: str, text: str) -> None:
    notice = Notice(text, f"{text}\n{PLAIN}", "error", fields={text: text})
    found = request_of(DESTINATIONS[kind], notice, NOW, IDENTITY)
    assert not isinstance(found, Impossible)
    for said in markup_in(kind, json.loads(found.body)):
        assert not re.search(r"(?<!\\)\]\(", said), "a link of others"
        assert not re.search(r"<(?!/?font)", said), "a mention, or a tag"
        assert said.count("<font") == said.count("</font>") <= 1


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("notice", [TYPICAL, RESOLVED], ids=["typical", "resolved"])
def test_no_answer_stops_a_receiver(kind: str, notice: Notice) -> None:
    assert isinstance(judged(kind, Gone("it is gone", Answer(410)), notice), TryLater)


def markup_in(kind: str, body: Any) -> list[str]:
    """The texts in which a service reads markup."""
    match kind:
        case "wecom":
            return [body["markdown"]["content"]]
        case "dingtalk":
            return [body["markdown"]["text"].replace(r"\<", "").replace(r"\>", "")]
        case "xiezuo":
            return [body["text"]["content"].replace("](", "")]  # which knows tags only
        case "slack":
            return [text.replace("](", "") for text in _slack(body)]
    card = body["attachments"][0]["content"]["body"]
    texts = [block["text"] for block in card if "text" in block]
    texts += [said for block in card for fact in block.get("facts", []) for said in fact.values()]
    return [text.replace("<", "") for text in texts]  # which are nothing there


def _slack(body: Any) -> list[str]:
    blocks = body["attachments"][0]["blocks"]
    return [one["text"] for block in blocks for one in block.get("elements", [block.get("text")]) if "verbatim" in one]
