"""What `docs/publishing.md` says, done as it stands there: only the port of NATS is another."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from app.events import cloudevent
from tests.app import ROOT
from tests.servers import NatsServer, settle

PAGE = (ROOT / "docs" / "publishing.md").read_text()

# Each program by its file's name, with what the page says that it prints; nothing where it shows nothing.
PROGRAMS = {
    name: (program, printed)
    for program, name, printed in re.findall(
        r"```python\n(# (\S+\.py)\n.*?)```\n(?:\n```text\n(.*?)```)?", PAGE, re.DOTALL
    )
}
SCRIPTS = ("host_status.py", "notification.py", "finding.py", "many.py")
HOST = "ops.clusters.production.namespaces.ops-system.hosts.node-a_example_internal"

pytestmark = pytest.mark.usefixtures("provisioned")


@asynccontextmanager
async def running(folder: Path, nats: NatsServer, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that finds those of the page in its folder, and the modules of this checkout."""
    for name, (program, _) in PROGRAMS.items():
        (folder / name).write_text(program.replace(":4222", f":{nats.port}"))
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def run(folder: Path, nats: NatsServer, script: str) -> str:
    """What a script prints."""
    async with running(folder, nats, sys.executable, script) as process:
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def test_every_program_of_the_page_is_run_here() -> None:
    assert PAGE.count("```python\n") == len(PROGRAMS)
    assert set(PROGRAMS) == {*SCRIPTS, "disks.py"}


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_script_prints_what_the_page_shows(nats_server: NatsServer, tmp_path: Path, script: str) -> None:
    _, shown = PROGRAMS[script]
    assert shown
    assert await run(tmp_path, nats_server, script) == shown


async def test_the_status_of_a_host_is_on_the_subject_that_the_page_names(
    nats_server: NatsServer, wire: Client, tmp_path: Path
) -> None:
    await run(tmp_path, nats_server, "host_status.py")
    message = await wire.jetstream().get_msg("ops", seq=1)
    assert message.subject == f"{HOST}.status"
    assert f"`{message.subject}`" in PAGE
    assert message.data is not None
    data = cloudevent.read(message.data).data or {}
    assert data["status"] == {"hostname": "node-a", "diskUsagePercent": "91%"}


async def test_a_notification_is_at_the_address_that_the_page_names(
    nats_server: NatsServer, wire: Client, tmp_path: Path
) -> None:
    await run(tmp_path, nats_server, "notification.py")
    message = await wire.jetstream().get_msg("ops", seq=1)
    assert message.subject == "ops.notifications.providers.scripts.channels.disks.severities.error"
    assert f"/events/{message.subject}\n" in PAGE
    assert message.data is not None
    event = cloudevent.read(message.data)
    assert event.type == "Notification"
    assert event.data == {
        "title": "disk", "message": "the disk of node-a is full", "key": "node-a/disk",
    }  # fmt: skip


async def test_a_finding_carries_what_the_page_gives_it(nats_server: NatsServer, wire: Client, tmp_path: Path) -> None:
    await run(tmp_path, nats_server, "finding.py")
    message = await wire.jetstream().get_msg("ops", seq=1)
    assert message.data is not None
    event = cloudevent.read(message.data)
    assert (message.subject, event.type) == (f"{HOST}.findings", "TaskRunReport")
    assert event.model_extra == {"taskrun": "check-disk-x7k2p"}
    data = event.data or {}
    assert (data["cluster"], data["value"]) == ("production", "91%")
    assert (await wire.jetstream().stream_info("ops")).state.messages == 1


async def test_the_app_of_the_page_finds_that_a_disk_fills(
    nats_server: NatsServer, wire: Client, tmp_path: Path
) -> None:
    findings = await wire.subscribe("ops.clusters.*.namespaces.*.*.*.findings")
    await settle(wire)
    faststream = str(Path(sys.executable).parent / "faststream")
    async with running(tmp_path, nats_server, faststream, "run", "disks:app"):
        await run(tmp_path, nats_server, "host_status.py")
        message = await findings.next_msg(timeout=30)
    event = cloudevent.read(message.data)
    assert message.subject == f"{HOST}.findings"
    assert event.data == {
        "cluster": "production", "kind": "disk", "threshold": "80%", "operator": ">", "status": "alerting",
    }  # fmt: skip
