from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.sources.kubernetes.connection import Connection, KubeConfig
from tests.kubernetes import ApiServer, running_api


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


@pytest.fixture
async def connection(api: ApiServer, tmp_path: Path) -> AsyncIterator[Connection]:
    async with Connection(KubeConfig(str(api.kubeconfig(tmp_path / "config")))) as made:
        yield made


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the program has logged so far."""
    caplog.set_level(logging.DEBUG, "app")
    return lambda: [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
