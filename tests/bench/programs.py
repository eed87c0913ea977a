"""The programs of the bench, each a process of its own with a log, ended by who started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet

from streams.subjects import HOOKS_MATCHER
from tests.servers import free_port, wait_for_port

_STOP_SECONDS: Final = 20.0
_LOAD_SECONDS: Final = 130.0

# Of the caller's environment the app sees what finds programs, not what configures it.
_OURS: Final = (
    *("EVENT_", "SERVER_TOKEN", "ROLES", "EGRESS_", "KUBE", "EMBEDDED_"),
    *("ACTIVE_", "ACCESS_", "CORS_", "SECRETS_", "OTEL_", "LOG_", "CANARY_"),
)


class WrongError(Exception):
    """Something is wrong, which is more than slow: an event lost, an answer that is no 200, a program that ended."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process that runs."""

    name: str
    process: asyncio.subprocess.Process
    port: int
    log: Path

    def resident(self, field: str = "VmRSS") -> float:
        """Memory in MiB; `VmHWM` is the most there has been."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
        raise WrongError(f"{self.name} has ended: {self.log.read_text()[-2000:]}")

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), _STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise WrongError(f"{self.name} did not end within {_STOP_SECONDS:.0f} s of SIGTERM") from None


@contextlib.asynccontextmanager
async def running(
    name: str, folder: Path, *arguments: str, port: int = 0, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """A Python program, from when its port answers (if it has one)."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=output, env=_environment(environment)
        )
    program = Program(name, process, port, log)
    try:
        if port:
            await wait_for_port(port, 30)
        yield program
    finally:
        await program.stop()


def app(
    folder: Path, nats: str, application: str = "app.main:app", **more: str
) -> contextlib.AbstractAsyncContextManager[Program]:
    """Ours, as it is started in production."""
    port = free_port()
    arguments = ("-m", "faststream", "run", application, "--port", str(port))
    secrets_key = Fernet.generate_key().decode()  # else the log says that one was made
    ours = {
        "EVENT_ENDPOINT": nats,
        "EGRESS_ALLOW": "loopback",
        "SECRETS_KEY": secrets_key,
        "CANARY_SECONDS": "0",
        **more,
    }
    return running("app", folder, *arguments, port=port, environment=ours)


def floor_of_ingress(folder: Path, nats: str) -> contextlib.AbstractAsyncContextManager[Program]:
    port = free_port()
    # As the app runs: the fast loop and parser, no access log, no Server header.
    settings = "--loop uvloop --http httptools --no-access-log --no-server-header --log-level warning"
    arguments = ("-m", "uvicorn", "tests.bench.floors:ingress", "--port", str(port), *settings.split())
    return running("floor-of-ingress", folder, *arguments, port=port, environment={"BENCH_NATS": nats})


def floor_of_delivery(
    folder: Path, nats: str, url: str, consumer: str = HOOKS_MATCHER
) -> contextlib.AbstractAsyncContextManager[Program]:
    arguments = ("-m", "tests.bench.floors", "deliver", url, consumer)
    return running("floor-of-delivery", folder, *arguments, environment={"BENCH_NATS": nats})


async def floor_of_watching(source: str, nats: str) -> float:
    """Store again what another NATS holds; returns the seconds that took."""
    return float(await output_of("-m", "tests.bench.floors", "publish", source, BENCH_NATS=nats))


def apiserver(folder: Path, events: int) -> contextlib.AbstractAsyncContextManager[Program]:
    port = free_port()
    return running("apiserver", folder, "-m", "tests.bench.apiserver", str(port), str(events), port=port)


def sink(folder: Path, port: int = 0) -> contextlib.AbstractAsyncContextManager[Program]:
    port = port or free_port()
    return running("sink", folder, "-m", "tests.bench.sink", str(port), port=port)


async def load(kind: str, port: int, **options: float) -> Any:
    """Run the client to its end; returns the JSON that it printed."""
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return json.loads(await output_of("-m", "tests.bench.load", kind, "--port", str(port), *given))


async def output_of(*arguments: str, **environment: str) -> bytes:
    """What a Python program prints.

    Raises:
        WrongError: it failed, or took too long.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _LOAD_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise WrongError(f"{' '.join(arguments)} failed: {errors.decode()[-2000:]}")
    return output


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | dict(more or {})
