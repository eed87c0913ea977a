from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.delivery.channels.http import make_session


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session() as made:
        yield made


@pytest.fixture
async def hasty() -> AsyncIterator[aiohttp.ClientSession]:
    """A session whose attempts end after a moment."""
    async with make_session(seconds=0.2) as made:
        yield made
