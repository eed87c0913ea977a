"""What the channel `event` publishes, and where it ends."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.delivery.channels.event import MOST_HOPS, Event, hops_of, subject_of
from app.delivery.delivery import Delivery, Received, delivery_of
from app.delivery.outcome import Delivered, Impossible, TryLater
from app.errors import TooLargeError, UnavailableError
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.events.subject import InvalidSubjectError
from app.jetstream.publish import Stored
from tests.unit.delivery.doubles import target

POD = "ops.clusters.default.namespaces.ops-system.pods.web-0.events"


class Publisher:
    """Keeps what is published."""

    def __init__(self, error: Exception | None = None) -> None:
        self.published: list[tuple[str, bytes, Mapping[str, str]]] = []
        self._error = error

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        if self._error:
            raise self._error
        self.published.append((subject, payload, headers))
        return Stored("ops", len(self.published), duplicate=False)

    @property
    def only(self) -> dict[str, Any]:
        ((_, payload, _),) = self.published
        read: dict[str, Any] = json.loads(payload)
        return read


def sent(payload: bytes, to: str = "alerts", subject: str = POD) -> Delivery:
    received = Received(cloudevent.read(payload), payload, subject=subject)
    return delivery_of(received, target(url=to, channel="event"))


def event(**attributes: Any) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "https://elsewhere.example/s",
            "type": "Kube",
            "subject": POD,
            "time": "2020-01-01T00:00:00Z",
            "datacontenttype": "application/json",
            "cluster": "default",
            "note": "kept",
            "data": {"b": 1.5, "a": 12345678901234567890123},
            **attributes,
        }
    ).encode()


@pytest.mark.parametrize(
    ("template", "source", "subject"),
    [
        ("ops.alerts", POD, "ops.alerts"),
        (
            "ops.clusters.*.namespaces.*.pods.*.alerts",
            POD,
            "ops.clusters.default.namespaces.ops-system.pods.web-0.alerts",
        ),
        ("ops.clusters.*.nodes.*.alerts", "ops.clusters.c.nodes.n_1.events", "ops.clusters.c.nodes.n_1.alerts"),
        ("ops.*.*", POD, "ops.clusters.default"),
        ("ops.a.b.*", POD, "ops.a.b.namespaces"),
        ("alerts", POD, POD.replace("events", "alerts")),
        ("alerts.disk", POD, POD.replace("events", "alerts.disk")),
        ("*.again", POD, f"{POD}.again"),
        ("opsalerts", "ops.a", "ops.opsalerts"),
        ("ops", "ops.a.b", "ops.a.ops"),
        ("ops.a", "", "ops.a"),
    ],
)
def test_a_template_makes_a_subject_of_the_source(template: str, source: str, subject: str) -> None:
    assert subject_of(template, source) == subject


@pytest.mark.parametrize(
    ("template", "source", "why"),
    [
        ("ops.a.b.*", "ops.a.b", "a \\* at place 4, the subject 'ops.a.b' 3 tokens"),
        ("alerts.*", "ops.a.b", "a \\* at place 4"),
        ("alerts", "", "empty token"),
        ("alerts", "ops", "empty token"),
        ("alerts", "other.a", "does not begin with ops"),
        ("ops.>", POD, "wildcard"),
        ("ops.a*", POD, "wildcard"),
        ("a b", POD, "white space"),
        ("", POD, "empty token"),
        ("ops..a", POD, "empty token"),
        ("x" * 1100, POD, "bytes long"),
    ],
)
def test_where_a_template_makes_no_subject_it_says_why(template: str, source: str, why: str) -> None:
    with pytest.raises(InvalidSubjectError, match=why):
        subject_of(template, source)


async def test_the_event_is_published_anew_with_all_that_it_holds() -> None:
    publisher = Publisher()
    before = dt.datetime.now(dt.UTC)

    assert await Event(publisher).send(sent(event())) == Delivered()

    ((subject, _, headers),) = publisher.published
    made = publisher.only
    assert subject == made["subject"] == POD.replace("events", "alerts")
    assert headers == {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": made["id"]}
    assert made["id"] != "1"
    assert before <= dt.datetime.fromisoformat(made["time"]) <= dt.datetime.now(dt.UTC)
    kept = {"source", "type", "datacontenttype", "cluster", "note", "data"}
    assert {key: made[key] for key in kept} == {key: json.loads(event())[key] for key in kept}
    assert made["opshops"] == 1
    assert made.keys() == {*kept, "specversion", "id", "time", "subject", "opshops"}


async def test_a_repeat_is_the_same_event_and_a_replay_another() -> None:
    publisher = Publisher()
    first = sent(event())
    others = [dataclasses.replace(first, replay=replay) for replay in ("r-1", "r-2", "r-2")]
    for each in (first, first, *others, sent(event(id="2")), sent(event(source="/other"))):
        await Event(publisher).send(each)

    one, again, replayed, second, repeated, *rest = [headers["Nats-Msg-Id"] for _, _, headers in publisher.published]
    assert one == again
    assert second == repeated
    assert len({one, replayed, second, *rest}) == 5


async def test_the_subject_that_it_was_stored_on_counts_not_what_the_event_says() -> None:
    publisher = Publisher()
    await Event(publisher).send(sent(event(subject="/a/path"), subject="ops.a.events"))

    assert publisher.only["subject"] == "ops.a.alerts"


async def test_an_event_that_came_in_binary_is_published_structured() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/s", "ce-type": "T", "ce-opshops": "3"}
    received = Received(cloudevent.read(b'{"n":1}', headers), b'{"n":1}', structured=False, subject="ops.a.b")
    publisher = Publisher()
    await Event(publisher).send(delivery_of(received, target(url="c")))

    assert publisher.only.items() >= {"source": "/s", "type": "T", "data": {"n": 1}, "opshops": 4}.items()


async def test_an_event_without_data_stays_one() -> None:
    payload = b'{"specversion":"1.0","id":"1","source":"/s","type":"T"}'
    publisher = Publisher()
    await Event(publisher).send(sent(payload))

    assert "data" not in publisher.only


async def test_an_event_that_goes_round_ends_after_eight_hops() -> None:
    publisher = Publisher()
    payload, outcomes = event(), []
    for _ in range(MOST_HOPS + 2):
        outcomes.append(await Event(publisher).send(sent(payload, to="events")))
        payload = publisher.published[-1][1]

    assert MOST_HOPS == 8
    assert outcomes[:MOST_HOPS] == [Delivered()] * MOST_HOPS
    assert outcomes[MOST_HOPS:] == [Impossible("loop: hooks have published the event anew 8 times")] * 2
    assert [json.loads(each)["opshops"] for _, each, _ in publisher.published] == list(range(1, 9))
    assert len({headers["Nats-Msg-Id"] for _, _, headers in publisher.published}) == MOST_HOPS


@pytest.mark.parametrize(
    ("told", "hops"),
    [
        (0, 0),
        (7, 7),
        ("7", 7),
        ("007", 7),
        (999999999, 999999999),
        (-1, 0),
        ("-1", 0),
        ("", 0),
        ("many", 0),
        ("٣", 0),
        ("²", 0),
        (1.5, 0),
        (True, 0),
        (None, 0),
        ([1], 0),
        ("9" * 5000, 0),
    ],
)
def test_hops_are_counted_where_they_are_a_count(told: Any, hops: int) -> None:
    assert hops_of(CloudEvent[Any](id="1", type="T", opshops=told)) == hops


async def test_a_subject_that_cannot_be_made_is_impossible() -> None:
    publisher = Publisher()
    outcome = await Event(publisher).send(sent(event(), to="ops.*.*.*.*", subject="ops.a"))

    assert outcome == Impossible("the url has a * at place 3, the subject 'ops.a' 2 tokens")
    assert not publisher.published


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (UnavailableError("NATS is not connected"), TryLater("NATS is not connected")),
        (TooLargeError("the event is 9 bytes too long"), Impossible("the event is 9 bytes too long")),
    ],
)
async def test_what_jetstream_does_not_take_is_told(error: Exception, outcome: TryLater | Impossible) -> None:
    assert await Event(Publisher(error)).send(sent(event())) == outcome
