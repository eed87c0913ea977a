from __future__ import annotations

from typing import Any

import pytest

from app.delivery.delivery import Received
from app.events.cloudevent import CloudEvent
from app.notifications.compose import GROUP_TYPE, notice_of
from app.notifications.groups.state import GroupState
from app.notifications.groups.telling import Item, decide
from app.notifications.groups.terms import Terms

SUBJECT = "ops.notifications.providers.ksyun.channels.disk.severities.error"


def received(data: Any, kind: str = "Notification", subject: str = SUBJECT) -> Received:
    event = CloudEvent[Any](id="1", type=kind, subject=subject, cluster="here", data=data)
    return Received(event, b"", subject=subject)


def test_title_message_severity_link_key_and_the_rest_are_found() -> None:
    data = {
        "title": "disk",
        "message": "it is full",
        "severity": "said otherwise",
        "link": "https://example.com/a",
        "key": "node-a",
        "status": "Resolved",
        "cluster": "prod",
        "host": "node-a",
        "size": 5,
        "empty": "",
        "none": None,
    }
    notice = notice_of(received(data))
    assert (notice.title, notice.message, notice.severity) == ("disk", "it is full", "error")
    assert (notice.link, notice.key, notice.resolved, notice.source) == (
        "https://example.com/a",
        "node-a",
        True,
        "prod",
    )
    assert notice.fields == {"provider": "ksyun", "channel": "disk", "host": "node-a", "size": "5"}


def test_without_a_title_the_first_line_is_one() -> None:
    notice = notice_of(received({"message": "the disk is full\nof node-a"}))
    assert (notice.title, notice.message) == ("the disk is full", "the disk is full\nof node-a")
    assert notice_of(received({"message": "one line"})).message == ""


def test_without_either_the_data_is_said() -> None:
    assert notice_of(received({"a": 1})).title == '{"a":1}'
    assert notice_of(received("text")).title == "text"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://a", "//a", "", {"a": 1}])
def test_only_links_of_the_web_are_links(link: Any) -> None:
    assert notice_of(received({"title": "a", "link": link})).link == ""


def test_the_cluster_of_the_event_is_the_source_where_the_data_names_none() -> None:
    assert notice_of(received({"title": "a"})).source == "here"


def group(*data: dict[str, Any], terms: Terms | None = None, reminder: bool = False) -> Any:
    """What is said of a group with these notifications."""
    items = [
        Item(number, str(number), named=False, notice=notice_of(received(one))) for number, one in enumerate(data, 1)
    ]
    found = decide(GroupState(), items, len(items), terms or Terms(by={"cluster": "prod"}), 1.0).data
    return notice_of(received({**(found or {}), "reminder": reminder}, GROUP_TYPE, "ops.notifications.groups.r"))


def test_a_group_of_one_says_what_that_one_says() -> None:
    notice = group({"title": "disk", "message": "full", "link": "https://a", "host": "x"})
    assert (notice.title, notice.message, notice.link) == ("disk", "full", "https://a")
    assert notice.fields["host"] == "x"
    assert notice.key  # the group's, so that its recovery finds it


def test_a_group_of_several_counts_and_lists_them() -> None:
    notice = group({"title": "a", "message": "one\ntwo"}, {"title": "b", "link": "https://b"})
    assert notice.title == "2 notifications, cluster prod: 2 error"
    assert notice.message == "[ERROR] a: one\n[ERROR] b"
    assert (notice.link, notice.fields) == ("https://b", {"cluster": "prod"})


def test_a_reminder_says_that_it_is_one() -> None:
    assert group({"title": "a"}, reminder=True).title == "still so: a"
    assert group({"title": "a"}, {"title": "b"}, reminder=True).title.startswith("still so: 2 notifications")


def test_a_summary_says_what_was_held_back() -> None:
    terms = Terms(held="5 in 1m")
    assert group({"title": "a"}, {"title": "b"}, terms=terms).title == (
        "2 notifications held back (at most 5 in 1m): 2 error"
    )


def test_one_that_was_held_back_alone_is_told_as_itself() -> None:
    held = group({"title": "a", "message": "b", "key": "node-a"}, terms=Terms(held="5 in 1m"))
    assert (held.title, held.message, held.key) == ("a", "b", "node-a")


def test_a_long_first_line_is_told_whole() -> None:
    notice = notice_of(received({"message": "x" * 5_000}))
    assert len(notice.title) == 120
    assert notice.message == "x" * 5_000


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\x00b\x07c\x7f\x9b", "abc"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("half of one: \ud83d", "half of one: ?"),
        ("both: \U0001f525", "both: \U0001f525"),
    ],
)
def test_a_text_is_made_such_that_every_service_can_take_it(given: str, shown: str) -> None:
    data = {"title": "a", "message": given, "key": given, "more": given}
    notice = notice_of(received(data))
    assert (notice.message, notice.key, notice.fields["more"]) == (shown, shown, shown)


def test_a_link_is_one_word_without_what_ends_markup() -> None:
    notice = notice_of(received({"title": "a", "link": ' https://a.example/b c?d=">\n<x '}))
    assert notice.link == "https://a.example/b%20c?d=%22%3E%0A%3Cx"


def test_a_link_that_no_browser_follows_is_none() -> None:
    assert notice_of(received({"title": "a", "link": "https://a.example/" + "b" * 2_000})).link == ""
