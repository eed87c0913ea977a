"""Services that are told through Apprise: really, to a server on loopback that speaks TLS."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web

from app.delivery.egress.policy import Policy
from app.delivery.outcome import Delivered, Outcome, TryLater
from app.notifications.senders import apprise
from tests.receiver import Answer, Call, Receiver
from tests.server.telling import OPEN, TYPICAL, receiver, tell

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own, where it is loaded

SECRET = "t0ken-of-a-service"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """A receiver of HTTPS, whose authority is one that Apprise trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(tls)
    one = Receiver()
    await one.open(tls)
    yield one
    await one.close()
    await asyncio.sleep(0.2)  # TLS says goodbye first


async def told(url: str, policy: Policy = OPEN, **data: str) -> Outcome:
    async with aiohttp.ClientSession() as session:
        return await tell(session, receiver(f"{{type: apprise, url: '{url}'}}"), {**TYPICAL, **data}, policy)


def answering(status: int, **headers: str) -> Answer:
    async def answer(_: Call) -> web.Response:
        return web.Response(status=status, headers=headers)

    return answer


async def test_a_notification_goes_through_apprise(server: Receiver) -> None:
    assert await told(f"jsons://localhost:{server.port}/hook") == Delivered()
    said = json.loads(server.calls[0].body)
    assert said["title"] == "[ERROR] disk full"
    assert said["message"].splitlines()[0] == "the disk of node-a is full"
    assert said["message"].splitlines()[-1] == TYPICAL["link"]
    assert said["type"] == "failure"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 302, 307])
async def test_what_fails_is_tried_later(server: Receiver, status: int) -> None:
    server.answer = answering(status, Location=f"https://localhost:{server.port}/elsewhere")
    assert await told(f"jsons://localhost:{server.port}/hook") == TryLater("apprise could not deliver it")
    assert [call.path for call in server.calls] == ["/hook"]  # once, and nowhere else


async def test_one_url_is_one_service_whatever_stands_behind_it(server: Receiver) -> None:
    url = f"jsons://localhost:{server.port}/first, jsons://localhost:{server.port}/second"
    await told(url)
    assert [call.path for call in server.calls if not call.path.startswith("/first")] == []


async def test_what_mentions_everybody_somewhere_is_broken_up(server: Receiver) -> None:
    await told(f"jsons://localhost:{server.port}/hook", message="@everyone @here <!channel> <users/all> a@here.example")
    message = json.loads(server.calls[0].body)["message"]
    assert "@everyone" not in message
    assert "@here" not in message
    assert "<" not in message


async def test_an_address_that_the_policy_closes_is_not_connected(server: Receiver) -> None:
    outcome = await told(f"jsons://localhost:{server.port}/hook", Policy.parse("", "", loopback=False))
    assert isinstance(outcome, TryLater)
    assert "are not allowed (loopback): see EGRESS_ALLOW" in outcome.reason
    assert server.calls == []


@pytest.mark.parametrize(
    "url",
    [
        f"ntfys://{SECRET}/topic",
        f"zulip://bot@example/{'a' * 32}/general",
        f"discord://{SECRET}/{'b' * 64}",
        f"pover://{'u' * 30}@{'t' * 30}",
        f"gotifys://gotify.example.com/{SECRET}",
    ],
)
async def test_a_service_with_a_host_of_its_own_is_held_to_the_policy_too(url: str) -> None:
    hosts = "*.zulipchat.com, discord.com, *.discord.com, *.example.com, api.pushover.net, ntfy.sh, " + SECRET
    outcome = await told(url, Policy.parse("", hosts, loopback=True))
    assert isinstance(outcome, TryLater)
    assert "denied by name" in outcome.reason


async def test_a_url_that_apprise_does_not_understand_says_so() -> None:
    assert await told("discord://") == TryLater("apprise cannot read the URL: mend the receiver")


async def test_where_apprise_is_not_installed_the_outcome_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    apprise._apprise.cache_clear()
    monkeypatch.setattr("importlib.import_module", absent)
    assert await told("discord://1/2") == TryLater("apprise is not installed: install ops-events[apprise]")


async def test_a_proxy_of_the_environment_would_be_a_way_round_the_policy(
    monkeypatch: pytest.MonkeyPatch, server: Receiver
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    outcome = await told("jsons://internal.example.com/hook")
    assert isinstance(outcome, TryLater)
    assert "proxy" in outcome.reason
    assert server.calls == []


async def test_one_that_hangs_is_given_up(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    release = asyncio.Event()

    async def hang(_: Call) -> web.Response:
        await release.wait()
        return web.Response()

    server.answer = hang
    monkeypatch.setattr(apprise, "ATTEMPT_SECONDS", 0.2)
    assert await told(f"jsons://localhost:{server.port}/hook") == TryLater("no answer within 0.2 s")
    release.set()


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_secret_is_in_no_log(server: Receiver, status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "aiohttp.access")  # the server's own
    caplog.set_level(logging.DEBUG)  # after it: the level is the handler's too
    server.answer = answering(status)
    outcome = await told(f"jsons://user:{SECRET}@localhost:{server.port}/{SECRET}/?+X-Key={SECRET}")
    assert len(server.calls) == 1
    assert server.calls[0].headers["X-Key"] == SECRET
    assert SECRET not in caplog.text
    assert SECRET not in repr(outcome)
