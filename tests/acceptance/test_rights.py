"""What each right lets a token do, with the whole app; and what happens when the file changes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.jetstream.ending import end
from tests.acceptance.access import bearer, entry, swap, write
from tests.app import App, hook, running_app
from tests.servers import NatsServer
from tests.tailing import following

API = "/api/v1/namespaces"
OPS = f"{API}/ops/eventhooks"
OTHERS = f"{API}/other/eventhooks"
CI = "ops.clusters.default.namespaces.ci.>"
INSIDE = "ops.clusters.default.namespaces.ci.a.b"

TOKENS = (
    entry("publisher", publish=[CI]),
    entry("reader", read=[CI]),
    entry("keeper", hooks=["ops"]),
    entry("maker", hooks=["ops"], read=[CI], publish=["ops.copies.>"]),
    entry("everywhere", hooks=["*"], read=["ops.>"]),
    entry("root", admin=True),
    entry("old", admin=True, expires="2020-01-01T00:00:00Z"),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "access.yaml"
    write(path, *TOKENS)
    return path


@pytest.fixture
async def app(provisioned: NatsServer, tmp_path: Path, file: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, ACCESS_FILE=str(file)) as app:
        yield app


def made(name: str, subject: str = CI, **spec: Any) -> dict[str, Any]:
    return hook(name, "http://127.0.0.1:9/", subject, **spec)


COPIES = {**made("c"), "spec": {"type": "event", "subject": CI, "url": "ops.copies.*"}}
LAST = {**made("l"), "spec": {"type": "event", "subject": CI, "url": "status"}}

# Method, path, body, and of the tokens those who may. Who may not is answered 403; who may, neither 401 nor 403.
TABLE: tuple[tuple[str, str, Any, set[str]], ...] = (
    ("POST", f"{API}/ci/events/a.b", {}, {"publisher", "root"}),
    ("POST", f"{API}/other/events/{INSIDE}", {}, {"publisher", "root"}),
    ("POST", f"{API}/other/events/a.b", {}, {"root"}),
    ("POST", f"{API}/ci/events/ops.copies.x", {}, {"maker", "root"}),
    ("GET", OPS, None, {"keeper", "maker", "everywhere", "root"}),
    ("GET", OTHERS, None, {"everywhere", "root"}),
    ("POST", OPS, made("a"), {"maker", "everywhere", "root"}),
    ("POST", OPS, made("b", "ops.>"), {"everywhere", "root"}),
    ("POST", OPS, COPIES, {"maker", "root"}),
    ("POST", OPS, LAST, {"root"}),
    ("POST", OTHERS, made("a"), {"everywhere", "root"}),
    ("PUT", f"{OPS}/a", made("a"), {"maker", "everywhere", "root"}),
    ("PUT", f"{OPS}/a", made("a", "ops.*.>"), {"everywhere", "root"}),
    ("GET", f"{OPS}/a/explain?sequence=1", None, {"maker", "everywhere", "root"}),
    ("POST", f"{API}/ops/eventhook-dryruns", made("a"), {"maker", "everywhere", "root"}),
    ("POST", f"{API}/ops/eventhook-dryruns", made("a", "ops.>"), {"everywhere", "root"}),
    *(
        (method, f"{OPS}/a{path}", body, {"keeper", "maker", "everywhere", "root"})
        for method, path, body in (
            ("GET", "", None),
            ("GET", "/stats", None),
            ("GET", "/attempts", None),
            ("GET", "/attempts/1-0", None),
            ("GET", "/deadletters", None),
            ("GET", "/deadletters/1", None),
            ("DELETE", "/deadletters/1", None),
            ("POST", "/deadletters/1/redrive", None),
            ("POST", "/deadletters/redrive", {}),
            ("POST", "/pause", {}),
            ("POST", "/resume", None),
            ("GET", "/replays", None),
            ("POST", "/replays", {}),
            ("GET", "/replays/x", None),
            ("DELETE", "/replays/x", None),
            ("GET", "/explain?sequence=99", None),
            ("DELETE", "", None),
        )
    ),
)


async def status(
    app: App, http: aiohttp.ClientSession, method: str, path: str, body: Any, token: str
) -> tuple[int, dict[str, Any]]:
    async with http.request(method, app.url + path, json=body, headers=bearer(token)) as response:
        return response.status, await response.json()


async def test_each_token_may_do_what_its_rights_say_and_nothing_else(app: App, http: aiohttp.ClientSession) -> None:
    wrong = []
    for method, path, body, may in TABLE:
        for token in ("publisher", "reader", "keeper", "maker", "everywhere", "root"):
            code, answer = await status(app, http, method, path, body, token)
            if (code not in {401, 403}) is not (token in may) or code >= 500:
                wrong.append((method, path, token, code, answer["message"]))
            if code == 403:
                assert f"the token {token} may not" in answer["message"]
    assert not wrong


async def test_who_is_not_known_is_told_401_and_who_is_expired_is_told_so(
    app: App, http: aiohttp.ClientSession
) -> None:
    for token, why in (("old", "expired at"), ("nobody", "is not known")):
        async with http.get(app.url + OPS, headers=bearer(token)) as response:
            assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert why in (await response.json())["message"]
    async with http.get(f"{app.url}/metrics") as response:
        counted = await response.text()
    assert 'ops_access_refused_total{reason="expired"} 1.0' in counted
    assert 'ops_access_refused_total{reason="wrong_token"} 1.0' in counted


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 -- it is another process that changes
            await asyncio.sleep(0.05)


async def until_answered(app: App, http: aiohttp.ClientSession, token: str, wanted: int) -> None:
    async def is_answered() -> bool:
        return (await status(app, http, "GET", OPS, None, token))[0] == wanted

    await until(is_answered)


async def until_valid(app: App, http: aiohttp.ClientSession, wanted: float) -> None:
    async def is_told() -> bool:
        async with http.get(f"{app.url}/metrics") as response:
            return f"ops_access_file_valid {wanted}\n" in await response.text()

    await until(is_told)


async def test_a_changed_file_counts_while_requests_run_and_nobody_else_notices(
    app: App, http: aiohttp.ClientSession, file: Path
) -> None:
    steady: list[int] = []

    async def keep_asking() -> None:
        while True:
            steady.append((await status(app, http, "GET", OPS, None, "root"))[0])

    asking = asyncio.create_task(keep_asking())
    write(file, entry("root", admin=True), entry("late", hooks=["ops"]))
    await until_answered(app, http, "late", 200)
    await until_answered(app, http, "maker", 401)
    await end((asking,))
    assert set(steady) == {200}
    assert re.search(r"app.audit: who=the%20server from=- what=reloadAccess on=\w{12} status=200", app.log)


@pytest.mark.parametrize(
    "now", [(), (entry("reader", read=["ops.other.>"]),), (entry("reader", read=[CI], expires="2020-01-01T00:00:00Z"),)]
)
async def test_a_tail_ends_when_its_token_has_lost_the_right(
    app: App, http: aiohttp.ClientSession, file: Path, now: tuple[dict[str, Any], ...]
) -> None:
    others = (entry("everywhere", read=["ops.>"]), entry("root", admin=True))
    async with AsyncExitStack() as stack:
        reader, other = [
            await stack.enter_async_context(following(http, app.url, CI, headers=bearer(name)))
            for name in ("reader", "everywhere")
        ]
        swap(file, *others, *now)
        (last,) = await reader.rest()
        assert (last.event, last.data["message"]) == (
            "dropped",
            "the token is not valid any more, or may not read this",
        )
        assert (await status(app, http, "POST", f"{API}/ci/events/a.b", {}, "root"))[0] == 200
        assert len(await other.events(1)) == 1


async def test_a_broken_file_leaves_the_rights_as_they_were_and_is_told_once(
    app: App, http: aiohttp.ClientSession, file: Path
) -> None:
    await until_valid(app, http, 1.0)
    write(file, {"name": "root", "sha256": "deadbeef"})
    await until_valid(app, http, 0.0)
    write(file, {"name": "root", "sha256": "deadbeef"})
    assert (await status(app, http, "GET", OPS, None, "root"))[0] == 200
    swap(file, entry("late", hooks=["ops"]))
    await until_answered(app, http, "late", 200)
    await until_valid(app, http, 1.0)
    assert (await status(app, http, "GET", OPS, None, "root"))[0] == 401
    assert app.log.count("tokens[0] (root).sha256: must be 64 digits") == 1
    assert "deadbeef" not in app.log


async def test_the_server_token_counts_beside_the_file(
    provisioned: NatsServer, tmp_path: Path, file: Path, http: aiohttp.ClientSession
) -> None:
    settings = {"EVENT_ENDPOINT": provisioned.url, "ACCESS_FILE": str(file), "SERVER_TOKEN": "simple-token"}
    async with running_app(tmp_path / "both", **settings) as app:
        for token in ("simple", "root"):
            assert (await status(app, http, "GET", OPS, None, token))[0] == 200


async def test_a_file_that_is_not_valid_at_the_start_ends_the_process(tmp_path: Path, file: Path) -> None:
    write(file, {"name": "a", "sha256": 123, "publish": ["ops.a*"], "hats": 1})
    app = App(tmp_path / "app", {"ACCESS_FILE": str(file), "EVENT_ENDPOINT": "nats://127.0.0.1:1"})
    await app.spawn()
    assert app.process is not None
    assert await app.process.wait() != 0
    assert "ops-events cannot start: ACCESS_FILE" in app.log
    assert "tokens[0] (a).publish: the filter 'ops.a*' has a * inside a token" in app.log


async def test_each_change_of_configuration_is_a_line_in_the_audit(app: App, http: aiohttp.ClientSession) -> None:
    for method, path, body in (
        ("POST", OPS, made("a")),
        ("PUT", f"{OPS}/a", made("a")),
        ("POST", f"{OPS}/a/pause", {"reason": "s3cret reason"}),
        ("POST", f"{OPS}/a/resume", None),
        ("GET", f"{OPS}/a", None),
        ("POST", f"{API}/ops/eventhook-dryruns", made("a")),
        ("DELETE", f"{OPS}/a/deadletters/7", None),
        ("POST", OPS, made("x\nwho=root from=1.2.3.4")),
        ("DELETE", f"{OPS}/a%0Awho=root", None),
        ("DELETE", f"{OPS}/a", None),
    ):
        await status(app, http, method, path, body, "maker")
    await status(app, http, "DELETE", f"{OPS}/a", None, "reader")
    found = re.findall(r"app\.audit: (.*)", app.log)
    assert found == [
        "who=maker from=127.0.0.1 what=createHook on=ops/a status=201",
        "who=maker from=127.0.0.1 what=replaceHook on=ops/a status=200",
        "who=maker from=127.0.0.1 what=pauseHook on=ops/a status=200",
        "who=maker from=127.0.0.1 what=resumeHook on=ops/a status=200",
        "who=maker from=127.0.0.1 what=forgetDeadLetter on=ops/a/7 status=404",
        "who=maker from=127.0.0.1 what=createHook on=ops/x%0Awho%3Droot%20from%3D1.2.3.4 status=422",
        "who=maker from=127.0.0.1 what=deleteHook on=ops/a%0Awho%3Droot status=404",
        "who=maker from=127.0.0.1 what=deleteHook on=ops/a status=200",
        "who=reader from=127.0.0.1 what=deleteHook on=ops/a status=403",
    ]
    assert "s3cret" not in app.log
