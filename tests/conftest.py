from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.servers import NatsServer, running_nats


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A real nats-server of this test alone."""
    async with running_nats(tmp_path / "nats") as server:
        yield server
