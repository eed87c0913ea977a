"""Notifications over HTTP: receivers and routes, trying them, silences, what was unrouted."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from nats.aio.client import Client

from tests.acceptance.access import bearer, entry, write
from tests.acceptance.test_notifications import ONE, bodies, post, routes
from tests.app import App, running_app
from tests.receiver import Receiver
from tests.servers import NatsServer

ROOT = "/api/v1/notifications"
SECRET = "S3CR3T-ROUTING-KEY"


async def ask(
    http: aiohttp.ClientSession, app: App, method: str, path: str, given: Any = None, **headers: str
) -> tuple[int, Any]:
    """The status, and what is answered: the data of a success, the message of an error."""
    data = given if isinstance(given, str | bytes | None) else json.dumps(given)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.request(method, f"{app.url}{ROOT}/{path}", data=data, headers=named) as response:
        answer = await response.json()
        return response.status, answer["data"] if response.ok else answer["message"]


async def until(http: aiohttp.ClientSession, app: App, path: str, reached: Callable[[Any], Any]) -> Any:
    """What is answered, once it is so."""
    async with asyncio.timeout(20):
        while True:
            _, found = await ask(http, app, "GET", path)
            if reached(found):
                return found
            await asyncio.sleep(0.05)


def configuration(url: str, **route: Any) -> dict[str, Any]:
    return {
        "receivers": [
            {"name": "operators", "destination": {"type": "webhook", "url": url}},
            {"name": "oncall", "destination": {"type": "pagerduty", "routingKey": SECRET}},
        ],
        "routes": [
            {"match": {"severity": "critical"}, "receivers": ["oncall"]},
            {"match": {"severity": {"atLeast": "error"}}, "receivers": ["operators"], **route},
        ],
    }


def silence(**changes: Any) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    times = {"from": (now - dt.timedelta(minutes=1)).isoformat(), "to": (now + dt.timedelta(hours=1)).isoformat()}
    return {"match": {"data": {"cluster": "a"}}, **times, "author": "me", "reason": "work", **changes}


async def test_routes_are_replaced_read_and_in_force(app: App, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    assert await ask(http, app, "GET", "configuration") == (
        200,
        {"revision": 0, "source": "api", "file": "", "configuration": {"receivers": []}},
    )
    status, told = await ask(http, app, "PUT", "configuration", configuration(receiver.url))
    assert (status, told["revision"]) == (200, 1)
    assert told["configuration"]["receivers"][1]["destination"] == {"type": "pagerduty", "routingKey": "***"}
    await post(http, app, title="disk")
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert bodies(receiver)[0]["title"] == "disk"


async def test_yaml_is_taken_and_faults_are_told_with_line_and_field(app: App, http: aiohttp.ClientSession) -> None:
    text = "receivers:\n  - name: a\n    destination: {type: webhook, url: ftp://a}\nroutes:\n  - {receivers: [b]}\n"
    assert await ask(http, app, "PUT", "configuration", text) == (
        422,
        "line 3: receivers[0].destination.url: must be a URL that begins with http:// or https://",
    )
    mended = text.replace("ftp", "http")
    assert await ask(http, app, "PUT", "configuration", mended) == (
        422,
        "line 5: routes[0].receivers[0]: no receiver is called b",
    )
    assert (await ask(http, app, "PUT", "configuration", mended.replace("[b]", "[a]")))[0] == 200


async def test_what_is_read_can_be_sent_back_and_keeps_its_secrets(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    await ask(http, app, "PUT", "configuration", configuration("http://127.0.0.1:9/"))
    _, read = await ask(http, app, "GET", "configuration")
    read["configuration"]["default"] = "oncall"
    assert (await ask(http, app, "PUT", "configuration", read["configuration"]))[0] == 200
    moved = {"name": "oncall", "destination": {"type": "opsgenie", "apiKey": "***"}}
    status, message = await ask(http, app, "PUT", "configuration", {"receivers": [moved]})
    assert (status, "write it anew" in message) == (422, True)
    kept = await (await wire.jetstream().key_value("ops-notifications")).get("configuration")
    assert kept.value is not None
    assert SECRET.encode() not in kept.value
    assert SECRET not in app.log


async def test_who_replaces_what_has_changed_meanwhile_is_told(app: App, http: aiohttp.ClientSession) -> None:
    given = configuration("http://127.0.0.1:9/")
    _, first = await ask(http, app, "PUT", "configuration", given)
    revision = str(first["revision"])
    assert (await ask(http, app, "PUT", "configuration", given, If_Match=f'"{revision}"'))[0] == 200
    status, message = await ask(http, app, "PUT", "configuration", given, If_Match=revision)
    assert (status, "read it again" in message) == (409, True)
    assert (await ask(http, app, "PUT", "configuration", given, If_Match="odd"))[0] == 400


async def test_where_a_file_is_the_truth_the_api_says_so(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    environment = routes(tmp_path, ONE, url=receiver.url)
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, **environment) as app:
        _, told = await ask(http, app, "GET", "configuration")
        assert (told["source"], told["file"]) == ("file", environment["NOTIFICATIONS_FILE"])
        status, message = await ask(http, app, "PUT", "configuration", {"receivers": []})
        assert (status, "change them there" in message) == (409, True)


async def test_a_check_tells_whom_a_notification_would_reach(app: App, http: aiohttp.ClientSession) -> None:
    await ask(http, app, "PUT", "configuration", configuration("http://127.0.0.1:9/"))
    asked = {"notification": {"provider": "p", "channel": "c", "severity": "error", "data": {"a": 1}}}
    _, told = await ask(http, app, "POST", "check", asked)
    assert (told["receivers"], told["by"]) == (["operators"], [{"route": "routes[1]", "receivers": ["operators"]}])
    assert told["ways"] == [{"receiver": "operators", "type": "webhook", "routes": ["routes[1]"], "how": "at once"}]
    assert told["silenced"] is False
    text = "receivers: [{name: x, destination: {type: slack, url: https://a}}]\ndefault: x"
    _, other = await ask(http, app, "POST", "check", {**asked, "configuration": text})
    assert (other["receivers"], other["by"], other["warnings"]) == (["x"], [], [])
    _, warned = await ask(http, app, "POST", "check", {**asked, "configuration": text.replace("default: x", "")})
    assert (warned["receivers"], warned["warnings"][0]) == ([], "line 1: receivers[0]: no route names x")
    await ask(http, app, "POST", "silences", silence(match={"data": {"a": 1}}))
    assert (await ask(http, app, "POST", "check", asked))[1]["silenced"] is True
    assert (await ask(http, app, "POST", "check", {"odd": 1}))[0] == 400
    assert (await ask(http, app, "POST", "check", {"notification": {"odd": 1}}))[0] == 422
    assert (await ask(http, app, "POST", "check", {"configuration": "receivers: 5"}))[0] == 422
    assert (await ask(http, app, "POST", "check", {"configuration": None}))[0] == 422


async def test_a_configuration_that_cannot_be_read_any_more_can_be_replaced(
    app: App, http: aiohttp.ClientSession, wire: Client, receiver: Receiver
) -> None:
    bucket = await wire.jetstream().key_value("ops-notifications")
    await bucket.put("configuration", b"sealed with a key that nobody has")
    async with asyncio.timeout(20):
        while (await ask(http, app, "GET", "configuration"))[0] != 503:  # noqa: ASYNC110 -- another process reads it
            await asyncio.sleep(0.05)
    await post(http, app, title="kept meanwhile")
    assert (await ask(http, app, "POST", "check", {"configuration": "receivers: []"}))[0] == 200
    assert (await ask(http, app, "PUT", "configuration", configuration(receiver.url)))[0] == 200
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert bodies(receiver)[0]["title"] == "kept meanwhile"


async def test_a_template_is_tried_on_a_sample_or_on_what_is_given(app: App, http: aiohttp.ClientSession) -> None:
    template = {"title": "{{ severity | upper }} {{ title }}", "body": '{"text": {{ title | tojson }}}'}
    _, told = await ask(http, app, "POST", "preview", {"template": template})
    assert told == {"title": "ERROR disk", "message": "the disk of node-a is full", "body": '{"text": "ERROR disk"}'}
    asked = {"provider": "p", "channel": "c", "severity": "info", "data": {"title": "ä", "at": {"x": 1}}}
    given = {"template": {"title": "{{ provider }} {{ channel }} {{ data.at.x }} {{ title }}"}, "notification": asked}
    _, other = await ask(http, app, "POST", "preview", given)
    assert (other["title"], other["body"]) == ("p c 1 ä", None)
    bare = {"template": {"title": "[{{ provider }}]"}, "notification": {}}
    assert (await ask(http, app, "POST", "preview", bare))[1]["title"] == "[]"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"template": {"title": "a\n{{ titel }}"}}, "template: title: line 2: there is no titel"),
        ({"template": {"message": "{{ data.host * 2 }}"}}, "template: message: * is for numbers here"),
        ({"template": {"body": "{% for a in data.m %}" * 9 + "{% endfor %}" * 9}}, None),
        ({"template": {"title": "{{ " + "(" * 9000}}, "template: title: it is nested too deeply"),
        ({"template": {"odd": "x"}}, "template.odd"),
        ({"template": {"contentType": "a\r\nb: c"}}, "template.contentType: must be a media type"),
        ({"template": 5}, "template"),
        ({"template": {}, "notification": {"data": 5}}, "notification.data"),
        ({}, "template: is missing"),
    ],
)
async def test_what_cannot_be_tried_says_why(
    app: App, http: aiohttp.ClientSession, given: dict[str, Any], why: str | None
) -> None:
    status, told = await ask(http, app, "POST", "preview", given)
    assert (status, why is None or why in told) == (200 if why is None else 422, True), told


async def test_receivers_are_listed_without_secrets(app: App, http: aiohttp.ClientSession) -> None:
    url = "https://hooks.example.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx"
    await ask(http, app, "PUT", "configuration", configuration(url))
    _, page = await ask(http, app, "GET", "receivers?page_size=5")
    assert [(one["name"], one["type"]) for one in page["list"]] == [("oncall", "pagerduty"), ("operators", "webhook")]
    assert "abcdefghijklmnopqrstuvwx" not in json.dumps(page)


async def test_a_receiver_has_attempts_dead_letters_and_statistics(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await ask(http, app, "PUT", "configuration", configuration(receiver.url))
    await post(http, app, title="disk")
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    await until(http, app, "receivers/operators/attempts", lambda found: found["list"])
    await until(http, app, "receivers/operators/stats", lambda found: found["delivered"] == 1)
    assert (await ask(http, app, "GET", "receivers/operators/deadletters"))[1]["list"] == []
    for path in ("attempts", "stats", "deadletters"):
        assert (await ask(http, app, "GET", f"receivers/nobody/{path}"))[0] == 404
        assert (await ask(http, app, "GET", f"receivers/no.body/{path}"))[0] == 404


async def test_what_was_unrouted_is_listed_and_routed_once_there_is_a_route(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await post(http, app, "warning", title="early")
    found = await until(http, app, "unrouted", lambda found: found["list"])
    assert found["list"][0]["subject"].endswith("severities.warning")
    assert "no route takes it" in found["list"][0]["reason"]
    await ask(http, app, "PUT", "configuration", {**configuration(receiver.url), "default": "operators"})
    assert (await ask(http, app, "POST", "unrouted/redrive", {}))[1]["redriven"] == 1
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert bodies(receiver)[0]["title"] == "early"
    assert (await ask(http, app, "GET", "unrouted"))[1]["total"] == 0


async def test_a_silence_is_made_seen_changed_and_ended(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await ask(http, app, "PUT", "configuration", configuration(receiver.url))
    status, made = await ask(http, app, "POST", "silences", silence())
    assert (status, made["state"], made["author"]) == (201, "active", "me")
    path = f"silences/{made['id']}"
    assert (await ask(http, app, "GET", path))[1] == made
    assert (await ask(http, app, "GET", "silences"))[1]["list"] == [made]
    await post(http, app, title="muted", cluster="a")
    await post(http, app, title="told", cluster="b")
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    assert (await ask(http, app, "PUT", path, silence(match={"data": {"cluster": "b"}})))[0] == 200
    await post(http, app, title="muted now", cluster="b")
    await post(http, app, title="told now", cluster="a")
    await receiver.wait_for(lambda: len(receiver.calls) == 2)
    assert (await ask(http, app, "DELETE", path))[0] == 200
    assert (await ask(http, app, "GET", path))[0] == 404
    await post(http, app, title="told again", cluster="b")
    await receiver.wait_for(lambda: len(receiver.calls) == 3)
    assert [body["title"] for body in bodies(receiver)] == ["told", "told now", "told again"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"match": {}}, "would mute everything"),
        ({"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}, "to: lies in the past"),
        ({"author": ""}, "author"),
        ({"odd": 1}, "odd"),
        ({"from": "9999-12-30T00:00:00Z", "to": "9999-12-31T00:00:00Z"}, "in the years 1970 to 9000"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "in the years 1970 to 9000"),
        ({"match": {"severity": {"atLeast": "odd"}}}, "match.severity"),
    ],
)
async def test_a_silence_that_breaks_a_rule_is_refused(
    app: App, http: aiohttp.ClientSession, changes: dict[str, Any], why: str
) -> None:
    status, message = await ask(http, app, "POST", "silences", silence(**changes))
    assert (status, why in message) == (422, True), message
    assert (await ask(http, app, "GET", "silences/odd"))[0] == 404


async def test_a_preview_tells_what_a_silence_would_have_muted(app: App, http: aiohttp.ClientSession) -> None:
    for cluster in "aab":
        await post(http, app, title="disk", cluster=cluster)
    _, told = await ask(http, app, "POST", "silence-previews", silence())
    assert (told["seen"], told["muted"], told["complete"], len(told["notifications"])) == (3, 2, True, 2)
    assert (await ask(http, app, "GET", "silences"))[1]["total"] == 0


async def test_the_end_of_a_silence_is_told_of_in_time(
    app: App, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await ask(http, app, "PUT", "configuration", {**configuration(receiver.url), "default": "operators"})
    end = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=62)).isoformat()
    await ask(http, app, "POST", "silences", silence(to=end, noticeBefore="60s"))
    await receiver.wait_for(lambda: len(receiver.calls) == 1)
    (body,) = bodies(receiver)
    assert (body["title"], body["severity"]) == ("a silence of me ends in 1m", "info")


async def test_who_manages_some_hooks_only_does_not_manage_notifications(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    file = tmp_path / "access.yaml"
    write(file, entry("some", hooks=["ops"]), entry("every", hooks=["*"]))
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, ACCESS_FILE=str(file)) as app:
        for path in ("configuration", "receivers", "silences", "unrouted"):
            assert (await ask(http, app, "GET", path, **bearer("some")))[0] == 403
            assert (await ask(http, app, "GET", path, **bearer("every")))[0] == 200
        status, _ = await ask(http, app, "POST", "silences", silence(), **bearer("every"))
        assert status == 201
        assert "who=every from=127.0.0.1 what=createSilence on=" in app.log
