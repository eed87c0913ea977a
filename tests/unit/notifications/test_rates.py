from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from app.delivery.delivery import Received
from app.events.cloudevent import CloudEvent
from app.notifications.channel import types
from app.notifications.destinations.rates import PUBLISHED, Rate
from app.notifications.handing import Ways
from app.notifications.notification import Notification
from app.notifications.receivers import PREFIX, Receivers
from app.notifications.routing import configuration
from app.notifications.routing.configuration import Configuration, Receiver
from app.notifications.secrets.sealing import plain
from app.telemetry.metrics import Metrics
from tests.server.services import WRITTEN


def receiver(written: str, rate: str = "") -> Receiver:
    text = f"receivers: [{{name: r, destination: {written}{f', rate: {rate}' if rate else ''}}}]"
    return configuration.parse(text.encode()).receivers[0]


WEBHOOK = "{type: webhook, url: 'https://a'}"
MAIL = "{type: email, host: a, from: a@b.c, to: [a@b.c]}"


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        (WRITTEN["slack"], Rate(limit=10, per=10)),
        (WRITTEN["dingtalk"], Rate(limit=20, per=60)),
        (WRITTEN["wecom"], Rate(limit=20, per=60)),
        (WRITTEN["xiezuo"], Rate(limit=20, per=60)),
        (WRITTEN["teams"], Rate(limit=4, per=1)),
        (WRITTEN["telegram"], Rate(limit=20, per=60)),
        ("{type: telegram, token: '1:a', chat: '@channel'}", Rate(limit=20, per=60)),
        ("{type: telegram, token: '1:a', chat: '123'}", Rate(limit=10, per=10)),
        (WRITTEN["pagerduty"], None),
        (WRITTEN["opsgenie"], None),
        (WEBHOOK, None),
        (MAIL, None),
        ("{type: apprise, url: 'discord://1/2'}", None),
    ],
)
def test_without_a_rate_a_receiver_gets_what_its_service_takes(written: str, rate: Rate | None) -> None:
    assert receiver(written).allowed == rate
    assert receiver(written, "none").allowed is None
    assert receiver(written, "{limit: 3, per: 5m}").allowed == Rate(limit=3, per=300)


def test_the_rate_of_feishu_keeps_within_a_hundred_a_minute_and_five_a_second() -> None:
    rate = receiver(WRITTEN["feishu"]).allowed
    assert rate is not None
    assert rate.limit <= 5
    assert rate.limit * 60 / rate.per <= 100


def test_each_service_in_the_table_is_one_that_there_is() -> None:
    assert PUBLISHED.keys() <= {*types()}


def test_that_a_receiver_was_asked_for_its_rate_changes_nothing() -> None:
    asked, other = receiver(WRITTEN["slack"]), receiver(WRITTEN["slack"])
    assert asked.allowed
    assert asked == other
    assert repr(asked) == repr(other)
    assert plain(Configuration(receivers=(asked,))) == plain(Configuration(receivers=(other,)))


@pytest.mark.parametrize("rate", ["none", "{limit: 3, per: 5m}"])
def test_a_rate_is_kept_as_it_was_written(rate: str) -> None:
    one = Configuration(receivers=(receiver(WRITTEN["slack"], rate),))
    assert Configuration.model_validate(plain(one)) == one


@dataclass
class _Known:
    """Receivers, as far as they are asked for here."""

    by_key: dict[str, Receiver] = field(default_factory=dict)

    def receiver(self, key: str) -> Receiver | None:
        return self.by_key.get(key)


@pytest.mark.parametrize(
    ("written", "rate", "is_asked"),
    [
        (WEBHOOK, "", False),
        (WEBHOOK, "{limit: 1}", True),
        (WRITTEN["slack"], "", True),
        (WRITTEN["slack"], "none", False),
        (WRITTEN["pagerduty"], "", False),
    ],
)
def test_nothing_is_asked_where_nothing_is_held_back(written: str, rate: str, is_asked: bool) -> None:  # noqa: FBT001
    known = cast("Receivers", _Known({PREFIX + "r": receiver(written, rate)}))
    ways = Ways(known, cast("Any", None), cast("Any", None), Metrics(), lambda _: False)
    event = CloudEvent[Any](id="1", type="Notification", subject="ops.a", data={})
    deliveries = ways.at_once(Received(event, b""), {"r": None}, Notification())
    assert (deliveries is None) == is_asked
