"""Who is served."""

from __future__ import annotations

import itertools
from pathlib import Path

import aiohttp

from tests.app import App, running_app
from tests.servers import NatsServer

EVENT = "/api/v1/namespaces/default/events/x"


WRONG = (None, "Bearer wrong", "Bearer s3cret2", "Bearer", "Basic s3cret", "s3cret")


async def test_without_the_token_nothing_under_api_is_served(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, SERVER_TOKEN="s3cret") as app:
        guarded = (EVENT, "/api/v1/namespaces/x/eventhooks", "/api/unknown", "/api")
        for path, header in itertools.product(guarded, WRONG):
            headers = {"Authorization": header} if header else {}
            async with http.post(app.url + path, json={}, headers=headers) as response:
                assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
                assert "SERVER_TOKEN" in (await response.json())["message"]
        async with http.get(f"{app.url}/healthz") as response:
            assert response.status == 200
        for right in ("Bearer s3cret", "bearer s3cret"):
            async with http.post(app.url + EVENT, json={}, headers={"Authorization": right}) as response:
                assert response.status == 200
        assert "s3cret" not in app.log


async def test_without_a_token_set_programs_on_this_machine_are_served(app: App, http: aiohttp.ClientSession) -> None:
    async with http.post(app.url + EVENT, json={}) as response:
        assert response.status == 200


OTHERS = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Host": "evil.example"},
    {"X-Forwarded-For": "203.0.113.9"},
)


async def test_without_a_token_set_others_are_not_served(app: App, http: aiohttp.ClientSession) -> None:
    for headers in OTHERS:
        async with http.post(app.url + EVENT, json={}, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (403, -1), headers
