"""Replays of dead letters on a real server: each is parked or a letter still, whatever happens."""

from __future__ import annotations

from nats.aio.client import Client

from app.delivery import records
from app.delivery.letters import Letters
from app.telemetry.metrics import Metrics
from tests.server.replaying import Process, keep, messages, over, parked, sequences, unhurried
from tests.servers import NatsServer

TARGET = "hooks.default.one"
PARKED = f"ops-parked.{TARGET}"
LETTERS = f"ops-dead-letters.{TARGET}"


async def test_dead_letters_are_replayed_and_then_deleted(client: Client, here: Process) -> None:
    await keep(here)
    await bury(here, 300)
    await here.publisher("ops-dead-letters.hooks.default.other", b"another's", {})
    replay = await here.replays.create("default", "one", {"from": {"dead_letters": True}})
    assert (replay.first, replay.total) == (1, 300)
    await bury(here, 5, start=300)
    async with here.working(pace=unhurried):
        done = await over(here, replay)
    assert (done.state, done.read, done.copied) == ("done", 300, 300)
    copies = await messages(client, "ops-parked", PARKED)
    assert sequences(copies) == list(range(1, 301))
    assert {headers[records.REPLAY] for headers, _ in copies} == {replay.id}
    assert {headers[records.TRIES] for headers, _ in copies} == {"0"}
    assert [headers[records.DELIVERY] for headers, _ in copies] == [f"delivery-{place}" for place in range(300)]
    assert not {records.URL, records.STATUS, records.CHANNEL, records.FAILED} & set(copies[0][0])
    assert sequences(await messages(client, "ops-dead-letters", LETTERS)) == list(range(301, 306))
    assert len(await messages(client, "ops-dead-letters", "ops-dead-letters.hooks.default.other")) == 1


async def bury(here: Process, number: int, start: int = 0) -> None:
    for place in range(start, start + number):
        headers = {
            records.DELIVERY: f"delivery-{place}",
            records.SEQUENCE: str(place + 1),
            records.TRIES: "8",
            records.FAILED: "1700000000",
            records.CHANNEL: "webhook",
            records.URL: "http://receiver.example/***",
            records.STATUS: "500",
            records.REASON: "HTTP 500",
        }
        await here.publisher(LETTERS, b"{}", headers)


async def test_dead_letters_are_never_lost_whenever_their_replay_is_stopped(client: Client, here: Process) -> None:
    await keep(here)
    await bury(here, 200)
    replay = await here.replays.create("default", "one", {"from": {"dead_letters": True}, "rate": 100})
    async with here.working():
        await parked(client, 30)
        await here.replays.stop("default", "one", replay.id)
    copied = sequences(await messages(client, "ops-parked", PARKED))
    left = sequences(await messages(client, "ops-dead-letters", LETTERS))
    assert sorted(copied + left) == list(range(1, 201))
    assert not here.replays.is_stopped(replay.id), "the copies are all that is left of those letters"


async def test_dead_letters_survive_a_server_that_is_killed_in_the_middle(
    client: Client, here: Process, nats_server: NatsServer
) -> None:
    await keep(here)
    await bury(here, 300)
    replay = await here.replays.create("default", "one", {"from": {"dead_letters": True}, "rate": 200})
    async with here.working():
        await parked(client, 50)
        await nats_server.kill()
        await nats_server.start()
        done = await over(here, replay)
    assert done.state == "done"
    assert sorted(set(sequences(await messages(client, "ops-parked", PARKED)))) == list(range(1, 301))
    assert await messages(client, "ops-dead-letters", LETTERS) == []


async def test_a_letter_that_a_stopped_replay_brought_can_be_redriven(client: Client, here: Process) -> None:
    await keep(here)
    await here.publisher(LETTERS, b"{}", {records.DELIVERY: "d1", records.SEQUENCE: "1", records.REPLAY: "stopped"})
    await Letters(here.reader, here.publisher, Metrics(), here.woken.append).redrive_one(TARGET, 1)
    [(headers, _)] = await messages(client, "ops-parked", PARKED)
    assert headers[records.DELIVERY] == "d1"
    assert records.REPLAY not in headers, "it would be dropped with the other copies of that replay"
