"""What is sent over the connection, and what is read as it comes."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.errors import UnavailableError
from app.sources.kubernetes import connection as room
from app.sources.kubernetes.connection import Connection
from tests.kubernetes import HOSTS, ApiServer, Gate

PATH = "/api/v1/namespaces/ns/secrets/keys"


async def test_what_is_sent_arrives_as_it_was_meant_and_the_answer_comes_with_its_headers(
    api: ApiServer, connection: Connection
) -> None:
    host = {"apiVersion": "crd.chenshaowen.com/v1", "kind": "Host", "metadata": {"name": "a"}}
    path = HOSTS.path("ns")

    made = await connection.send("POST", path, host)
    patched = await connection.send("PATCH", f"{path}/a", {"spec": {"port": 22}}, "application/merge-patch+json")
    gone = await connection.send("DELETE", f"{path}/a")

    assert (made.status, patched.status, gone.status) == (201, 200, 200)
    assert json.loads(patched.body)["spec"] == {"port": 22}
    assert made.headers["content-type"] == made.headers["Content-Type"] == "application/json"
    sent = [call.headers.get("Content-Type") for call in api.calls]
    assert sent[:2] == ["application/json", "application/merge-patch+json"]
    assert api.objects(HOSTS) == []


async def test_what_was_sent_with_an_old_token_is_sent_again_with_the_new_one(
    api: ApiServer, connection: Connection, tmp_path: Path
) -> None:
    await connection.client()
    api.token = "token-2"
    api.kubeconfig(tmp_path / "config")

    reply = await connection.send("POST", HOSTS.path("ns"), HOSTS.type | {"metadata": {"name": "a"}})

    assert reply.status == 201
    assert len(api.objects(HOSTS)) == 1


async def test_a_body_and_an_answer_are_not_shown(api: ApiServer, connection: Connection) -> None:
    api.put_secret("ns", "keys", secret="s")
    reply = await connection.get(PATH)

    assert repr(reply) == "Reply(status=200)"


async def test_a_long_answer_may_take_longer(
    api: ApiServer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.interrupt = gate = Gate()
    monkeypatch.setattr(room, "_REQUEST_SECONDS", 0.05)
    asking = asyncio.create_task(connection.get(PATH, seconds=10))
    await gate.held.wait()
    with pytest.raises(UnavailableError):
        await connection.get(PATH)
    gate.opened.set()

    assert (await asking).status == 404


async def test_a_stream_is_read_as_it_comes_until_it_ends(api: ApiServer, connection: Connection) -> None:
    async with connection.stream(f"{HOSTS.path()}?watch=1", silence=10) as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"] == "application/json"
        api.create(HOSTS, {"metadata": {"namespace": "ns", "name": "a"}})
        assert b'"ADDED"' in await stream.chunk()
        api.drop_watches()
        assert await stream.chunk() == b""


async def test_a_stream_that_is_cut_off_or_silent_has_ended(api: ApiServer, connection: Connection) -> None:
    async with connection.stream(f"{HOSTS.path()}?watch=1", silence=10) as cut:
        await api.until_watching(HOSTS)
        api.cut_watches()
        assert b"\n" not in await cut.chunk()
        assert await cut.chunk() == b""
    async with connection.stream(f"{HOSTS.path()}?watch=1", silence=0.05) as silent:
        assert await silent.chunk() == b""


async def test_a_stream_that_is_left_is_closed(api: ApiServer, connection: Connection) -> None:
    async with connection.stream(f"{HOSTS.path()}?watch=1", silence=10):
        await api.until_watching(HOSTS)

    async with asyncio.timeout(10):
        await api.until_watching(HOSTS, 0)


async def test_a_stream_takes_up_a_token_that_was_replaced_and_leaves_nothing_open(
    api: ApiServer, connection: Connection, tmp_path: Path
) -> None:
    await connection.client()
    api.token = "token-2"
    api.kubeconfig(tmp_path / "config")

    async with connection.stream(f"{HOSTS.path()}?watch=1", silence=10) as stream:
        assert stream.status == 200

    assert len(api.calls) == 2


async def test_a_refused_stream_tells_why(api: ApiServer, connection: Connection) -> None:
    api.forbid("watch", HOSTS)
    async with connection.stream(f"{HOSTS.path()}?watch=1", silence=10) as stream:
        reply = await stream.reply()

    assert reply.status == 403
    assert b"cannot watch resource" in reply.body


async def test_more_streams_are_open_at_once_than_there_are_watches(api: ApiServer, connection: Connection) -> None:
    async with AsyncExitStack() as streams:
        for _ in range(16):
            await streams.enter_async_context(connection.stream(f"{HOSTS.path()}?watch=1", silence=10))
        assert (await connection.get(PATH)).status == 404


async def test_an_api_that_grants_no_stream_is_unavailable(api: ApiServer, connection: Connection) -> None:
    await api.close()

    with pytest.raises(UnavailableError, match="does not answer"):
        async with connection.stream(HOSTS.path(), silence=10):
            pass
