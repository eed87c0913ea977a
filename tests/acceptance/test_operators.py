"""What operators do with hooks, through the front door: pause, resume, replay, try, ask why."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
from nats.aio.client import Client

from tests.acceptance.asking import read, read_until
from tests.acceptance.test_hooks import HOOKS, create, post
from tests.app import App, hook
from tests.consumers import DURABLES
from tests.receiver import Call, Receiver
from tests.server.records import bury

DRY_RUNS = HOOKS.replace("eventhooks", "eventhook-dryruns")


async def do(http: aiohttp.ClientSession, app: App, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Ask for something to be done with a hook; what is answered."""
    async with http.request(method, f"{app.url}{path}", json=body) as response:
        answer = await response.json()
        assert response.status in {200, 201}, answer
        return dict(answer["data"])


async def replay(http: aiohttp.ClientSession, app: App, name: str, **body: Any) -> str:
    return str((await do(http, app, "POST", f"{HOOKS}/{name}/replays", body))["id"])


async def over(http: aiohttp.ClientSession, app: App, name: str, replay_id: str) -> dict[str, Any]:
    """A replay, once it is over."""
    return await read_until(http, app, f"{name}/replays/{replay_id}", lambda found: found["state"] != "running")


def brought_by(receiver: Receiver, replay_id: str) -> list[Call]:
    return [call for call in receiver.calls if call.headers.get("webhook-replay") == replay_id]


async def test_a_paused_hook_gets_nothing_and_everything_once_it_is_resumed(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await create(http, app, hook("rests", f"{receiver.url}/rests"))
    await create(http, app, hook("works", f"{receiver.url}/works"))
    paused = await do(http, app, "POST", f"{HOOKS}/rests/pause", {"reason": "they move house"})
    assert (paused["state"], paused["reason"], paused["by"]) == ("paused", "they move house", "operator")
    assert (await read(http, app, "rests"))["status"] == paused
    assert (await read(http, app, "works"))["status"]["state"] == "active"
    ids = [await post(http, app, "report", {"n": number}) for number in range(50)]
    await receiver.wait_for(lambda: len(receiver.calls) == 50)
    assert {call.path for call in receiver.calls} == {"/hook/works"}
    await read_until(http, app, "rests/stats", lambda stats: stats["parked"] == 50)
    waits = await read(http, app, f"rests/explain?event={ids[0]}")
    assert (waits["verdict"], waits["hook"]["state"]) == ("paused", "paused")

    assert await do(http, app, "POST", f"{HOOKS}/rests/resume") == {
        "state": "active",
        "reason": None,
        "by": None,
        "since": None,
    }
    await receiver.wait_for(lambda: len(receiver.calls) == 100)
    rests = Counter(call.text for call in receiver.calls if call.path == "/hook/rests")
    assert rests == Counter(f'{{"n":{number}}}' for number in range(50))
    explained = await read_until(http, app, f"rests/explain?event={ids[0]}", lambda one: one["verdict"] == "delivered")
    assert [attempt["outcome"] for attempt in explained["attempts"]] == ["delivered"]


async def test_a_replay_brings_the_past_once_more_and_says_so(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await create(http, app, hook("one", receiver.url, keywords={"include": ["wanted"]}))
    for number in range(40):
        await post(http, app, "report", {"text": "wanted" if number % 2 else "boring", "n": number})
    await receiver.wait_for(lambda: len(receiver.calls) == 20)
    first = {call.headers["webhook-id"]: call.body for call in receiver.calls}

    replay_id = await replay(http, app, "one", **{"from": {"sequence": 1}, "rate": 1000})
    done = await over(http, app, "one", replay_id)
    assert (done["state"], done["read"], done["matched"], done["copied"], done["total"]) == ("done", 40, 20, 20, 40)
    await receiver.wait_for(lambda: len(brought_by(receiver, replay_id)) == 20)
    assert {call.headers["webhook-id"]: call.body for call in brought_by(receiver, replay_id)} == first
    assert len(receiver.calls) == 40
    page = await read_until(http, app, "one/attempts?page_size=50", lambda page: page["total"] == 40)
    assert Counter(attempt["replay"] for attempt in page["list"]) == {"": 20, replay_id: 20}
    assert [found["id"] for found in (await read(http, app, "one/replays"))["list"]] == [replay_id]


async def test_what_a_stopped_replay_has_copied_is_not_delivered(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await create(http, app, hook("one", receiver.url))
    for number in range(30):
        await post(http, app, "report", {"n": number})
    await receiver.wait_for(lambda: len(receiver.calls) == 30)
    await do(http, app, "POST", f"{HOOKS}/one/pause")
    replay_id = await replay(http, app, "one", **{"from": {"sequence": 1}, "rate": 10})
    await read_until(http, app, f"one/replays/{replay_id}", lambda found: found["state"] == "running")
    await read_until(http, app, "one/stats", lambda stats: stats["parked"] >= 5)
    stopped = await do(http, app, "DELETE", f"{HOOKS}/one/replays/{replay_id}")
    assert stopped["state"] == "stopped"
    await post(http, app, "report", {"n": 30})
    await do(http, app, "POST", f"{HOOKS}/one/resume")
    await receiver.wait_for(lambda: receiver.calls[-1].text == '{"n":30}')
    await read_until(http, app, "one/stats", lambda stats: stats["parked"] == 0)
    assert brought_by(receiver, replay_id) == []
    assert len(receiver.calls) == 31


async def test_dead_letters_are_replayed(
    app: App, http: aiohttp.ClientSession, receiver: Receiver, wire: Client
) -> None:
    await create(http, app, hook("one", receiver.url))
    for number in range(25):
        await bury(wire, number + 1, target="hooks.ops-system.one")
    replay_id = await replay(http, app, "one", **{"from": {"dead_letters": True}, "rate": 1000})
    assert (await over(http, app, "one", replay_id))["copied"] == 25
    await receiver.wait_for(lambda: len(receiver.calls) == 25)
    assert Counter(call.headers["webhook-id"] for call in receiver.calls) == Counter(f"d{n + 1}" for n in range(25))
    assert len(brought_by(receiver, replay_id)) == 25
    assert (await read(http, app, "one/deadletters"))["total"] == 0


async def test_a_dry_run_says_what_would_match_and_sends_nothing(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    for number in range(30):
        await post(http, app, "report", {"text": "wanted" if number % 3 else "boring", "n": number})
    draft = hook("draft", f"{receiver.url}?token=s3cr3t-of-mine-4711", keywords={"include": ["wanted"]})
    found = await do(http, app, "POST", f"{DRY_RUNS}?hours=1", {"spec": draft["spec"]})
    assert (found["complete"], found["read"], found["matched"]) == (True, 30, 20)
    assert found["subjects"] == [{"subject": "ops.clusters.default.namespaces.default.report", "matched": 20}]
    assert len(found["samples"]) == 10
    assert found["samples"][0]["sends"]["body"] == found["samples"][0]["text"] == '{"text":"wanted","n":29}'
    assert "s3cr3t" not in str(found)
    created = await create(http, app, draft)
    assert created["metadata"]["name"] == "draft", "a dry run keeps nothing"
    assert receiver.calls == []


async def test_why_a_hook_fired_or_not_is_explained(app: App, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    await create(http, app, hook("one", receiver.url, keywords={"include": ["wanted"]}))
    wanted = await post(http, app, "report", {"text": "wanted"})
    boring = await post(http, app, "report", {"text": "boring"})
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    fired = await read_until(http, app, f"one/explain?event={wanted}", lambda one: one["verdict"] == "delivered")
    assert fired["keywords"]["include"] == [{"word": "wanted", "matches": True}]
    assert fired["event"]["sequence"] == 1
    for query in (f"event={boring}", "sequence=2"):
        not_fired = await read(http, app, f"one/explain?{query}")
        assert (not_fired["verdict"], not_fired["event"]["id"]) == ("not_matched", boring)
        assert not_fired["because"] == ["The text has none of the keywords of include."]
    async with http.get(f"{app.url}{HOOKS}/one/explain?event=nonesuch") as response:
        assert response.status == 404
        assert "back to the sequence 1" in (await response.json())["message"]


async def test_a_replay_that_breaks_a_rule_is_refused_by_field(app: App, http: aiohttp.ClientSession) -> None:
    await create(http, app, hook("one", "http://127.0.0.1:1/x"))
    async with http.post(f"{app.url}{HOOKS}/one/replays", json={"from": {"sequence": 99}, "rate": 0}) as response:
        assert response.status == 422
        assert (await response.json())["message"].startswith("rate: ")
    async with http.post(f"{app.url}{HOOKS}/other/replays", json={"from": {"sequence": 1}}) as response:
        assert response.status == 404


async def test_questions_leave_nothing_behind(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    await create(http, app, hook("one", "http://127.0.0.1:1/x", "ops.nothing"))
    event = await post(http, app, "report", {"text": "wanted"})
    await asyncio.gather(
        do(http, app, "POST", DRY_RUNS, hook("draft", "http://127.0.0.1:1/x")),
        read(http, app, f"one/explain?event={event}"),
    )
    for stream in ("ops", "ops-parked", "ops-dead-letters", "ops-attempts"):
        names = {info.name for info in await wire.jetstream().consumers_info(stream)}
        assert names <= DURABLES, stream
