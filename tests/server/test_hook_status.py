"""What the status of EventHooks custom resources says, from what real streams hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.delivery.outcome import Answer, Delivered, TryLater
from app.hooks.pauses import Pause
from streams.consumers import durable
from tests import crd
from tests.kubernetes import EVENTHOOKS, ApiServer, running_api
from tests.server.delivering import owed, park, publish
from tests.server.mirrors import change, resource, settled, side
from tests.server.reporting import TARGET, Clock, count, in_force, ready, report, seen, status

AN_ERROR = "the endpoint answered 503: hunter2 does not help"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_hook_in_force_is_ready_and_has_figures(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await report(here, clock)
        assert (ready(api)["status"], ready(api)["reason"]) == ("True", "InForce")
        told = status(api)
        told.pop("conditions")
        zeros = {"delivered": 0, "failed": 0, "deadLetters": 0, "parked": 0}
        assert told == {"observedGeneration": 1, "state": "active", **zeros}


async def test_deliveries_failures_and_dead_letters_are_told_as_they_are_counted(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    await count(client, Delivered(), Delivered(), TryLater(AN_ERROR, answer=Answer(503)), dead_letters=1)
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await report(here, clock)
        told = status(api)
        assert (told["delivered"], told["failed"], told["deadLetters"]) == (2, 1, 1)
        assert told["lastErrorTime"] == "1970-01-01T00:16:40Z"
        assert told["lastError"] == "the endpoint answered 503: *** does not help"
        delivered = dt.datetime.fromisoformat(told["lastDeliveryTime"])
        assert abs(dt.datetime.now(dt.UTC) - delivered) < dt.timedelta(minutes=1)
        await count(client, Delivered())
        await report(here, clock)
        assert status(api)["delivered"] == 3
        assert status(api)["lastError"], "an increment without a failure leaves the last one"


async def test_what_is_parked_and_since_when_is_told_and_no_more_once_it_is_delivered(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await park(client, "e1", "e2", key=TARGET)
        await report(here, clock)
        context = client.jetstream()
        stored = (await context.get_msg("ops-parked", 1)).time
        assert stored is not None
        assert status(api)["parked"] == 2
        assert status(api)["oldestPendingTime"] == stored.strftime("%Y-%m-%dT%H:%M:%SZ")
        await context.purge_stream("ops-parked")
        await report(here, clock)
        assert status(api)["parked"] == 0
        assert "oldestPendingTime" not in status(api)


async def test_what_a_drain_has_settled_is_parked_no_more_though_the_stream_holds_it(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await park(client, "e1", "e2", key=TARGET)
        context = client.jetstream()
        subscription = await context.pull_subscribe(f"ops-parked.{TARGET}", durable(TARGET), stream="ops-parked")
        (message,) = await subscription.fetch(1)
        await message.ack_sync()
        assert await owed(client, TARGET) == 1
        await report(here, clock)
        assert status(api)["parked"] == 1
        await subscription.unsubscribe()


async def test_what_an_ordered_hook_has_not_had_yet_is_told(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource(options={"ordered": "true"}))
        await here.until_in_force("ops.a")
        await client.jetstream().add_consumer("ops", here.hooks.targets.queue(TARGET).consumer)
        await publish(client, "e1", "e2", "e3")
        await report(here, clock)
        assert status(api)["parked"] == 3
        assert "oldestPendingTime" in status(api)


async def test_an_invalid_hook_says_what_is_wrong_and_what_is_in_force(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await report(here, clock)
        change(api, subject="nonsense", type="carrier-pigeon")
        api.create(EVENTHOOKS, resource("never", "nonsense"))
        await seen(here, api)
        await seen(here, api, "never")
        await report(here, clock)
        assert (ready(api)["status"], ready(api)["reason"], status(api)["observedGeneration"]) == (
            "False",
            "Invalid",
            2,
        )
        for part in ("spec.type: ", "spec.subject: ", "generation 1 stays in force"):
            assert part in ready(api)["message"]
        assert "nothing is in force" in ready(api, "never")["message"]
        assert "state" not in status(api, "never")
        change(api, subject="ops.b", type="webhook")
        await here.until_in_force("ops.b")
        await seen(here, api)
        await report(here, clock)
        assert (ready(api)["status"], status(api)["observedGeneration"]) == ("True", 3)


async def test_a_pause_is_told_with_who_began_it(client: Client, api: ApiServer, tmp_path: Path, clock: Clock) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await here.hooks.switch.pause("ns", "one", "maintenance")
        await report(here, clock)
        assert (status(api)["state"], ready(api)["status"], ready(api)["reason"]) == ("paused", "True", "Paused")
        assert "maintenance" in ready(api)["message"]
        await here.hooks.pauses.pause(TARGET, Pause(reason="410", by="endpoint", since="", generation=1))
        await report(here, clock)
        assert (status(api)["state"], ready(api)["status"], ready(api)["reason"]) == ("paused", "False", "EndpointGone")


async def test_a_hook_whose_secrets_cannot_be_read_says_so(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    other = [Fernet.generate_key().decode()]
    async with side(client, api, tmp_path) as here, side(client, api, tmp_path, keys=other) as there:
        await in_force(here, api)
        await settled(client, api, lambda: here.until_in_force("ops.a"))
        locked = here if here.hooks.registry.locked(TARGET) else there
        await report(locked, clock)
        assert (status(api)["state"], ready(api)["reason"]) == ("paused", "SecretsLocked")
        assert "SECRETS_KEY" in ready(api)["message"]


async def test_the_condition_is_since_when_it_became_so(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        here.custom.reporter._standing._now = lambda: 1_800_000_000.0 + clock.now
        api.set_status(EVENTHOOKS, "ns", "one", {"conditions": [{"type": "Theirs", "status": "True"}]})
        await seen(here, api)
        await report(here, clock)
        await report(here, clock)
        theirs, ours = status(api)["conditions"]
        assert theirs == {"type": "Theirs", "status": "True"}
        assert ours["lastTransitionTime"] == "2027-01-15T08:00:10Z"
        change(api, subject="ops.b")
        await here.until_in_force("ops.b")
        await report(here, clock)
        assert status(api)["conditions"][1]["lastTransitionTime"] == "2027-01-15T08:00:10Z"
        assert status(api)["conditions"][1]["observedGeneration"] == 2
        change(api, subject="nonsense")
        await seen(here, api)
        await report(here, clock)
        assert status(api)["conditions"][1]["lastTransitionTime"] == "2027-01-15T08:00:20Z"


async def test_what_is_written_is_what_the_definition_says(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    crd.govern(api)
    await count(client, Delivered(), TryLater("ö" * 1000), dead_letters=1)
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await park(client, "e1", key=TARGET)
        await here.hooks.switch.pause("ns", "one", "x" * 5000)
        await report(here, clock)
        told = status(api)
        assert set(told) == set(crd.SCHEMA["properties"]["status"]["properties"])
        assert len(told["lastError"].encode()) <= 1024
