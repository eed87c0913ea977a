"""The log of a running app: empty while all is well, an object a line for programs, and no place for forgeries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.fernet import Fernet

from tests.acceptance.test_hooks import create, post
from tests.app import App, hook, running_app
from tests.receiver import Receiver
from tests.servers import NatsServer

SUBJECT = "ops.clusters.*.namespaces.default.report"


def quiet(server: NatsServer) -> dict[str, str]:
    return {"EVENT_ENDPOINT": server.url, "SECRETS_KEY": Fernet.generate_key().decode(), "LOG_FORMAT": "json"}


def lines(app: App) -> list[dict[str, Any]]:
    """What stands in the log beside what the terminal is told at the start."""
    return [json.loads(line) for line in app.log.splitlines() if line.startswith("{")]


async def test_while_all_is_well_only_changes_of_configuration_are_logged(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async with running_app(tmp_path / "app", **quiet(provisioned), CANARY_SECONDS="1") as app:
        await create(http, app, hook("one", receiver.url, SUBJECT))
        for _ in range(20):
            await post(http, app, "report", {"message": "hello"})
        await receiver.wait_for(lambda: len(receiver.calls) == 20)
        async with http.get(f"{app.url}/api/v1/nowhere") as response:
            assert response.status == 404
        await app.stop()
    (line,) = lines(app)
    said = {name: line[name] for name in ("level", "logger", "who", "from", "what", "on", "status")}
    assert said == {
        "level": "info",
        "logger": "app.audit",
        "who": "loopback",
        "from": "127.0.0.1",
        "what": "createHook",
        "on": "ops-system/one",
        "status": 201,
    }
    rest = [line for line in app.log.splitlines() if line and not line.startswith("{")]
    assert rest[0].startswith("Ops events is ready")
    assert len(rest) == 5


async def test_a_hook_that_is_down_is_named_in_its_line(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await receiver.close()
    async with running_app(tmp_path / "app", **quiet(provisioned)) as app:
        await create(http, app, hook("one", f"{receiver.url}?token=s3cr3t-t0ken", SUBJECT))
        for _ in range(20):
            await post(http, app, "report", {"message": "hello"})
        await receiver.open()
        await receiver.wait_for(lambda: len(receiver.calls) == 20)
    down, works = (line for line in lines(app) if line["logger"] == "app.delivery.lane")
    assert (down["level"], down["hook"]) == ("warning", "ops-system/one")
    assert "is down, its events are kept for later: cannot connect" in down["message"]
    assert (works["level"], works["hook"]) == ("info", "ops-system/one")
    assert "s3cr3t" not in app.log
