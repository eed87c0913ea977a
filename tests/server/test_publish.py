"""Publishing returns when JetStream keeps the message, and says clearly when it does not."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client

from app.errors import TooLargeError, UnavailableError
from app.jetstream.publish import JetStreamPublisher, Publish, Stored
from tests.servers import NatsServer


@pytest.fixture
async def publish(client: Client) -> Publish:
    publisher = JetStreamPublisher(patience=1)  # seconds: a server that stays away is told of soon
    await publisher.listen(client)
    return publisher


async def test_a_message_is_stored_once_however_often_its_id_is_published(client: Client, publish: Publish) -> None:
    assert await publish("ops.a", b"1", {"Nats-Msg-Id": "x"}) == Stored("ops", 1, duplicate=False)
    assert await publish("ops.a", b"1", {"Nats-Msg-Id": "x"}) == Stored("ops", 1, duplicate=True)
    assert (await client.jetstream().stream_info("ops")).state.messages == 1


async def test_what_is_larger_than_the_server_takes_is_refused(client: Client, publish: Publish) -> None:
    with pytest.raises(TooLargeError, match=str(client.max_payload)):
        await publish("ops.a", b"x" * (client.max_payload + 1), {})


async def test_headers_that_make_a_message_too_large_are_counted(client: Client, publish: Publish) -> None:
    with pytest.raises(TooLargeError, match=str(client.max_payload)):
        await publish("ops.a", b"x" * client.max_payload, {"Nats-Msg-Id": "x"})


async def test_a_full_stream_refuses_at_once_and_says_so(client: Client, publish: Publish) -> None:
    stream = client.jetstream()
    await stream.update_stream((await stream.stream_info("ops")).config.evolve(max_msgs=1))
    await publish("ops.a", b"1", {})
    with pytest.raises(UnavailableError, match="maximum messages exceeded"):
        await publish("ops.a", b"2", {})


async def test_a_subject_of_no_stream_is_reported(client: Client, publish: Publish) -> None:
    with pytest.raises(UnavailableError, match="stream ops is missing"):
        await publish("elsewhere.a", b"1", {})


async def test_many_begin_without_waiting_and_each_is_told_what_became_of_it(client: Client) -> None:
    publisher = JetStreamPublisher()
    await publisher.listen(client)
    begun = [await publisher.begin("ops.a", b"1", {"Nats-Msg-Id": str(number)}) for number in range(300)]
    assert [stored.sequence for stored in await asyncio.gather(*begun)] == list(range(1, 301))
    with pytest.raises(UnavailableError, match="stream ops is missing"):
        await (await publisher.begin("elsewhere.a", b"1", {}))


async def test_what_began_ends_when_no_server_answers(client: Client, nats_server: NatsServer) -> None:
    publisher = JetStreamPublisher()
    await publisher.listen(client)
    begun = await publisher.begin("ops.a", b"1", {})  # written, and nobody has had a turn to read it
    await nats_server.kill()
    with pytest.raises(UnavailableError, match="did not acknowledge"):
        await begun


async def test_a_server_that_comes_back_soon_costs_only_time(
    client: Client, publish: Publish, nats_server: NatsServer
) -> None:
    await publish("ops.a", b"1", {})
    await nats_server.kill()
    late, _ = await asyncio.gather(publish("ops.a", b"2", {"Nats-Msg-Id": "2"}), nats_server.start())
    assert late.sequence == 2


async def test_an_absence_as_long_as_an_election_costs_only_time(client: Client, nats_server: NatsServer) -> None:
    publish = JetStreamPublisher()
    await publish.listen(client)

    async def start() -> None:
        await asyncio.sleep(4)
        await nats_server.start()

    await nats_server.kill()
    late, _ = await asyncio.gather(publish("ops.a", b"1", {"Nats-Msg-Id": "1"}), start())
    assert late == Stored("ops", 1, duplicate=False)


async def test_a_server_that_stays_away_is_reported(client: Client, publish: Publish, nats_server: NatsServer) -> None:
    await nats_server.kill()
    with pytest.raises(UnavailableError, match="not stored"):
        await publish("ops.a", b"1", {})


async def test_before_the_first_connection_nothing_is_taken() -> None:
    with pytest.raises(UnavailableError, match="not connected"):
        await JetStreamPublisher(patience=0)("ops.a", b"1", {})
