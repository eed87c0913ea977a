"""`python -m streams`, as people and CI run it: a process of its own, on a real server."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import ServiceUnavailableError

from app.embedded import nats_server
from streams import connection
from streams.access import Access
from streams.connection import UnavailableError, connected
from streams.topology import topology
from tests.consumers import DURABLES
from tests.servers import NatsServer, free_port, running_nats, wait_for_port

ROOT = Path(__file__).parents[2]
PASSWORD = "hunter2"
STREAMS, CONSUMERS = len(topology(1).streams), len(topology(1).consumers)


@dataclass(frozen=True)
class Run:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1]


async def streams(*arguments: str, **environment: str) -> Run:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVENT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streams",
        *arguments,
        cwd=ROOT,
        env={**inherited, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Run(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def js(nats_server: NatsServer) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(nats_server.url)
    yield client.jetstream()
    await client.close()


async def configurations(js: JetStreamContext) -> list[StreamConfig]:
    return [info.config for info in await js.streams_info()]


async def test_check_says_that_the_code_is_sound() -> None:
    run = await streams("check")
    assert (run.code, run.out, run.err) == (0, f"Sound: {STREAMS} streams and buckets, {CONSUMERS} consumers.\n", "")


@pytest.mark.parametrize("command", ["check", "plan", "apply"])
async def test_no_command_goes_on_with_an_unsound_number_of_replicas(command: str) -> None:
    run = await streams(command, "--replicas", "2")
    assert run.code == 1
    assert "stream ops: 2 replicas: take 1, 3 or 5" in run.out
    assert run.last_line == f"{STREAMS + CONSUMERS} findings."


async def test_plan_shows_what_an_empty_server_lacks_and_changes_nothing(
    nats_server: NatsServer, js: JetStreamContext
) -> None:
    run = await streams("plan", "--server", nats_server.url)
    assert run.code == 3
    assert run.out.splitlines()[0] == "+ create stream ops"
    assert run.last_line == f"{STREAMS + CONSUMERS} to apply, 0 only with --allow-loss, 0 impossible."
    assert await configurations(js) == []


async def test_apply_makes_everything_and_then_finds_nothing_to_do(nats_server: NatsServer) -> None:
    first = await streams("apply", "--server", nats_server.url)
    assert (first.code, first.last_line) == (0, f"{STREAMS + CONSUMERS} applied, 0 remaining.")
    again = await streams("apply", "--server", nats_server.url)
    assert (again.code, again.out) == (0, "Nothing to do: the server is as the code wants it.\n")
    plan = await streams("plan", "--server", nats_server.url)
    assert (plan.code, plan.out) == (0, "Nothing to do: the server is as the code wants it.\n")


async def test_plan_shows_drift_field_by_field_and_changes_nothing(
    nats_server: NatsServer, js: JetStreamContext
) -> None:
    await streams("apply", "--server", nats_server.url)
    await js.update_stream((await js.stream_info("ops")).config.evolve(max_age=3600.0))
    before = await configurations(js)
    run = await streams("plan", "--server", nats_server.url)
    assert (run.code, run.out.splitlines()[:2]) == (3, ["~ update stream ops", "    max_age: 1 h -> 24 h"])
    assert await configurations(js) == before


async def test_apply_holds_a_loss_back_until_it_is_allowed(nats_server: NatsServer, js: JetStreamContext) -> None:
    await streams("apply", "--server", nats_server.url)
    await js.update_stream((await js.stream_info("ops")).config.evolve(max_age=48 * 3600.0))
    held = await streams("apply", "--server", nats_server.url)
    assert (held.code, held.last_line) == (1, "0 applied, 1 remaining.")
    assert "    because: messages older than that are dropped at once" in held.out
    assert (await js.stream_info("ops")).config.max_age == 48 * 3600
    allowed = await streams("apply", "--allow-loss", "--server", nats_server.url)
    assert (allowed.code, allowed.last_line) == (0, "1 applied, 0 remaining.")
    assert (await js.stream_info("ops")).config.max_age == 24 * 3600


async def test_a_lenient_apply_fails_only_for_what_the_app_cannot_live_with(
    nats_server: NatsServer, js: JetStreamContext
) -> None:
    await streams("apply", "--server", nats_server.url)
    await js.update_stream((await js.stream_info("ops")).config.evolve(max_age=48 * 3600.0))
    lived_with = await streams("apply", "--lenient", "--server", nats_server.url)
    assert (lived_with.code, lived_with.last_line) == (0, "0 applied, 1 remaining.")
    await js.delete_stream("ops")
    await js.add_stream(name="legacy", subjects=["ops.clusters.>"])
    assert (await streams("apply", "--lenient", "--server", nats_server.url)).code == 1


async def test_apply_names_a_foreign_stream_in_the_way(nats_server: NatsServer, js: JetStreamContext) -> None:
    await js.add_stream(name="legacy", subjects=["ops.clusters.>"])
    run = await streams("apply", "--server", nats_server.url)
    assert (run.code, run.last_line) == (
        1,
        f"{STREAMS - 1 + CONSUMERS - len(DURABLES)} applied, {1 + len(DURABLES)} remaining.",
    )
    assert "! cannot create stream ops\n    because: stream legacy keeps ops.clusters.> already" in run.out


async def test_the_environment_says_which_server_and_how_many_replicas(nats_server: NatsServer) -> None:
    old_style = nats_server.url.replace("nats://", "http://")
    run = await streams("plan", EVENT_ENDPOINT=old_style, EVENT_STREAM_REPLICAS="3")
    assert (run.code, run.last_line) == (3, f"{STREAMS + CONSUMERS} to apply, 0 only with --allow-loss, 0 impossible.")
    assert (await streams("plan", EVENT_ENDPOINT=old_style, EVENT_STREAM_REPLICAS="4")).code == 1
    refused = await streams("apply", EVENT_ENDPOINT=old_style, EVENT_STREAM_REPLICAS="3")
    assert refused.code == 1
    assert "use --replicas 1 or EVENT_STREAM_REPLICAS=1" in refused.out


async def test_a_server_that_is_not_there_is_one_line_and_no_secret() -> None:
    run = await streams("plan", "--server", f"nats://ops:{PASSWORD}@127.0.0.1:{free_port()}")
    assert (run.code, run.out) == (1, "")
    assert run.err.count("\n") == 1
    assert run.err.startswith("streams: cannot reach nats://***@127.0.0.1:")
    assert "check --server or EVENT_ENDPOINT" in run.err
    assert PASSWORD not in run.err


async def test_the_second_of_several_servers_will_do(nats_server: NatsServer) -> None:
    run = await streams("plan", "--server", f"127.0.0.1:{free_port()},{nats_server.url}")
    assert run.code == 3


async def test_a_wrong_password_is_one_line_and_no_secret(tmp_path: Path) -> None:
    async with running_nats(tmp_path / "nats", "--user", "ops", "--pass", "right") as server:
        run = await streams("plan", EVENT_ENDPOINT=server.url.replace("//", f"//ops:{PASSWORD}@"))
        right = await streams("plan", EVENT_ENDPOINT=server.url.replace("//", "//ops:right@"))
    assert (run.code, run.out) == (1, "")
    assert run.err.count("\n") == 1
    assert "not let this user in: check the password" in run.err  # said by the server, or guessed where it hung up
    assert PASSWORD not in run.err
    assert right.code == 3


async def test_a_server_without_jetstream_is_told_how_to_start() -> None:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        nats_server(), "--addr", "127.0.0.1", "--port", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await wait_for_port(port)
        run = await streams("plan", "--server", f"127.0.0.1:{port}")
    finally:
        server.terminate()
        await server.wait()
    assert (run.code, run.out) == (1, "")
    assert run.err.endswith(
        "has no JetStream for this account: start it with --jetstream, or let the account have it\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required"),
        (("destroy",), "invalid choice: 'destroy'"),
        (("check", "--replicas", "some"), "invalid int value: 'some'"),
        (("plan", "--allow-loss"), "unrecognized arguments: --allow-loss"),
        (("plan", "--server", f"ftp://ops:{PASSWORD}@host"), "begin it with nats:// or tls://"),
        (("plan", "--server", f"nats://ops:{PASSWORD}/x@host"), "credentials file (EVENT_CREDENTIALS)"),
        (("plan", "--credentials", "/nowhere/user.creds"), "/nowhere/user.creds cannot be read"),
    ],
)
async def test_wrong_usage_ends_with_2_and_a_remedy(arguments: tuple[str, ...], message: str) -> None:
    run = await streams(*arguments)
    assert (run.code, run.out) == (2, "")
    assert message in run.err
    assert PASSWORD not in run.err


async def test_a_wrong_endpoint_in_the_environment_shows_no_secret_either() -> None:
    run = await streams("plan", EVENT_ENDPOINT=f"nats://ops:{PASSWORD}@host:port")
    assert run.code == 2
    assert "nats://***@***: write a host name or address, and a port" in run.err
    assert PASSWORD not in run.err


async def test_help_says_what_the_exit_codes_mean() -> None:
    run = await streams("plan", "--help")
    assert run.code == 0
    assert "3  plan: the server differs from the code" in run.out


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (nats.errors.TimeoutError(), "does not answer JetStream requests"),
        (nats.errors.ConnectionClosedError(), "nats: connection closed"),
        (ConnectionResetError("reset by peer"), "reset by peer"),
        (ServiceUnavailableError(503, "no leader", 10008), r"cannot answer now \(no leader\): try again"),
        (ServiceUnavailableError(503, "not enabled", 10039), "has no JetStream for this account"),
    ],
)
async def test_what_goes_wrong_on_the_connection_becomes_a_message(
    nats_server: NatsServer, error: Exception, message: str
) -> None:
    with pytest.raises(UnavailableError, match=message):
        async with connected(Access(nats_server.url)):
            raise error


async def test_a_port_where_something_else_listens_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"cannot reach {endpoint}"):
            async with connected(Access(endpoint)):
                pass


async def test_edges_come_from_the_environment_and_one_that_is_left_out_stays_until_losses_are_allowed(
    nats_server: NatsServer,
) -> None:
    applied = await streams("apply", "--server", nats_server.url, EVENT_EDGES="edge1,edge2")
    assert applied.code == 0, applied.err
    plan = await streams("plan", "--server", nats_server.url, "--edges", "edge1")
    assert plan.code == 3
    assert "what happens in edge2 would no longer come here" in plan.out
    assert (await streams("apply", "--server", nats_server.url, "--edges", "edge1")).code == 1
    assert (await streams("apply", "--server", nats_server.url, "--edges", "edge1", "--allow-loss")).code == 0
    assert (await streams("plan", "--server", nats_server.url, "--edges", "edge1")).code == 0


async def test_permissions_are_printed_for_roles_and_edges_and_what_is_neither_is_told() -> None:
    assert '"_INBOX.delivery-hooks.>"' in (await streams("permissions", "hooks", "delivery")).out
    assert '"deliver.tokyo.>"' in (await streams("permissions", "edge:tokyo")).out
    wrong = await streams("permissions", "cook")
    assert (wrong.code, "cook: name roles" in wrong.err) == (2, True)
