"""How a hook is doing, put together from the server and from every process that answers."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from starlette.types import ASGIApp

from app.delivery.ledger.counts import Counts
from app.delivery.ledger.live import LiveState, Respondent
from app.delivery.ledger.statistics import StatisticsReader
from app.delivery.ledger.writer import AttemptLedger
from app.delivery.outcome import Answer, Delivered, TryLater
from app.delivery.records import Attempt
from app.ingress.statistics import StatisticsEndpoints
from app.ingress.table.delivery_operations import statistics_operations
from app.ingress.table.routes import http_app
from app.ingress.target import HookPaths
from app.jetstream.publish import JetStreamPublisher
from app.jetstream.read import StreamReader
from app.telemetry.metrics import Metrics
from streams import consumers
from tests.asgi import ask
from tests.server.records import OTHER, TARGET, bury, park
from tests.servers import NatsServer, settle

URL = "/api/v1/namespaces/ops-system/eventhooks/pod-errors/stats"
PROMPTLY = 10.0  # seconds: far more than anything here takes

Join = Callable[[str, LiveState | None], Coroutine[Any, Any, None]]


@pytest.fixture
def pauses() -> dict[str, Any]:
    return {}


@pytest.fixture
def app(client: Client, pauses: dict[str, Any]) -> ASGIApp:
    reader = StatisticsReader(StreamReader(lambda: client))
    endpoints = StatisticsEndpoints(reader, pauses.get, HookPaths(lambda _, name: name == "pod-errors"))
    return http_app(statistics_operations(endpoints), [], None)


@pytest.fixture
async def join(nats_server: NatsServer) -> AsyncIterator[Join]:
    """Lets processes answer, each over a connection of its own."""
    async with AsyncExitStack() as stack:

        async def joining(replica: str, state: LiveState | None) -> None:
            client = await nats.connect(nats_server.url)
            stack.push_async_callback(client.close)
            await Respondent(replica, {TARGET: state}.get).listen(client)
            await settle(client)

        yield joining


async def write(client: Client, *attempts: Attempt, dead_letters: int = 0) -> None:
    """What one process writes down."""
    publish, counts = JetStreamPublisher(), Counts()
    await publish.listen(client)
    ledger = AttemptLedger(publish, counts, Metrics(), lambda _, text: text)
    for attempt in attempts:
        ledger.record(attempt)
    if dead_letters:
        counts.add("dead-letters", TARGET, dead_letters)
    await ledger.close(PROMPTLY)


def attempt(at: float, status: int = 200, target: str = TARGET) -> Attempt:
    answer = Answer(status)
    outcome = Delivered(answer) if status == 200 else TryLater(f"the endpoint answered {status}", None, answer)
    return Attempt(target, "d1", "e1", "ops.a", 1, at, 0.0, 1, outcome)


def state(**changes: Any) -> LiveState:
    plain = {"breaker": "closed", "since": 1795409000.0, "in_flight": 1, "queued": 2, "delivered": 10, "failed": 3}
    return LiveState(**{**plain, **changes})


async def test_a_hook_that_nothing_has_happened_to_is_well(app: ASGIApp) -> None:
    assert (await ask(app, "GET", URL)).data == {
        "delivered": 0,
        "failed_attempts": 0,
        "dead_letters": 0,
        "dead_letters_total": 0,
        "parked": 0,
        "oldest_pending_seconds": None,
        "retention_seconds": 24 * 3600,
        "breaker": "closed",
        "breaker_since": None,
        "in_flight": 0,
        "queued": 0,
        "paused": None,
        "last_error": None,
        "replicas": [],
    }


async def test_totals_are_those_of_all_processes(client: Client, app: ASGIApp) -> None:
    await write(client, attempt(1), attempt(2), attempt(3, 503), attempt(9, target=OTHER))
    await write(client, attempt(4), attempt(5, 500), attempt(6, 500), dead_letters=2)

    found = (await ask(app, "GET", URL)).data
    assert (found["delivered"], found["failed_attempts"], found["dead_letters_total"]) == (3, 3, 2)


async def test_an_increment_that_is_stored_twice_within_the_window_counts_once(client: Client, app: ASGIApp) -> None:
    for _ in range(2):
        increment = {"Nats-Incr": "+5", "Nats-Msg-Id": "same"}
        await client.request(f"ops-counts.delivered.{TARGET}", b"", headers=increment)
    assert (await ask(app, "GET", URL)).data["delivered"] == 5


async def test_the_last_error_outlives_the_process_that_met_it(client: Client, app: ASGIApp) -> None:
    await write(client, attempt(1795409370.5, 503), attempt(1795409380))
    assert (await ask(app, "GET", URL)).data["last_error"] == {
        "at": "2026-11-23T04:49:30.500Z",
        "reason": "the endpoint answered 503",
        "status": 503,
    }


async def test_dead_letters_are_those_that_wait(client: Client, app: ASGIApp) -> None:
    await bury(client, 1)
    letter = await bury(client, 2)
    await bury(client, 3, OTHER)
    await client.jetstream().delete_msg("ops-dead-letters", letter)
    assert (await ask(app, "GET", URL)).data["dead_letters"] == 1


async def test_what_nobody_has_begun_to_drain_is_parked(client: Client, app: ASGIApp) -> None:
    before = time.time()
    await park(client, 1)
    await park(client, 2)
    await park(client, 3, OTHER)

    found = (await ask(app, "GET", URL)).data
    assert found["parked"] == 2
    assert 0 <= found["oldest_pending_seconds"] <= time.time() - before + 1


async def test_what_was_drained_is_no_longer_parked(client: Client, app: ASGIApp) -> None:
    context = client.jetstream()
    await park(client, 1)
    await client.flush()
    for number in range(2, 6):
        await park(client, number)
    await context.add_consumer("ops-parked", consumers.parked_drain(TARGET, 1))
    drain = await context.pull_subscribe_bind(consumers.durable(TARGET), stream="ops-parked")
    messages = await drain.fetch(4)
    for message in (messages[0], messages[1], messages[3]):  # one in the middle fails, and the last was not begun
        await message.ack_sync()

    found = (await ask(app, "GET", URL)).data
    assert found["parked"] == 2
    oldest = time.time() - messages[2].metadata.timestamp.timestamp()
    assert found["oldest_pending_seconds"] == pytest.approx(oldest, abs=1)

    await messages[2].ack_sync()
    await (await drain.fetch(1))[0].ack_sync()
    found = (await ask(app, "GET", URL)).data
    assert (found["parked"], found["oldest_pending_seconds"]) == (0, None)


async def test_an_ordered_hook_owes_what_it_has_not_read_of_the_stream(client: Client, app: ASGIApp) -> None:
    context = client.jetstream()
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    await context.add_consumer("ops", consumers.ordered(TARGET, "ops.*.events", start, 1))
    for subject in ("ops.a.events", "ops.a.status", "ops.b.events"):
        await context.publish(subject, b"{}")
    await park(client, 1)

    found = (await ask(app, "GET", URL)).data
    assert found["parked"] == 3
    assert found["oldest_pending_seconds"] is not None
    assert found["retention_seconds"] == 24 * 3600


async def test_the_retention_is_the_servers_own(client: Client, app: ASGIApp) -> None:
    config = (await client.jetstream().stream_info("ops-parked")).config
    await client.jetstream().update_stream(config.evolve(max_age=3600.0))
    assert (await ask(app, "GET", URL)).data["retention_seconds"] == 3600


async def test_every_process_answers_and_the_worst_is_shown_first(app: ASGIApp, join: Join) -> None:
    await join("b", state(breaker="open", since=1795409300.0, in_flight=0, queued=5, last_error="down"))
    await join("a", state())
    await join("c", None)

    found = (await ask(app, "GET", URL)).data
    assert (found["breaker"], found["breaker_since"]) == ("open", "2026-11-23T04:48:20.000Z")
    assert (found["in_flight"], found["queued"]) == (1, 7)
    assert found["replicas"] == [
        {
            "replica": "a",
            "breaker": "closed",
            "breaker_since": "2026-11-23T04:43:20.000Z",
            "in_flight": 1,
            "queued": 2,
            "delivered": 10,
            "failed_attempts": 3,
        },
        {
            "replica": "b",
            "breaker": "open",
            "breaker_since": "2026-11-23T04:48:20.000Z",
            "in_flight": 0,
            "queued": 5,
            "delivered": 10,
            "failed_attempts": 3,
        },
        {
            "replica": "c",
            "breaker": "closed",
            "breaker_since": None,
            "in_flight": 0,
            "queued": 0,
            "delivered": 0,
            "failed_attempts": 0,
        },
    ]


async def test_an_error_that_was_not_written_down_yet_is_the_newest(client: Client, app: ASGIApp, join: Join) -> None:
    await write(client, attempt(1795409370.5, 503))
    await join("a", state(last_error="refused", last_error_at=1795409371.0, last_error_status=None))
    assert (await ask(app, "GET", URL)).data["last_error"] == {
        "at": "2026-11-23T04:49:31.000Z",
        "reason": "refused",
        "status": None,
    }


async def test_a_process_that_answers_something_else_or_nothing_is_passed_over(
    client: Client, app: ASGIApp, join: Join
) -> None:
    async def garbage(message: Msg) -> None:
        await message.respond(b'{"replica": 1}')

    async def silence(_: Msg) -> None: ...

    await client.subscribe("ops-live.>", cb=garbage)
    await client.subscribe("ops-live.>", cb=silence)
    await settle(client)
    await join("a", state())
    assert [one["replica"] for one in (await ask(app, "GET", URL)).data["replicas"]] == ["a"]


async def test_a_paused_hook_says_why(app: ASGIApp, pauses: dict[str, Any]) -> None:
    pauses[TARGET] = SimpleNamespace(reason="410", by="endpoint", since="2026-11-23T04:49:31Z", generation=3)
    assert (await ask(app, "GET", URL)).data["paused"] == {
        "reason": "410",
        "by": "endpoint",
        "since": "2026-11-23T04:49:31Z",
    }


@pytest.mark.parametrize("name", ["nobody", "*", "pod-errors.more"])
async def test_a_hook_that_is_not_there_is_not_found(app: ASGIApp, name: str) -> None:
    assert (await ask(app, "GET", f"/api/v1/namespaces/ops-system/eventhooks/{name}/stats")).status == 404


async def test_while_the_server_is_away_it_says_so(client: Client, app: ASGIApp, nats_server: NatsServer) -> None:
    await client.flush()
    await nats_server.kill()
    answer = await ask(app, "GET", URL)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
