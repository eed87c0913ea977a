"""Schemathesis asks the running app all that the OpenAPI document allows, and what it forbids, and finds nothing.

`FUZZ_EXAMPLES` is how many requests it makes up for each operation; `just fuzz` sets it high.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.app import App, hook, running_app
from tests.servers import NatsServer

CONFIGURATION: Final = Path(__file__).with_name("schemathesis.toml")
EXAMPLES: Final = os.environ.get("FUZZ_EXAMPLES", "5")
TOKEN: Final = "a-token-of-the-server-that-nobody-guesses"
BEARER: Final = {"Authorization": f"Bearer {TOKEN}"}
NAMESPACE: Final = "/api/v1/namespaces/ops-system"


@pytest.fixture
async def app(provisioned: NatsServer, tmp_path: Path) -> AsyncIterator[App]:
    """An app with the hook, the receiver and the events that the document's examples speak of."""
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, SERVER_TOKEN=TOKEN) as app:
        async with aiohttp.ClientSession(app.url, headers=BEARER, raise_for_status=True) as http:
            made = hook("pod-errors", "http://127.0.0.1:9/", "ops.nothing")
            await sent(http.post(f"{NAMESPACE}/eventhooks", json=made))
            receivers = [{"name": "operators", "destination": {"type": "webhook", "url": "http://127.0.0.1:9/"}}]
            await sent(http.put("/api/v1/notifications/configuration", json={"receivers": receivers}))
            for number in range(20):
                await sent(http.post(f"{NAMESPACE}/events/alerts.disk", json={"number": number}))
        yield app


async def sent(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> None:
    """Send a request, and give its connection back."""
    async with request:
        pass


async def schemathesis(url: str, *chosen: str) -> tuple[int, str]:
    """The exit status of a run, and what it printed."""
    command = (sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run", "--no-color")
    options = ("--seed", "1", "--max-examples", EXAMPLES, "--continue-on-failure", f"{url}/docs/openapi.json")
    process = await asyncio.create_subprocess_exec(
        *command,
        *options,
        *chosen,
        env={**os.environ, "OPS_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, printed.decode()


@pytest.mark.timeout(0 if "FUZZ_EXAMPLES" in os.environ else 120)
@pytest.mark.parametrize("part", ["--exclude-path-regex", "--include-path-regex"])
async def test_schemathesis_finds_nothing(app: App, part: str) -> None:
    """In two parts: each asks with wrong tokens as often as one address may."""
    status, printed = await schemathesis(app.url, part, "^/api/v1/notifications")
    assert status == 0, printed
    assert "No issues found" in printed or "passed" in printed, printed
    assert "Traceback" not in app.log
    async with aiohttp.ClientSession(app.url) as http, http.get("/readyz") as answer:
        assert answer.status == 200
