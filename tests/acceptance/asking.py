"""Asking the app about a hook, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.acceptance.counting import HOOKS
from tests.app import App

SOON = 20.0  # seconds: far more than a flush of the ledger takes


async def read(http: aiohttp.ClientSession, app: App, path: str) -> dict[str, Any]:
    async with http.get(f"{app.url}{HOOKS}/{path}") as response:
        answer = await response.json()
        assert response.status == 200, answer
        return dict(answer["data"])


async def read_until(
    http: aiohttp.ClientSession, app: App, path: str, reached: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """What is read, once it is so."""
    async with asyncio.timeout(SOON):
        while True:
            if reached(data := await read(http, app, path)):
                return data
            await asyncio.sleep(0.05)
