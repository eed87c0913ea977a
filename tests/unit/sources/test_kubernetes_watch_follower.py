"""What a watch does where its follower cannot take what it is told: it tells it again, and nothing is lost."""

from __future__ import annotations

import asyncio

import pytest

from app.sources.kubernetes.connection import Connection
from tests.kubernetes import HOSTS, ApiServer
from tests.unit.sources.watches import Recorder, Said, following, host, watched_from


@pytest.mark.parametrize("call", ["since", "begin", "listed", "synced"])
async def test_what_a_follower_cannot_take_of_a_list_is_listed_again_after_a_pause(
    api: ApiServer, connection: Connection, call: str, said: Said
) -> None:
    api.create(HOSTS, host("a"))
    follower = Recorder(failing=[call, call])
    async with following(connection, follower) as watched:
        await watched.follower.until_told(f"synced@{api.version}")
        await watched.until_reading(api)

    assert follower.told[-4:-1] == ["begin", f"listed@{api.version - 1} a", f"synced@{api.version - 1}"]
    assert follower.told.count("since") == 1
    assert watched.time.pauses == [1.0, 2.0]
    assert said() == ["Hosts are not followed: JetStream is away", "Hosts are followed again"]


@pytest.mark.parametrize("call", ["ADDED b", "reached"])
async def test_what_a_follower_cannot_take_of_a_watch_is_told_again_after_a_pause(
    api: ApiServer, connection: Connection, call: str
) -> None:
    follower = Recorder(failing=[call, call, call])
    async with following(connection, follower) as watched:
        await api.until_watching(HOSTS)
        api.create(HOSTS, host("a"))
        await follower.until_told("ADDED a")
        last = str(api.version)
        api.send_bookmarks()
        api.create(HOSTS, host("b"))
        api.create(HOSTS, host("c"))
        await follower.until_told("ADDED c")
        if call == "reached":
            await watched.until_paused(1)

    assert follower.changes == ["ADDED a", "ADDED b", "ADDED c"]
    assert watched_from(api)[1] == last
    assert watched.time.pauses[0] == 1.0


async def test_a_fault_of_ours_ends_the_watch_loudly(api: ApiServer, connection: Connection) -> None:
    follower = Recorder(failing=["ADDED"], error=ZeroDivisionError())
    async with following(connection, follower) as watched:
        await api.until_watching(HOSTS)
        api.create(HOSTS, host("a"))
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(asyncio.shield(watched.task), 10)
