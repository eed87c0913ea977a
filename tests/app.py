"""The app as users run it: a process of its own, on free ports, that can be killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.servers import free_port

# Receivers of the tests are on this machine, which hooks reach only where they are allowed to. Stories count what is on
# the stream, so no canary comes between, and they read the log as people do.
DEFAULTS = {"EGRESS_ALLOW": "loopback", "CANARY_SECONDS": "0", "LOG_FORMAT": "text"}

ROOT = Path(__file__).parent.parent


@dataclass
class App:
    """`faststream run app.main:app`."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    arguments: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "app.log").read_text()

    async def spawn(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ("faststream", "run", "app.main:app", "--app-dir", str(ROOT), "--port", str(self.port))
        with (self.folder / "app.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).parent / command[0]),
                *command[1:],
                *self.arguments,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], **DEFAULTS, **self.environment},
                stdout=log,
                stderr=log,
            )

    async def start(self) -> None:
        await self.spawn()
        await self.wait_until_ready()

    async def wait_until_ready(self, seconds: float = 20) -> None:
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while not await self._is_ready(session):
                assert self.process is None or self.process.returncode is None, self.log
                await asyncio.sleep(0.05)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(f"{self.url}/readyz") as response:
                return response.status == 200
        return False

    async def stop(self) -> int:
        """Ask it to end (SIGTERM); the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()

    async def kill(self) -> None:
        """End it at once (SIGKILL)."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def running_app(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[App]:
    app = App(folder, environment, arguments=arguments)
    try:
        await app.start()
        yield app
    finally:
        if app.process is not None:
            await app.stop()


def hook(name: str, url: str, subject: str = "ops.>", **spec: Any) -> dict[str, Any]:
    """An EventHooks resource as a user writes it."""
    return {
        "apiVersion": "crd.chenshaowen.com/v1",
        "kind": "EventHooks",
        "metadata": {"name": name},
        "spec": {"type": "webhook", "subject": subject, "url": url, **spec},
    }
