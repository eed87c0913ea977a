from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.notifications.formats.notice import Notice
from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import BARE, RESOLVED, TYPICAL, asked

TEAMS = "{type: teams, url: 'https://prod-1.westeurope.logic.azure.com/workflows/w/triggers/manual/paths/invoke?sig=s'}"


def card(notice: Notice) -> dict[str, Any]:
    found = json.loads(asked(TEAMS, notice).body)["attachments"][0]["content"]
    assert isinstance(found, dict)
    return found


def test_a_typical_notice_is_an_adaptive_card() -> None:
    assert asked(TEAMS, TYPICAL).body == (
        b'{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,'
        b'"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4",'
        b'"body":[{"type":"TextBlock","text":"[ERROR] disk full","wrap":true,"size":"Medium","weight":"Bolder",'
        b'"color":"Attention"},{"type":"TextBlock","text":"the disk of node-a is full\\n\\nfree: 1 %","wrap":true},'
        b'{"type":"FactSet","facts":[{"title":"provider","value":"ksyun"},{"title":"host","value":"node-a"}]}],'
        b'"actions":[{"type":"Action.OpenUrl","title":"Open","url":"https://ops.example.com/nodes/node-a?tab=disk&x=1"}]}}]}'
    )


def test_what_is_over_is_good_and_what_is_not_there_has_no_element() -> None:
    assert card(RESOLVED)["body"][0]["color"] == "Good"
    assert [element["type"] for element in card(BARE)["body"]] == ["TextBlock"]
    assert card(BARE)["actions"] == []


def test_markdown_of_others_is_shown_as_it_is_in_facts_too() -> None:
    evil = "**a** _b_ [click](https://evil.example)"
    shown = r"\*\*a\*\* \_b\_ [click] (https://evil.example)"
    body = card(replace(TYPICAL, title=evil, message=evil, fields={evil: evil}))["body"]
    assert body[0]["text"] == f"[ERROR] {shown}"
    assert body[1]["text"] == shown
    assert body[2]["facts"] == [{"title": shown, "value": shown}]


def test_huge_fields_leave_room_for_the_message() -> None:
    fields = {f"{number}": "\N{FIRE}" * 500 for number in range(22)}
    body = card(replace(TYPICAL, message="a" * 40_000, fields=fields))["body"]
    assert len(body[1]["text"]) > 10_000
    assert 1 <= len(body[2]["facts"]) < 22


REPLIED_429 = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x"
)


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "outcome", "reason", "after"),
    [
        (202, "", None, "Delivered", "", None),
        (200, "1", None, "Delivered", "", None),
        (200, REPLIED_429, None, "Busy", "Teams answered 429", None),
        (200, REPLIED_429.replace("429", "413"), None, "Refused", "Teams answered 413", None),
        (400, '{"error":{"code":"InvalidRequestContent"}}', None, "Refused", "the endpoint answered 400", None),
        (401, "", None, "TryLater", "the endpoint answered 401", None),
        (404, '{"error":{"code":"WorkflowNotFound"}}', None, "TryLater", "the endpoint answered 404", None),
        (413, "", None, "Refused", "the endpoint answered 413", None),
        (429, "", "17", "Busy", "the endpoint answered 429", 17.0),
        (502, '{"error":{"code":"NoResponse"}}', None, "TryLater", "the endpoint answered 502", None),
    ],
)
def test_its_answers_are_understood(
    status: int, body: str, retry_after: str | None, outcome: str, reason: str, after: float | None
) -> None:
    assert told("teams", status, body, retry_after) == (outcome, reason, after)
