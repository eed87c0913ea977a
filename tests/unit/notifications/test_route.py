from __future__ import annotations

from typing import Any

import pytest

from app.notifications.notification import Notification, notification_of
from app.notifications.routing import severity
from app.notifications.routing.condition import values_at
from app.notifications.routing.configuration import Configuration, parse
from app.notifications.routing.route import routed
from app.notifications.routing.wording import written

RECEIVERS = "receivers:\n" + "".join(
    f"- {{name: {name}, destination: {{type: slack, url: https://x.example/{name}}}}}\n" for name in "abcdef"
)

TREE = f"""{RECEIVERS}
default: f
routes:
- match: {{provider: ksyun}}
  receivers: [a]
  routes:
  - match: {{severity: {{atLeast: error}}}}
    receivers: [b]
    continue: true
  - match: {{channel: [webhook, mail]}}
    receivers: [c, a]
  - match: {{data: {{team: silent}}}}
    routes:
    - match: {{severity: debug}}
- match: {{data: {{labels.team: [x, y]}}}}
  receivers: [d]
  continue: true
- match: {{severity: {{not: [info, debug]}}, provider: {{not: aliyun}}, data: {{labels.team: {{not: y}}}}}}
  receivers: [e, d]
"""


@pytest.fixture(scope="module")
def tree() -> Configuration:
    return parse(TREE.encode())


@pytest.mark.parametrize(
    ("notification", "receivers", "by"),
    [
        (Notification("ksyun", "xiezuo", "info"), "a", ["routes[0]"]),
        (Notification("ksyun", "xiezuo", "error"), "b", ["routes[0].routes[0]"]),
        (Notification("ksyun", "mail", "critical"), "bca", ["routes[0].routes[0]", "routes[0].routes[1]"]),
        (Notification("ksyun", "mail", "info"), "ca", ["routes[0].routes[1]"]),
        (Notification("KSYUN", "mail", "info"), "f", []),
        (Notification("ksyun", "x", "ERROR"), "b", ["routes[0].routes[0]"]),
        (Notification("ksyun", "x", "fatal"), "a", ["routes[0]"]),
        (Notification("ksyun", "x", "debug", {"team": "silent"}), "a", ["routes[0].routes[2].routes[0]"]),
        (Notification("ksyun", "x", "info", {"team": "silent"}), "a", ["routes[0].routes[2]"]),
        (Notification("slack", "x", "info", {"labels": {"team": "x"}}), "d", ["routes[1]"]),
        (Notification("slack", "x", "error", {"labels": {"team": "x"}}), "de", ["routes[1]", "routes[2]"]),
        (Notification("slack", "x", "error", {"labels": {"team": ["z", "y"]}}), "d", ["routes[1]"]),
        (Notification("slack", "x", "error"), "ed", ["routes[2]"]),
        (Notification("aliyun", "x", "error"), "f", []),
        (Notification(), "ed", ["routes[2]"]),
    ],
)
def test_a_notification_goes_where_the_tree_says(
    tree: Configuration, notification: Notification, receivers: str, by: list[str]
) -> None:
    found = routed(tree, notification)
    assert "".join(found.receivers) == receivers
    assert [written(taken.path) for taken in found.by] == by


def test_without_a_default_what_no_route_takes_is_unrouted() -> None:
    assert routed(parse(RECEIVERS.encode()), Notification("x")) == ((), ())


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (
            "ops.notifications.providers.ksyun.channels.webhook.severities.error",
            Notification("ksyun", "webhook", "error"),
        ),
        (
            "ops.notifications.providers.ks_yun.channels.web%5Fhook.severities.%E4%BA%8B",
            Notification("ks.yun", "web_hook", "事"),
        ),
        ("ops.notifications.providers.ksyun", Notification("ksyun")),
        ("ops.notifications.providers.ksyun.channels", Notification("ksyun")),
        ("ops.notifications.severities.error", Notification(severity="error")),
        ("ops.notifications.anything.else", Notification()),
    ],
)
def test_the_address_is_the_subject(subject: str, expected: Notification) -> None:
    assert notification_of(subject, None) == expected


def test_what_the_data_says_of_the_address_does_not_count() -> None:
    address = "ops.notifications.providers.ksyun.channels.webhook.severities.error"
    found = notification_of(address, {"severity": "info", "more": 1})
    assert (found.severity, found.data["more"]) == ("error", 1)


@pytest.mark.parametrize(
    ("data", "field", "values"),
    [
        ({"a": "x"}, "a", ("x",)),
        ({"a": {"b": "x"}}, "a.b", ("x",)),
        ({"a.b": "x", "a": {"b": "y"}}, "a.b", ("x",)),
        ({"a.b": {"c": "x"}, "a": {"b": {"c": "y"}}}, "a.b.c", ("x",)),
        ({"a": {"b.c": "x"}}, "a.b.c", ("x",)),
        ({"a.b": "x", "a": {"b": {"c": "y"}}}, "a.b.c", ("y",)),
        ({"a": ["x", 1, True, None, {}, []]}, "a", ("x", "1", "true")),
        ({"a": 1.5}, "a", ("1.5",)),
        ({"a": None}, "a", ()),
        ({"a": {}}, "a", ()),
        ({}, "a.b", ()),
        ({"a": "x"}, "a.b", ()),
        ({"": "x"}, "", ("x",)),
    ],
)
def test_fields_of_the_data_are_read_as_text(data: dict[str, Any], field: str, values: tuple[str, ...]) -> None:
    assert values_at(data, field) == values


def test_severities_have_an_order_and_unknown_ones_reach_no_bound() -> None:
    for place, bound in enumerate(severity.ORDER):
        assert [severity.is_at_least(one, bound) for one in severity.ORDER] == [False] * place + [True] * (5 - place)
    assert not severity.is_at_least("fatal", "debug")
    assert severity.is_at_least("Critical", "error")
