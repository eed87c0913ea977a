"""When the status of EventHooks custom resources is written: seldom, and only where it differs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from app.delivery.ledger import figures
from app.delivery.outcome import Delivered, TryLater
from app.errors import UnavailableError
from app.hooks.kubernetes import reporter as status_reporter
from app.jetstream.ending import end
from tests.kubernetes import EVENTHOOKS, ApiServer, Object, answering, asking, running_api
from tests.server.buckets import until
from tests.server.delivering import park
from tests.server.mirrors import change, settled, side, written
from tests.server.reporting import Clock, count, in_force, patches, ready, report, seen, status
from tests.servers import NatsServer

AN_ERROR = "the endpoint answered 503"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


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


async def _never(*_: object) -> None:
    raise UnavailableError("JetStream is away")
