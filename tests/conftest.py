from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import NatsServer, running_nats

# How long an example takes depends on what else the machine does: `just bench` measures, tests do not.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A real nats-server of this test alone."""
    async with running_nats(tmp_path / "nats") as server:
        yield server
