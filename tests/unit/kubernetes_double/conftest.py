from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.kubernetes import ApiServer, running_api
from tests.unit.kubernetes_double.client import Client


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[Client]:
    authorization = {"Authorization": f"Bearer {api.token}"}
    async with aiohttp.ClientSession(api.url, headers=authorization) as session:
        made = Client(session)
        yield made
        made.close()
