"""A batch on a real server: all of it is stored in its order, or it is known which are not."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client

from app.errors import TooLargeError, UnavailableError
from app.events import cloudevent
from app.events.compose import Composed
from app.jetstream.batch import publish_all
from app.jetstream.publish import JetStreamPublisher, Stored
from tests.servers import NatsServer


@pytest.fixture
async def publisher(client: Client) -> JetStreamPublisher:
    publisher = JetStreamPublisher(patience=1)  # seconds: a server that stays away is told of soon
    await publisher.listen(client)
    return publisher


def messages(count: int, size: int = 10) -> list[Composed]:
    return [Composed(f"e{number}", "ops.a", b"x" * size, cloudevent.headers(f"e{number}")) for number in range(count)]


async def test_a_batch_is_stored_in_its_order(client: Client, publisher: JetStreamPublisher) -> None:
    assert await publish_all(publisher, messages(600)) == [
        Stored("ops", sequence, duplicate=False) for sequence in range(1, 601)
    ]
    assert (await client.jetstream().get_msg("ops", 600)).headers == cloudevent.headers("e599")


async def test_a_batch_that_is_sent_again_stores_what_was_missing_only(
    client: Client, publisher: JetStreamPublisher
) -> None:
    await publish_all(publisher, messages(3))
    again = await publish_all(publisher, messages(5))
    assert again == [Stored("ops", sequence, duplicate=sequence <= 3) for sequence in range(1, 6)]
    assert (await client.jetstream().stream_info("ops")).state.messages == 5


async def test_a_full_stream_stores_a_part_and_it_is_known_which(client: Client, publisher: JetStreamPublisher) -> None:
    stream = client.jetstream()
    await stream.update_stream((await stream.stream_info("ops")).config.evolve(max_msgs=2))
    stored, again, refused = await publish_all(publisher, messages(3))
    assert (stored, again) == (Stored("ops", 1, duplicate=False), Stored("ops", 2, duplicate=False))
    assert isinstance(refused, UnavailableError)
    assert "maximum messages exceeded" in str(refused)


async def test_a_message_that_is_too_large_keeps_back_the_others(client: Client, publisher: JetStreamPublisher) -> None:
    with pytest.raises(TooLargeError):
        await publish_all(publisher, [*messages(3), *messages(1, client.max_payload)])
    assert (await client.jetstream().stream_info("ops")).state.messages == 0


async def test_a_server_that_comes_back_soon_costs_only_time(
    client: Client, publisher: JetStreamPublisher, nats_server: NatsServer
) -> None:
    await publish_all(publisher, messages(1))
    await nats_server.kill()
    late, _ = await asyncio.gather(publish_all(publisher, messages(400)), nats_server.start())
    assert [one.sequence for one in late if isinstance(one, Stored)] == list(range(1, 401))


async def test_a_server_that_stays_away_stores_nothing(publisher: JetStreamPublisher, nats_server: NatsServer) -> None:
    await nats_server.kill()
    outcomes = await publish_all(publisher, messages(400))
    assert len(outcomes) == 400
    assert all(isinstance(one, UnavailableError) for one in outcomes)
