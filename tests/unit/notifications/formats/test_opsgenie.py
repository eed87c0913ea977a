from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote

import pytest
from yarl import URL

from app.delivery.channels.http import judge
from app.delivery.outcome import Answer, Delivered, Impossible
from app.notifications.channel import judged, request_of
from tests.unit.notifications.formats.answers import told
from tests.unit.notifications.formats.notices import IDENTITY, NOW, RESOLVED, TYPICAL, asked, destination

OPSGENIE = "{type: opsgenie, apiKey: a-key}"


def test_a_typical_notice_creates_an_alert_whose_alias_is_its_key() -> None:
    request = asked(OPSGENIE, TYPICAL)
    assert request.url == "https://api.opsgenie.com/v2/alerts"
    assert request.headers["Authorization"] == "GenieKey a-key"
    assert request.body == (
        b'{"alias":"node-a/disk","message":"disk full","description":"the disk of node-a is full\\nfree: 1 %\\n'
        b'https://ops.example.com/nodes/node-a?tab=disk&x=1","priority":"P2","source":"prod",'
        b'"details":{"provider":"ksyun","host":"node-a"}}'
    )


def test_the_region_says_which_address() -> None:
    assert asked("{type: opsgenie, apiKey: k, region: eu}", TYPICAL).url == "https://api.eu.opsgenie.com/v2/alerts"


def test_what_is_over_closes_the_alert_of_its_alias() -> None:
    request = asked(OPSGENIE, RESOLVED)
    assert request.url == "https://api.opsgenie.com/v2/alerts/node-a%2Fdisk/close?identifierType=alias"
    assert request.headers["Authorization"] == "GenieKey a-key"
    assert request.body == b'{"source":"ops-events","note":"[RESOLVED] disk full"}'


@pytest.mark.parametrize("key", ["..", ".", "a/../../b", "a?b#c", "a b%2Fc", "\u4e2d", "k" * 513])
def test_a_key_is_one_segment_of_the_path_whatever_it_is(key: str) -> None:
    alias = json.loads(asked(OPSGENIE, replace(TYPICAL, key=key)).body)["alias"]
    url = URL(asked(OPSGENIE, replace(RESOLVED, key=key)).url)  # as it is sent
    *before, segment, after = url.raw_path.split("/")
    assert (before, unquote(segment), after) == (["", "v2", "alerts"], alias, "close")
    assert url.query == {"identifierType": "alias"}


def test_without_a_key_the_delivery_is_the_alias_so_that_a_repeat_opens_no_other() -> None:
    assert json.loads(asked(OPSGENIE, replace(TYPICAL, key="")).body)["alias"] == IDENTITY


def test_what_is_over_without_a_key_cannot_be_told() -> None:
    assert isinstance(request_of(destination(OPSGENIE), replace(RESOLVED, key=""), NOW, IDENTITY), Impossible)


def test_fields_are_kept_while_there_is_room() -> None:
    fields = {f"{number:04}": "v" * 496 for number in range(22)}
    details = json.loads(asked(OPSGENIE, replace(TYPICAL, fields=fields)).body)["details"]
    assert len(details) == 16


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(202, "Delivered"), (401, "TryLater"), (403, "TryLater"), (404, "TryLater"), (422, "Refused"), (500, "TryLater")],
)
def test_its_answers_are_understood(status: int, outcome: str) -> None:
    assert told("opsgenie", status)[0] == outcome


def test_what_is_too_much_is_asked_for_later() -> None:
    assert told("opsgenie", 429, "", "9") == ("Busy", "the endpoint answered 429", 9.0)


def test_to_close_an_alert_that_is_not_there_is_done() -> None:
    answer = Answer(404, b'{"message":"Alert does not exist"}')
    assert judged("opsgenie", judge(answer), RESOLVED) == Delivered(answer)
