"""The OpenAPI document that the running app serves is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
from openapi_spec_validator import validate

from tests.app import running_app
from tests.servers import NatsServer

TOKEN = "a-token-of-the-server"


async def _document(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/docs/openapi.json") as answer:
        document: dict[str, Any] = await answer.json()
        return document


async def test_the_document_that_is_served_is_valid(provisioned: NatsServer, tmp_path: Path) -> None:
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, SERVER_TOKEN=TOKEN) as app:
        validate(await _document(app.url))
