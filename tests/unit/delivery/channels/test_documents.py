"""Where an event goes in Elasticsearch, and what is stored there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.delivery.channels.documents import Cluster, Place, cluster_of, index_of, lines_of, place_of
from app.delivery.delivery import Received, delivery_of
from app.events.cloudevent import CloudEvent
from tests.unit.delivery.doubles import target

FILTER = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"
DAY = dt.date(2026, 1, 9)


def lines(
    url: str = "http://h:9200/events/_doc",
    options: Mapping[str, str] | None = None,
    *,
    stored: float = 0,
    **event: Any,
) -> tuple[Any, Any]:
    """The action and the document of an event."""
    options = options or {}
    attributes = {"id": "e-1", "type": "T", "time": "2026-01-09T08:00:00+08:00", "data": {"a": 1}, **event}
    received = Received(CloudEvent[Any](**attributes), b"", stored=stored)
    first, second, rest = lines_of(delivery_of(received, target(url=url, options=options))).split(b"\n")
    assert rest == b""
    return json.loads(first), json.loads(second)


@pytest.mark.parametrize(
    ("url", "bulk", "index", "identifier"),
    [
        ("http://h:9200", "http://h:9200/_bulk", "", ""),
        ("http://h:9200/", "http://h:9200/_bulk", "", ""),
        ("https://h/events/_doc", "https://h/_bulk", "events", ""),
        ("https://h/events/_doc/", "https://h/_bulk", "events", ""),
        ("https://h/events/_doc/7", "https://h/_bulk", "events", "7"),
        ("https://h/events/_doc/a%2Fb/c", "https://h/_bulk", "events", "a/b/c"),
        ("https://h/es/v1/events-{date}/_doc", "https://h/es/v1/_bulk", "events-{date}", ""),
        ("https://h/es/", "https://h/es/_bulk", "", ""),
        ("https://h/_doc", "https://h/_bulk", "", ""),
        ("https://u:p%40@h/%3Cx%3E/_doc#part", "https://u:p%40@h/_bulk", "<x>", ""),
    ],
)
def test_a_url_says_where_bulk_requests_go_and_which_index_and_id(
    url: str, bulk: str, index: str, identifier: str
) -> None:
    assert place_of(url) == Place(f"{bulk}?{FILTER}", index, identifier)


def test_what_a_url_asks_for_is_asked_for_of_the_bulk_request_too() -> None:
    assert place_of("http://h/i/_doc?pipeline=p&refresh").bulk == f"http://h/_bulk?pipeline=p&refresh&{FILTER}"


def test_credentials_in_the_options_win_over_those_in_the_url() -> None:
    url = "http://in:url@h:9200/i/_doc"
    given = cluster_of(target(url=url, options={"username": "me", "password": "pä:ss"}))

    assert cluster_of(target(url=url)) == Cluster(f"http://in:url@h:9200/_bulk?{FILTER}", "")
    assert given == Cluster(f"http://h:9200/_bulk?{FILTER}", "Basic bWU6cMOkOnNz")
    assert cluster_of(target(url=url, options={"username": "me"})).authorization == "Basic bWU6"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("events", "events"),
        ("e-{date}", "e-2026.01.09"),
        ("e-{YYYY.MM.DD}", "e-2026.01.09"),
        ("e-{YYYY-MM-DD}", "e-2026-01-09"),
        ("e-{YYYYMMDD}", "e-20260109"),
        ("e-{YYYY.MM}", "e-2026.01"),
        ("e-{YYYY-MM}", "e-2026-01"),
        ("e-{YYYY}", "e-2026"),
        ("{YYYY}-{YYYY.MM}-{date}", "2026-2026.01-2026.01.09"),
        ("{yyyy}-{DD}", "{yyyy}-{DD}"),
    ],
)
def test_a_date_in_an_indexs_name_is_the_events(template: str, name: str) -> None:
    assert index_of(template, DAY) == name


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2026-01-09T00:00:00Z", "2026.01.09"),
        ("2026-01-09T07:59:59+08:00", "2026.01.08"),
        ("2026-01-09T23:00:00-05:00", "2026.01.10"),
        ("0999-01-01T00:00:00Z", "0999.01.01"),
        (None, "2020.09.13"),  # when the stream took it
        ("9999-12-31T23:59:59-12:00", "2020.09.13"),  # a time that UTC has no date for
    ],
)
def test_the_day_is_that_of_utc(time: str | None, day: str) -> None:
    action, _ = lines(options={"index": "e-{date}"}, time=time, stored=1600000000.5)

    assert action["create"]["_index"] == f"e-{day}"


def test_an_option_names_the_index_before_the_url_does() -> None:
    assert lines()[0]["create"]["_index"] == "events"
    assert lines(options={"index": "other"})[0]["create"]["_index"] == "other"
    assert lines(options={"index": ""})[0]["create"]["_index"] == "events"


def test_a_document_is_created_under_the_events_id() -> None:
    assert lines() == ({"create": {"_index": "events", "_id": "e-1"}}, {"a": 1})


def test_an_id_that_elasticsearch_would_not_take_is_replaced_by_one_that_is_always_the_same() -> None:
    longest, longer = "é" * 256, "é" * 256 + "x"
    made = [lines(id=each)[0]["create"]["_id"] for each in (longest, longer, longer, longer + "y")]

    assert made[0] == longest
    assert made[1] == made[2] != made[3]
    assert len(made[1]) == 36


@pytest.mark.parametrize(
    ("url", "given", "identifier"),
    [
        ("http://h/events/_doc/from-url", {}, "from-url"),
        ("http://h/events/_doc", {"id": "from-option"}, "from-option"),
        ("http://h/events/_doc/from-url", {"id": "from-option"}, "from-option"),
        ("http://h/events/_doc/from-url", {"id": ""}, "from-url"),
    ],
)
def test_under_an_id_that_is_given_the_newest_event_stays(url: str, given: dict[str, str], identifier: str) -> None:
    action, document = lines(url, given, stored=1600000000.25)

    assert action == {
        "index": {"_index": "events", "_id": identifier, "version": 1600000000250, "version_type": "external_gte"}
    }
    assert document == {"a": 1}


def test_an_event_of_unknown_age_takes_no_part_in_who_is_newest() -> None:
    assert lines("http://h/events/_doc/7")[0] == {"index": {"_index": "events", "_id": "7"}}


@pytest.mark.parametrize(
    ("data", "document"),
    [
        ({}, {}),
        ({"n": 12345678901234567890123, "f": 1.5, "s": 'line\n"two" é'}, None),
        ("text", {"data": "text"}),
        ([1, {"a": "b"}], {"data": '[1,{"a":"b"}]'}),
        (7, {"data": "7"}),
        (False, {"data": "false"}),
        (None, {}),
    ],
)
def test_data_is_the_document_and_what_is_no_object_stands_in_one(data: Any, document: Any) -> None:
    assert lines(data=data)[1] == (data if document is None else document)
