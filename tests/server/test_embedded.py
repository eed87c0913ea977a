"""The embedded server: started, shared, found again after its owner was killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import aiohttp
import nats
import pytest

from app.embedded import EmbeddedServer, nats_server
from app.errors import ConfigurationError
from tests.app import App
from tests.servers import free_port


async def _quiet(_: Exception) -> None:
    """For a client whose server goes away on purpose."""


async def test_it_keeps_its_messages_over_a_restart(tmp_path: Path) -> None:
    port = free_port()
    for expected in (1, 2):
        server = EmbeddedServer(tmp_path / "data", port)
        await server.start()
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        await client.jetstream().add_stream(name="kept", subjects=["kept"])
        assert (await client.jetstream().publish("kept", b"x")).seq == expected
        assert client.max_payload > 1024 * 1024
        await client.close()
        await server.stop()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_second_process_on_the_folder_uses_the_server_that_is_there(tmp_path: Path) -> None:
    port = free_port()
    owner, guest = EmbeddedServer(tmp_path, port), EmbeddedServer(tmp_path, port)
    await owner.start()
    await guest.start()
    await guest.stop()
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    await client.close()
    await owner.stop()


async def test_a_taken_port_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="EMBEDDED_PORT"):
            await EmbeddedServer(tmp_path, other.getsockname()[1]).start()


async def test_a_nats_server_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    port = free_port()
    theirs = EmbeddedServer(tmp_path / "theirs", port)
    await theirs.start()
    with pytest.raises(ConfigurationError, match=f"EVENT_ENDPOINT=nats://127.0.0.1:{port}"):
        await EmbeddedServer(tmp_path / "ours", port).start()
    await (await nats.connect(f"nats://127.0.0.1:{port}")).close()
    await theirs.stop()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="EMBEDDED_FOLDER"):
        await EmbeddedServer(tmp_path / "file" / "data", free_port()).start()


async def test_after_the_app_was_killed_it_starts_again_on_the_same_files(tmp_path: Path) -> None:
    app = App(tmp_path, {"EMBEDDED_PORT": str(free_port())})
    async with aiohttp.ClientSession() as http:
        for expected in (1, 2, 3):
            await app.start()
            url = f"{app.url}/api/v1/namespaces/default/events/x"
            async with http.post(url, json={"n": expected}) as response:
                assert json.loads(await response.read())["data"]["sequence"] == expected
            await app.kill()
    await app.start()
    await app.stop()


async def test_a_server_that_ends_is_started_again(tmp_path: Path) -> None:
    port = free_port()
    server = EmbeddedServer(tmp_path, port)
    await server.start()
    client = await nats.connect(f"nats://127.0.0.1:{port}", reconnect_time_wait=1, error_cb=_quiet)
    await client.jetstream().add_stream(name="kept", subjects=["kept"])
    os.kill(int((tmp_path / "nats-server.pid").read_text()), signal.SIGKILL)
    async with asyncio.timeout(10):
        while client.stats["reconnects"] == 0:  # noqa: ASYNC110 -- nats-py counts it
            await asyncio.sleep(0.05)
    assert (await client.jetstream().publish("kept", b"x")).seq == 1
    await client.close()
    await server.stop()


async def test_workers_share_the_server_and_the_work(tmp_path: Path) -> None:
    app = App(tmp_path, {"EMBEDDED_PORT": str(free_port())}, arguments=("--workers", "2"))
    await app.start()
    try:
        for _ in range(200):  # the log is all there is to see
            if app.log.count("Ops events is ready") == 2:
                break
            await asyncio.sleep(0.1)
        assert app.log.count("Ops events is ready") == 2, app.log
        sequences = set()
        for number in range(20):  # a connection each, so that both workers are asked
            url = f"{app.url}/api/v1/namespaces/default/events/x"
            async with aiohttp.ClientSession() as http, http.post(url, json={"n": number}) as response:
                sequences.add((await response.json())["data"]["sequence"])
        assert sequences == set(range(1, 21))
    finally:
        await app.stop()


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"EMBEDDED_FOLDER": "/proc/nothing"}, "EMBEDDED_FOLDER"),
        ({"EVENT_ENDPOINT": "ftp://u:s3cret@x:1"}, "EVENT_ENDPOINT"),
        ({"EVENT_ENDPOINT": "nats://127.0.0.1:1", "EVENT_CREDENTIALS": "/nothing"}, "EVENT_CREDENTIALS"),
        ({"EVENT_STREAM_REPLICAS": "2"}, "EVENT_STREAM_REPLICAS"),
        ({"EMBEDDED_PORT": "70000"}, "EMBEDDED_PORT"),
        ({"EVENT_CLUSTER": "x" * 2000}, "EVENT_CLUSTER"),
        ({"ROLES": "ingress,typo"}, "ROLES"),
    ],
)
async def test_what_cannot_work_ends_the_process_with_a_clear_message(
    tmp_path: Path, environment: dict[str, str], says: str
) -> None:
    app = App(tmp_path, environment)
    await app.spawn()
    assert app.process is not None
    async with asyncio.timeout(20):
        assert await app.process.wait() != 0
    assert says in app.log
    assert "s3cret" not in app.log
    assert "Traceback" not in app.log


async def test_a_wrong_password_ends_the_process_and_is_not_shown(tmp_path: Path) -> None:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        nats_server(),
        *("--addr", "127.0.0.1", "--port", str(port), "--user", "ops", "--pass", "right"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        app = App(tmp_path / "app", {"EVENT_ENDPOINT": f"nats://ops:wr0ng@127.0.0.1:{port}"})
        await app.spawn()
        assert app.process is not None
        async with asyncio.timeout(20):
            assert await app.process.wait() == 1
        assert "NATS refused the connection" in app.log
        assert "wr0ng" not in app.log
    finally:
        server.terminate()
        await server.wait()


async def test_a_taken_http_port_ends_the_process_with_a_clear_message(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        app = App(tmp_path, {"EMBEDDED_PORT": str(free_port())}, port=other.getsockname()[1])
        await app.spawn()
        assert app.process is not None
        async with asyncio.timeout(20):
            assert await app.process.wait() != 0
        assert "--port" in app.log
