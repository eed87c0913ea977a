from __future__ import annotations

from collections.abc import AsyncIterator
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
