"""The status of EventHooks custom resources, from what real streams hold, written to an API over HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.delivery import figures
from app.delivery.counts import Counts
from app.delivery.ledger import AttemptLedger
from app.delivery.outcome import Answer, Delivered, Outcome, TryLater
from app.delivery.records import Attempt
from app.errors import UnavailableError
from app.hooks import status_reporter
from app.hooks.pauses import Pause
from app.jetstream.ending import end
from app.jetstream.publish import JetStreamPublisher
from app.telemetry.metrics import Metrics
from streams.consumers import durable
from tests import crd
from tests.kubernetes import EVENTHOOKS, ApiServer, Object, answering, asking, running_api
from tests.server.buckets import until
from tests.server.delivering import owed, park, publish
from tests.server.mirrors import Side, change, resource, settled, side, written
from tests.servers import NatsServer

TARGET = "hooks.ns.one"
AN_ERROR = "the endpoint answered 503: hunter2 does not help"


class Clock:
    """Seconds, as a test lets them pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _hastily(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_reporter, "_APART", 0.0)


async def count(client: Client, *outcomes: Outcome, target: str = TARGET, dead_letters: int = 0) -> None:
    """What a process writes down of attempts, and of deliveries that it gave up."""
    publisher, counts = JetStreamPublisher(), Counts()
    await publisher.listen(client)
    ledger = AttemptLedger(publisher, counts, Metrics(), lambda _, text: text)
    for number, outcome in enumerate(outcomes):
        ledger.record(Attempt(target, f"d{number}", f"e{number}", "ops.a", number, 1000.0, 0.5, 1, outcome))
    if dead_letters:
        counts.add("dead-letters", target, dead_letters)
    await ledger.close(10)


async def report(here: Side, clock: Clock, seconds: float = status_reporter.EVERY) -> None:
    """A round, some time after the last one."""
    clock.now += seconds
    here.custom.reporter._clock = clock
    await here.custom.reporter.report()


async def seen(here: Side, api: ApiServer, name: str = "one") -> None:
    """Until the watch has told of the last change."""
    version = api.get(EVENTHOOKS, "ns", name)["metadata"]["resourceVersion"]
    originals = here.custom.reporter._originals
    await until(lambda: (known := originals.get(f"ns.{name}")) is not None and known.version == version)


def status(api: ApiServer, name: str = "one") -> Object:
    found: Object = api.get(EVENTHOOKS, "ns", name).get("status", {})
    return found


def ready(api: ApiServer, name: str = "one") -> Object:
    (condition,) = status(api, name)["conditions"]
    found: Object = condition
    return found


def patches(api: ApiServer) -> int:
    return sum(call.verb == "patch" for call in api.calls)


async def in_force(here: Side, api: ApiServer, *names: str) -> None:
    for name in names or ("one",):
        api.create(EVENTHOOKS, resource(name))
    for name in names or ("one",):
        await here.until_in_force("ops.a", name)


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


async def test_where_nothing_has_changed_nothing_is_written(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        for _ in range(3):
            await report(here, clock)
            await seen(here, api)
        assert patches(api) == 1
        assert await settled(client, api, lambda: here.until_in_force("ops.a")) == 1, "the watch brings no work"
    async with side(client, api, tmp_path) as here:
        await report(here, clock)
        await report(here, clock)
        assert patches(api) == 1


async def test_while_the_watch_tells_nothing_what_was_written_is_remembered(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        api.hold_watches()
        for _ in range(3):
            await report(here, clock)
        assert patches(api) == 1


async def test_a_status_is_written_every_few_seconds_at_most(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        for _ in range(10):
            await count(client, Delivered())
            await report(here, clock, seconds=1.0)
            await seen(here, api)
        assert patches(api) == 2
        await report(here, clock)
        assert status(api)["delivered"] == 10


async def test_what_one_process_has_written_another_leaves_for_as_long(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    async with side(client, api, tmp_path) as here, side(client, api, tmp_path) as there:
        await in_force(here, api)
        await there.until_in_force("ops.a")
        for number in range(1, 5):
            for one in (here, there):
                await count(client, Delivered())
                await report(one, clock, seconds=2.5)
                await seen(here, api)
                await seen(there, api)
            assert patches(api) == number
        await report(there, clock)
        assert patches(api) == 5
    assert status(api)["delivered"] == 8


async def test_those_that_have_waited_longest_are_written_first(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_reporter, "_A_ROUND", 2)
    async with side(client, api, tmp_path) as here:
        await in_force(here, api, "a", "b", "c", "d")
        await report(here, clock)
        first = {call.name for call in api.calls if call.verb == "patch"}
        for name in first:
            await count(client, Delivered(), target=f"hooks.ns.{name}")
        await report(here, clock)
        assert patches(api) == 4
        assert all(status(api, name) for name in ("a", "b", "c", "d"))
        await report(here, clock)
        assert {status(api, name)["delivered"] for name in first} == {1}


async def test_only_what_differs_is_sent(client: Client, api: ApiServer, tmp_path: Path, clock: Clock) -> None:
    sent: list[Object] = []
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await report(here, clock)
        await count(client, Delivered())
        patch = here.objects.patch_status

        async def noting(namespace: str, name: str, status: Object) -> None:
            sent.append(json.loads(json.dumps(status)))
            await patch(namespace, name, status)

        here.objects.patch_status = noting  # type: ignore[assignment,method-assign]
        await report(here, clock)
    assert [sorted(one) for one in sent] == [["delivered", "lastDeliveryTime"]]


async def test_a_refusal_is_told_once_and_tried_again(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api, "one", "two")
        api.forbid("patch", EVENTHOOKS, "status")
        for _ in range(3):
            await report(here, clock)
        assert len([one for one in caplog.records if "may not patch" in one.getMessage()]) == 1
        api.allow("patch", EVENTHOOKS, "status")
        await report(here, clock)
        assert (ready(api)["status"], ready(api, "two")["status"]) == ("True", "True")


async def test_an_api_that_is_away_is_not_asked_for_every_hook(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    names = [f"h{number}" for number in range(10)]
    async with side(client, api, tmp_path) as here:
        await in_force(here, api, *names)
        api.fail_next(answering(503), times=3, aim=asking("patch", EVENTHOOKS))
        await report(here, clock)
        assert patches(api) == 3
        await report(here, clock)
        assert all(ready(api, name)["status"] == "True" for name in names)


async def test_one_that_was_deleted_or_changed_meanwhile_holds_up_no_other(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    names = ("a", "b", "c", "d")
    async with side(client, api, tmp_path) as here:
        await in_force(here, api, *names)
        api.hold_watches()
        for name in names[:3]:
            api.delete(EVENTHOOKS, "ns", name)
        api.fail_next(answering(409), times=1, aim=lambda call: call.verb == "patch" and call.name == "a")
        await report(here, clock)
        assert ready(api, "d")["status"] == "True"


async def test_totals_that_were_emptied_are_counted_anew(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock
) -> None:
    await count(client, Delivered(), Delivered())
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await report(here, clock)
        await client.jetstream().purge_stream("ops-counts")
        await report(here, clock)
        assert status(api)["delivered"] == 0
        await count(client, Delivered())
        await report(here, clock)
        assert status(api)["delivered"] == 1


async def test_totals_of_many_hooks_are_read_in_parts_and_leave_nothing_behind(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "_BATCH", 3)
    monkeypatch.setattr(figures, "_BACKLOGS", 2)
    names = [f"h{number}" for number in range(8)]
    for name in names:
        await count(client, Delivered(), TryLater(AN_ERROR), target=f"hooks.ns.{name}")
        await park(client, "e", key=f"hooks.ns.{name}")
    async with side(client, api, tmp_path) as here:
        await in_force(here, api, *names)
        await report(here, clock)
        assert patches(api) == 2, "of the others it is not known yet what waits"
        for _ in range(3):
            await report(here, clock)
        assert {(status(api, name)["delivered"], status(api, name)["parked"]) for name in names} == {(1, 1)}
        for stream in ("ops-counts", "ops-parked"):
            assert (await client.jetstream().stream_info(stream)).state.consumer_count == 0


async def test_while_jetstream_is_away_nothing_is_written(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock, nats_server: NatsServer
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await nats_server.kill()
        await until(lambda: not client.is_connected)
        with pytest.raises(UnavailableError):
            await report(here, clock)
        assert patches(api) == 0
        await nats_server.start()
        await until(lambda: client.is_connected)
        await report(here, clock)
        assert patches(api) == 1


async def test_a_change_that_is_not_in_force_yet_is_not_observed(
    client: Client, api: ApiServer, tmp_path: Path, clock: Clock, nats_server: NatsServer
) -> None:
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await report(here, clock)
        await seen(here, api)
        assert await written(client) == 1
        registry = here.hooks.registry
        registry.keep = _never  # type: ignore[assignment,method-assign]
        change(api, subject="ops.b")
        await seen(here, api)
        await report(here, clock)
        assert status(api)["observedGeneration"] == 1


async def _never(*_: object) -> None:
    raise UnavailableError("JetStream is away")


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


async def test_rounds_follow_each_other_also_where_jetstream_was_away(
    client: Client, api: ApiServer, tmp_path: Path, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_reporter, "_ROUND", (0.001, 0.002))
    async with side(client, api, tmp_path) as here:
        await in_force(here, api)
        await nats_server.kill()
        await until(lambda: not client.is_connected)
        reporting = asyncio.create_task(here.custom.reporter.run())
        await asyncio.sleep(0.05)
        assert not reporting.done()
        await nats_server.start()
        await until(lambda: patches(api) == 1)
        await end([reporting])
