"""Traces: one event followed from the post to its receiver, through what happens to it on the way."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from nats.aio.client import Client

from tests.acceptance.test_hooks import HOOKS, create
from tests.acceptance.test_notifications import GROUPED, routes
from tests.acceptance.test_notifications import post as notify
from tests.app import App, hook, running_app
from tests.collector import Collector, Span, children, only, running_collector
from tests.receiver import Receiver
from tests.servers import NatsServer

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE}-b7ad6b7169203331-01"
URL = "/api/v1/namespaces/default/events/report"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with running_collector() as collector:
        yield collector


@pytest.fixture
async def traced(provisioned: NatsServer, tmp_path: Path, collector: Collector) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **collector.environment) as app:
        yield app


async def post(http: aiohttp.ClientSession, app: App, traceparent: str = SENT, **headers: str) -> None:
    sent = {"traceparent": traceparent, **headers} if traceparent else headers
    async with http.post(app.url + URL, json={"message": "hello"}, headers=sent) as response:
        assert response.status == 200, await response.text()


async def stored(wire: Client, stream: str, subject: str) -> tuple[dict[str, str], bytes]:
    """The newest message of a subject: its headers and its payload."""
    message = await wire.jetstream().get_last_msg(stream, subject)
    return message.headers or {}, message.data or b""


async def test_one_trace_leads_from_the_post_to_the_receiver(
    traced: App, http: aiohttp.ClientSession, receiver: Receiver, collector: Collector
) -> None:
    await create(http, traced, hook("one", receiver.url, "ops.clusters.*.namespaces.default.report"))
    await post(http, traced, tracestate="vendor=1")
    await collector.wait_for(lambda: len(collector.of(TRACE)) == 3)
    spans = collector.of(TRACE)
    ingest = only(children(spans, SENT), "ingest")
    match = only(children(spans, ingest), "match")
    deliver = only(children(spans, match), "deliver")
    assert [span.kind for span in (ingest, match, deliver)] == ["server", "consumer", "client"]
    said = deliver.attributes
    assert (said["ops.target"], said["ops.channel"]) == ("hooks.ops-system.one", "webhook")
    assert (said["ops.outcome"], said["http.response.status_code"]) == ("delivered", "200")
    assert said["messaging.destination.name"] == "ops.clusters.default.namespaces.default.report"
    assert receiver.url not in str(spans)
    assert (deliver.resource["service.name"], deliver.resource["service.version"]) == ("ops-events", "0.1.0")
    (call,) = receiver.calls
    assert call.headers["traceparent"] == deliver.context
    assert call.headers["tracestate"] == "vendor=1"


async def test_a_trace_goes_on_through_parking_a_restart_and_draining(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, collector: Collector, receiver: Receiver
) -> None:
    environment = {"EVENT_ENDPOINT": provisioned.url, **collector.environment}
    async with running_app(tmp_path / "app", **environment) as app:
        await create(http, app, hook("one", receiver.url, "ops.clusters.*.namespaces.default.report"))
        await receiver.close()
        await post(http, app)
        await collector.wait_for(lambda: any(span.name == "park" for span in collector.of(TRACE)))
    await receiver.open()
    async with running_app(tmp_path / "app", **environment):
        await collector.wait_for(lambda: any(_delivered(span) for span in collector.of(TRACE)))
    spans = collector.of(TRACE)
    match = only(spans, "match")
    first, parked = only(children(spans, match), "deliver"), only(children(spans, match), "park")
    assert (first.failed, first.attributes["error.type"], parked.failed) == (True, "try_later", False)
    *_, last = children(spans, parked)  # until the receiver was there, a probe may have failed
    assert _delivered(last)
    assert receiver.calls[-1].headers["traceparent"] == last.context


def _delivered(span: Span) -> bool:
    return span.attributes.get("ops.outcome") == "delivered"


async def test_a_dead_letter_keeps_its_trace_and_goes_on_with_it_when_it_is_redriven(
    traced: App, http: aiohttp.ClientSession, collector: Collector, wire: Client
) -> None:
    nowhere = "ops.*.*.*.*.*.*.*.*"  # there are not so many tokens: it cannot be delivered, now or ever
    await create(http, traced, hook("one", nowhere, "ops.clusters.*.namespaces.default.>", type="event"))
    await post(http, traced)
    await collector.wait_for(lambda: any(span.name == "give up" for span in collector.of(TRACE)))
    buried = only(children(collector.of(TRACE), only(collector.of(TRACE), "match")), "give up")
    headers, _ = await stored(wire, "ops-dead-letters", "ops-dead-letters.hooks.ops-system.one")
    assert headers["traceparent"] == buried.context
    async with http.post(f"{traced.url}{HOOKS}/one/deadletters/redrive", json={}) as response:
        assert response.status == 200, await response.text()
    await collector.wait_for(lambda: bool(children(collector.of(TRACE), buried)))
    assert "deliver" in {span.name for span in children(collector.of(TRACE), buried)}


async def test_what_is_stored_is_as_it_always_was_where_nothing_is_traced(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await create(http, app, hook("one", receiver.url, "ops.clusters.*.namespaces.default.report"))
    await post(http, app, traceparent="")
    headers, payload = await stored(wire, "ops", "ops.clusters.default.namespaces.default.report")
    assert set(headers) == {"Content-Type", "Nats-Msg-Id"}
    assert set(json.loads(payload)) == {
        *("specversion", "id", "source", "type", "subject", "datacontenttype", "time", "cluster", "data")
    }
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert "traceparent" not in {name.lower() for name in receiver.calls[0].headers}


async def test_a_context_that_a_client_sends_is_passed_on_where_tracing_is_off(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await create(http, app, hook("one", receiver.url, "ops.clusters.*.namespaces.default.report"))
    await post(http, app, tracestate="vendor=1")
    headers, payload = await stored(wire, "ops", "ops.clusters.default.namespaces.default.report")
    assert (headers["traceparent"], headers["tracestate"]) == (SENT, "vendor=1")
    event = json.loads(payload)
    assert (event["traceparent"], event["tracestate"], event["data"]) == (SENT, "vendor=1", {"message": "hello"})
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert receiver.calls[0].headers["traceparent"] == SENT
    await post(http, app, traceparent="00-nonsense")
    headers, _ = await stored(wire, "ops", "ops.clusters.default.namespaces.default.report")
    assert "traceparent" not in headers


async def test_what_is_not_chosen_leaves_no_trace_and_tells_the_next_one_so(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver, collector: Collector
) -> None:
    ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    chosen = {**collector.environment, **ratio}
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **chosen) as app:
        await create(http, app, hook("one", receiver.url, "ops.clusters.*.namespaces.default.report"))
        await post(http, app, traceparent="")
        await post(http, app, traceparent=f"{SENT[:-2]}00")
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        await post(http, app)
        await collector.wait_for(lambda: len(collector.spans) == 3)
    assert "traceparent" not in receiver.calls[0].headers
    assert receiver.calls[1].headers["traceparent"] == f"{SENT[:-2]}00"
    assert {span.trace for span in collector.spans} == {TRACE}


async def test_an_event_of_another_program_goes_on_with_the_trace_that_it_says(
    traced: App, http: aiohttp.ClientSession, collector: Collector, wire: Client
) -> None:
    event = {"specversion": "1.0", "id": "e1", "source": "/s", "type": "t", "subject": "ops.a", "traceparent": SENT}
    content = {"Content-Type": "application/cloudevents+json"}
    async with http.post(f"{traced.url}/api/v1/events", data=json.dumps(event), headers=content) as response:
        assert response.status == 200, await response.text()
    await collector.wait_for(lambda: len(collector.of(TRACE)) == 1)
    spans = collector.of(TRACE)
    headers, payload = await stored(wire, "ops", "ops.a")
    assert headers["traceparent"] == only(children(spans, SENT), "ingest").context
    assert json.loads(payload) == event


async def test_each_event_of_a_batch_has_a_trace_of_its_own_with_a_link_to_the_batch(
    traced: App, http: aiohttp.ClientSession, collector: Collector
) -> None:
    events: list[dict[str, object]] = [
        {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": "t", "subject": "ops.a", "data": {}}
        for number in range(3)
    ]
    brought = f"00-{'c' * 32}-{'d' * 16}-01"
    events.append({**events[0], "id": "e3", "traceparent": brought})
    content = {"Content-Type": "application/cloudevents-batch+json", "traceparent": SENT}
    async with http.post(f"{traced.url}/api/v1/events", data=json.dumps(events), headers=content) as response:
        assert response.status == 200, await response.text()
    await collector.wait_for(lambda: len(collector.spans) == 5)
    (own,) = collector.of("c" * 32)
    assert (own.parent, own.attributes["messaging.message.id"]) == ("d" * 16, "e3")
    batch = only(collector.spans, "ingest batch")
    assert (batch.trace, batch.attributes["messaging.batch.message_count"]) == (TRACE, "4")
    published = [span for span in collector.spans if span.name == "publish" and span is not own]
    assert len({span.trace for span in published} | {TRACE}) == 4
    assert {span.links for span in published} == {((TRACE, batch.id),)}
    assert {span.attributes["messaging.message.id"] for span in published} == {"e0", "e1", "e2"}


async def test_an_event_that_a_hook_publishes_anew_stays_in_the_trace(
    traced: App, http: aiohttp.ClientSession, receiver: Receiver, collector: Collector
) -> None:
    await create(http, traced, hook("again", "ops.again", "ops.clusters.*.namespaces.default.report", type="event"))
    await create(http, traced, hook("one", receiver.url, "ops.again"))
    await post(http, traced)
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    await collector.wait_for(lambda: len(collector.of(TRACE)) == 5)
    spans = collector.of(TRACE)
    again, last = (span for span in spans if span.name == "deliver")
    if again.attributes["ops.channel"] != "event":
        again, last = last, again
    assert children(spans, only(children(spans, again), "match")) == [last]


async def test_the_message_of_a_group_has_links_to_what_it_tells(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver, collector: Collector
) -> None:
    environment = {**routes(tmp_path, GROUPED.replace("3s", "1s"), url=receiver.url), **collector.environment}
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **environment) as app:
        for key in ("a", "b"):
            await notify(http, app, message="full", key=key, cluster="prod")
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        await collector.wait_for(lambda: any(span.name == "deliver" for span in collector.spans))
    told = only(collector.spans, "tell group")
    routed = {(span.trace, span.id) for span in collector.spans if span.name == "route"}
    assert len(routed) == 2
    assert set(told.links) == routed
    spans = collector.of(told.trace)
    deliver = only(children(spans, only(children(spans, told), "park")), "deliver")
    assert receiver.calls[0].headers["traceparent"] == deliver.context


async def test_a_collector_that_is_away_holds_up_nothing(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    nowhere = Collector().environment
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **nowhere) as app:
        await create(http, app, hook("one", receiver.url, "ops.clusters.*.namespaces.default.report"))
        await post(http, app)
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        async with asyncio.timeout(20):
            assert await app.stop() == -signal.SIGTERM  # as ever after a clean end
        print(app.log)
