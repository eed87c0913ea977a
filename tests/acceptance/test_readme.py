"""What the README says, done as it stands there: only the ports are others."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from app.settings import Settings
from tests.app import ROOT, App
from tests.receiver import Receiver
from tests.servers import free_port, wait_for_port

README = (ROOT / "README.md").read_text()


def blocks(section: str) -> list[str]:
    """The shell blocks of a section."""
    text = README.split(f"## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


async def shell(script: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, script
    return output.decode()


async def test_a_first_event_and_a_first_hook_work_as_written(tmp_path: Path, receiver: Receiver) -> None:
    app = App(tmp_path, {"EMBEDDED_PORT": str(free_port())})
    await app.start()
    try:
        post, listen, hook = (
            block.replace(":8000", f":{app.port}").replace(":9000", f":{receiver.port}")
            for block in blocks("A first event, a first hook, in a minute")
        )
        first = json.loads(await shell(post, tmp_path))
        assert (first["code"], first["data"]["sequence"]) == (0, 1)
        assert set(first["data"]) == set(json.loads(_shown_answer())["data"])
        await shell(hook, tmp_path)
        await receiver.wait_for(lambda: bool(receiver.calls))
        assert receiver.calls[0].text == '{"message":"disk full on node-a"}'
        assert receiver.calls[0].text in README
        assert (tmp_path / ".data").is_dir()
    finally:
        await app.stop()
    # The announcement of the terminal says the same as the README.
    assert 'curl -d \'{"message": "hello"}\'' in app.log
    compile(_python_of(listen), "listener", "exec")


async def test_the_first_notifications_work_as_written(tmp_path: Path, receiver: Receiver) -> None:
    app = App(tmp_path, {"EMBEDDED_PORT": str(free_port())})
    await app.start()
    try:
        configure, notify, silence, check = (
            block.replace(":8000", f":{app.port}").replace(":9000", f":{receiver.port}")
            for block in blocks("Notifications")
        )
        assert json.loads(await shell(configure, tmp_path))["data"]["revision"] == 1
        await shell(notify, tmp_path)
        await receiver.wait_for(lambda: bool(receiver.calls))
        title = json.loads(receiver.calls[0].body)["title"]
        assert title == "3 notifications, cluster prod: 3 error"
        assert f"`{title}`" in README
        reached, silenced = map(json.loads, (await shell(silence, tmp_path)).replace("}{", "}\n{").splitlines())
        assert reached["data"]["receivers"] == ["operators"]
        assert silenced["data"]["state"] == "active"
        asked = (
            'http://127.0.0.1:8000/api/v1/notifications/check -d \'{"notification": {"data": {"cluster": "prod"}}}\''
        )
        assert json.loads(await shell(f"curl {asked}".replace(":8000", f":{app.port}"), tmp_path))["data"]["silenced"]
    finally:
        await app.stop()
    assert "reaches: operators\n" in await shell(_here(check), tmp_path)


def _here(command: str) -> str:
    """A command of `just`, as it is run from anywhere."""
    return f"cd {ROOT} && PATH={Path(sys.executable).parent}:$PATH && {command}"


def _shown_answer() -> str:
    found = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


def _python_of(block: str) -> str:
    return block.split("python3 -c '")[1].rsplit("'", 1)[0]


def test_the_two_commands_are_the_ones_that_ci_relies_on() -> None:
    run, test = blocks("Two commands")
    assert run == "pip install uv && uv run faststream run app.main:app\n"
    assert test == "pip install uv && uv run just test\n"
    assert "uv run just test" in (ROOT / ".ci" / "run").read_text()


async def test_the_listener_of_the_readme_shows_what_it_is_sent(tmp_path: Path) -> None:
    port = free_port()
    _, listen, _ = blocks("A first event, a first hook, in a minute")
    script = _python_of(listen).replace("9000", str(port))
    listener = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert listener.stdout is not None
        await wait_for_port(port)
        await shell(f"curl -sS -d hello http://127.0.0.1:{port}/", tmp_path)
        assert await asyncio.wait_for(listener.stdout.readline(), 10) == b"hello\n"
    finally:
        listener.terminate()
        await listener.wait()


def test_every_variable_of_the_table_is_one_that_the_settings_read() -> None:
    section = README.split("## Configuration\n")[1].split("\n## ")[0]
    named = {name for row in section.splitlines() if row.startswith("| `") for name in re.findall(r"`([A-Z_]+)`", row)}
    assert {name.lower() for name in named} == set(Settings.model_fields)
