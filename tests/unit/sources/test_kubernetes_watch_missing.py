"""Resources that the API does not have: the next alternative is taken, or it is waited for."""

from __future__ import annotations

import pytest

from app.sources.kubernetes.connection import Connection
from tests.kubernetes import CORE_EVENTS, EVENTS, HOSTS, ApiServer
from tests.unit.sources.watches import Recorder, Said, following, host, listing, resource_of


@pytest.mark.parametrize("missing_as", ["text", "status"])
async def test_a_resource_that_is_not_installed_is_waited_for(
    api: ApiServer, connection: Connection, said: Said, missing_as: str
) -> None:
    api.missing_as = missing_as  # type: ignore[assignment]
    api.uninstall(HOSTS)
    async with following(connection) as watched:
        await watched.until_paused(5)
        assert watched.watch.state.trouble.startswith("hosts.crd.chenshaowen.com is not installed")
        assert not watched.watch.synced.is_set()
        api.install(HOSTS)
        api.create(HOSTS, host("a"))
        await watched.until_reading(api)

    assert set(watched.time.pauses) == {10.0}
    assert watched.follower.objects[0]["metadata"]["name"] == "a"
    assert len(said()) == 2


async def test_a_resource_that_is_taken_away_is_told_as_deleted_and_followed_when_it_is_back(
    api: ApiServer, connection: Connection
) -> None:
    api.create(HOSTS, host("a"))
    async with following(connection) as watched:
        await watched.until_reading(api)
        watched.time.now += 10
        api.uninstall(HOSTS)
        await watched.until_paused(2)
        assert "is not installed" in watched.watch.state.trouble
        api.install(HOSTS)
        api.create(HOSTS, host("b"))
        await watched.follower.until_told("ADDED b")

    assert watched.follower.changes == ["DELETED a", "ADDED b"]


async def test_where_no_alternative_is_there_all_are_named_and_each_is_asked_for(
    api: ApiServer, connection: Connection
) -> None:
    api.uninstall(EVENTS)
    api.uninstall(CORE_EVENTS)
    async with following(connection, resources=[resource_of(EVENTS), resource_of(CORE_EVENTS)]) as watched:
        await watched.until_paused(2)
        assert watched.watch.state.trouble.startswith("events.events.k8s.io and events are not installed")
        api.install(CORE_EVENTS)
        await watched.until_reading(api, CORE_EVENTS)

    assert [call.resource[0] for call in api.calls[:4]] == ["events.k8s.io", "", "events.k8s.io", ""]


async def test_what_was_published_before_is_gone_on_from_under_the_other_name_too(
    api: ApiServer, connection: Connection
) -> None:
    api.uninstall(EVENTS)
    version = str(api.version)
    async with following(
        connection, Recorder(version=version), resources=[resource_of(EVENTS), resource_of(CORE_EVENTS)]
    ):
        await api.until_watching(CORE_EVENTS)

    assert listing(api) == [version, version]
