"""Metrics of a running app: what dashboards and alerts ask for is there, whatever is away."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp
from nats.aio.client import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.test_hooks import create, post
from tests.app import App, hook, running_app
from tests.eyes import TARGET, expressions
from tests.kubernetes import running_api
from tests.promql import used
from tests.receiver import Receiver
from tests.servers import NatsServer

Samples = Mapping[str, Mapping[frozenset[tuple[str, str]], float]]


async def scrape(http: aiohttp.ClientSession, app: App) -> Samples:
    """Every sample, by name and labels."""
    async with http.get(f"{app.url}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name][frozenset(sample.labels.items())] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    """The value of a sample; 0 where there is none."""
    return samples.get(name, {}).get(frozenset(labels.items()), 0.0)


async def until(http: aiohttp.ClientSession, app: App, reached: Callable[[Samples], bool]) -> Samples:
    async with asyncio.timeout(30):
        while not reached(samples := await scrape(http, app)):  # noqa: ASYNC110 -- another process counts
            await asyncio.sleep(0.1)
    return samples


async def everything(http: aiohttp.ClientSession, app: App, receiver: Receiver, wire: Client) -> None:
    """Something of all that can happen."""
    await create(http, app, hook("works", receiver.url, "ops.clusters.*.namespaces.default.report"))
    await create(http, app, hook("away", "http://127.0.0.1:1/", "ops.clusters.*.namespaces.default.report"))
    await post(http, app, "report", {"message": "hello"})
    await receiver.wait_for(lambda: bool(receiver.calls))
    event = {"specversion": "1.0", "id": "e1", "source": "/s", "type": "mine", "subject": "ops.a", "data": {}}
    content = {"Content-Type": "application/cloudevents+json"}
    async with http.post(f"{app.url}/api/v1/events", data=json.dumps(event), headers=content) as response:
        assert response.status == 200
    async with http.get(f"{app.url}/api/v1/events", headers={"Host": "elsewhere.example"}) as response:
        assert response.status == 403
    await wire.jetstream().publish("ops.nothing", b"no event")


async def test_dashboards_and_alerts_ask_for_what_the_app_exports(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    stream = (await wire.jetstream().stream_info("ops")).config
    await wire.jetstream().update_stream(stream.evolve(max_bytes=1_000_000))  # as an operator may
    async with running_api() as api:
        environment = {
            "EVENT_ENDPOINT": provisioned.url,
            "KUBECONFIG": str(api.kubeconfig(tmp_path / "kubeconfig")),
            "CANARY_SECONDS": "1",
        }
        async with running_app(tmp_path / "app", **environment) as app:
            await everything(http, app, receiver, wire)
            samples = await until(http, app, _all_is_counted)
    for where, expression in expressions():
        for asked in used(expression):
            assert asked.metric in samples, (where, asked.metric)
            labels = {name for of in samples[asked.metric] for name, _ in of}
            assert asked.labels <= labels | TARGET, (where, asked.metric, asked.labels - labels)
    assert value(samples, "ops_events_stored_total", source="http", type="Default") == 1
    assert value(samples, "ops_events_stored_total", source="cloudevents", type="other") == 1
    assert value(samples, "ops_http_requests_total", method="GET", status="403") == 1
    assert value(samples, "ops_delivery_attempts_total", outcome="delivered", channel="webhook") == 1
    assert value(samples, "ops_stream_limit_bytes", stream="ops") == 1_000_000
    assert value(samples, "ops_queue_retention_headroom_seconds", queue="hooks") == 86_400
    assert value(samples, "ops_watch_live", watch="Hosts") == 1


def _all_is_counted(samples: Samples) -> bool:
    return bool(
        samples.get("ops_canary_seconds_count", {}).get(frozenset())
        and value(samples, "ops_breakers", state="closed")
        and value(samples, "ops_deliveries_parked_total", room="hooks")
        and value(samples, "ops_watch_live", watch="Hosts")
        and "ops_stream_limit_bytes" in samples
        and "ops_queue_oldest_age_seconds" in samples
    )


async def test_each_name_and_unit_is_by_the_conventions_and_no_label_is_a_users(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await everything(http, app, receiver, wire)
    await until(http, app, lambda samples: bool(value(samples, "ops_deliveries_parked_total", room="hooks")))
    async with http.get(f"{app.url}/metrics") as response:
        assert response.content_type == "text/plain"
        text = await response.text()
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.name.startswith(("ops_", "process_")), family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds"), family.name
        assert not any(unit in family.name for unit in ("_ms", "_millis", "_minutes", "_kb", "_mb")), family.name
    for users in ("works", "away", "report", "ops.a", "mine", "elsewhere", "127.0.0.1"):
        assert f'"{users}' not in text
    assert len(text) < 60_000


async def test_nats_that_is_away_fails_no_scrape(
    provisioned: NatsServer, app: App, http: aiohttp.ClientSession
) -> None:
    assert value(await scrape(http, app), "ops_nats_up") == 1
    await provisioned.kill()
    samples = await until(http, app, lambda samples: value(samples, "ops_nats_up") == 0)
    async with http.post(f"{app.url}/api/v1/namespaces/default/events/report", json={}) as response:
        assert response.status == 503
    samples = await scrape(http, app)
    assert value(samples, "ops_http_requests_total", method="POST", status="503") == 1
    await provisioned.start()
    await until(http, app, lambda samples: value(samples, "ops_nats_up") == 1)
    assert value(await scrape(http, app), "ops_nats_reconnects_total") >= 1


async def test_a_canary_arrives_fires_no_hook_and_there_is_one_however_many_send(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    environment = {"EVENT_ENDPOINT": provisioned.url, "CANARY_SECONDS": "1"}
    async with (
        running_app(tmp_path / "one", **environment) as one,
        running_app(tmp_path / "two", **environment) as two,
    ):
        await create(http, one, hook("all", receiver.url))
        arrived = _both(http, one, two, "ops_canary_seconds_count")
        await _reaches(arrived, 2)
        sent = await _both(http, one, two, "ops_canary_sent_total")()
        state = (await wire.jetstream().stream_info("ops", subjects_filter="ops.canary.>")).state
        assert abs(state.messages - sent) <= 1
        assert set(state.subjects or {}) == {"ops.canary.default"}
        message = await wire.jetstream().get_last_msg("ops", "ops.canary.default")
        assert json.loads(message.data or b"")["type"] == "Canary"
        await post(http, one, "report", {"message": "hello"})
        await receiver.wait_for(lambda: bool(receiver.calls))
        assert [call.text for call in receiver.calls] == ['{"message":"hello"}']
        async with http.get(f"{one.url}/api/v1/namespaces/ops-system/eventhooks") as response:
            assert "canary" not in await response.text()


def _both(http: aiohttp.ClientSession, one: App, two: App, name: str) -> Callable[[], Awaitable[float]]:
    async def total() -> float:
        return sum([value(await scrape(http, app), name) for app in (one, two)])

    return total


async def _reaches(total: Callable[[], Awaitable[float]], least: float) -> None:
    async with asyncio.timeout(30):
        while await total() < least:  # noqa: ASYNC110 -- other processes count
            await asyncio.sleep(0.2)


async def test_a_matcher_that_is_stuck_shows_by_canaries_that_do_not_arrive(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    environment = {"EVENT_ENDPOINT": provisioned.url, "CANARY_SECONDS": "1"}
    async with running_app(tmp_path / "door", **environment, ROLES="ingress") as door:
        await until(http, door, lambda samples: value(samples, "ops_canary_sent_total") >= 1)
        assert value(await scrape(http, door), "ops_canary_last_success_timestamp_seconds") == 0
        async with running_app(tmp_path / "hooks", **environment, ROLES="hooks") as matcher:
            samples = await until(http, matcher, lambda samples: value(samples, "ops_canary_seconds_count") >= 1)
            assert value(samples, "ops_canary_last_success_timestamp_seconds") > 0
            assert value(samples, "ops_canary_sent_total") == 0
