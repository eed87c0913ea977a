"""What services take, without a word in the configuration: the rest comes as a summary, which is one of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from app.notifications.destinations.rates import PUBLISHED, Rate
from tests.receiver import Receiver, running_receiver
from tests.server.notifying import Clock, notifier, notify, quiet
from tests.servers import NatsServer

CHAT = """
receivers: [{{name: chat, destination: {{type: xiezuo, url: "{url}"}}{rate}}}]
routes: [{{receivers: [chat]}}]
"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as one:
        yield one


def titles(receiver: Receiver) -> list[str]:
    return [json.loads(call.body)["text"]["content"].partition("\n")[0] for call in receiver.calls]


def singles(receiver: Receiver) -> int:
    """How many notifications were told one by one."""
    return sum(title.startswith("[ERROR] disk") for title in titles(receiver))


async def many(client: Client, number: int) -> None:
    for count in range(number):
        await notify(client, title=f"disk {count}")


async def test_a_chat_gets_what_its_service_takes_and_the_rest_as_a_summary_that_counts_too(
    client: Client, nats_server: NatsServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED, "xiezuo", Rate(limit=20, per=3600))  # not over before the test is
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(CHAT.format(url=receiver.url, rate=""))
        await many(client, 30)
        await receiver.wait_for(lambda: len(receiver.calls) == 20)
        await quiet()
        assert len(receiver.calls) == 20
        clock.ahead = 3600
        await receiver.wait_for(lambda: len(receiver.calls) == 21)
        await many(client, 30)
        await receiver.wait_for(lambda: singles(receiver) == 39)
        await quiet()
    assert singles(receiver) == 39  # nineteen more: the summary was one of the twenty
    assert titles(receiver)[20] == "[ERROR] 10 notifications held back (at most 20 in 1h): 10 error"


async def test_who_wants_each_of_them_says_so(client: Client, nats_server: NatsServer, receiver: Receiver) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(CHAT.format(url=receiver.url, rate=", rate: none"))
        await many(client, 60)
        await receiver.wait_for(lambda: len(receiver.calls) == 60)
        told = one.notifications.administration.receivers()
    assert told[0]["rate"] is None


async def test_what_is_held_back_alone_is_told_as_itself(
    client: Client, nats_server: NatsServer, receiver: Receiver
) -> None:
    clock = Clock()
    async with notifier(nats_server.url, clock) as one:
        await one.configure(CHAT.format(url=receiver.url, rate=", rate: {limit: 1, per: 1h}"))
        await many(client, 2)
        await receiver.wait_for(lambda: len(receiver.calls) == 1)
        clock.ahead = 3600
        await receiver.wait_for(lambda: len(receiver.calls) == 2)
        assert one.notifications.administration.receivers()[0]["rate"] == {"limit": 1, "per": "1h", "by": "receiver"}
    assert sorted(titles(receiver)) == ["[ERROR] disk 0", "[ERROR] disk 1"]


async def test_whose_rate_it_is_is_shown(client: Client, nats_server: NatsServer, receiver: Receiver) -> None:
    async with notifier(nats_server.url) as one:
        await one.configure(CHAT.format(url=receiver.url, rate=""))
        assert one.notifications.administration.receivers()[0]["rate"] == {"limit": 20, "per": "1m", "by": "service"}
