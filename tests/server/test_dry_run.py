"""Dry runs on a real server: the counts are exact, and nothing is sent, parked or left behind."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from nats.aio.client import Client

from app.delivery.delivery import Received
from app.errors import InvalidResourceError, UnavailableError
from app.hooks.matching.judge import Judge
from app.hooks.matching.match import CompiledHook
from app.hooks.questions.dry_run import DryRuns, Matches
from app.jetstream.read import StreamReader
from tests.consumers import passing
from tests.server.replaying import publish
from tests.servers import NatsServer


def draft(subject: str = "ops.*", **spec: Any) -> dict[str, Any]:
    return {"spec": {"type": "webhook", "subject": subject, "url": "http://user:pa55word@receiver.example/", **spec}}


def runs(client: Client, **bounds: Any) -> DryRuns:
    return DryRuns(StreamReader(lambda: client), bounds.pop("decide", Judge().wants), **bounds)


async def test_what_would_match_is_counted_exactly(client: Client) -> None:
    await publish(client, 2000, "ops.a", "wanted")
    await publish(client, 3000, "ops.b", "boring")
    await publish(client, 1000, "ops.b", "wanted")
    await publish(client, 500, "ops.c.d", "wanted")
    await client.jetstream().publish("ops.a", b"no event, but wanted")
    found = await runs(client).run("default", draft(keywords={"include": ["wanted"]}), hours=1)
    assert (found.complete, found.read, found.matched) == (True, 6001, 3000)
    assert (found.undecided, found.unreadable) == (0, 1)
    assert found.subjects == [Matches("ops.a", 2000), Matches("ops.b", 1000)]
    assert found.first is not None
    assert found.last is not None
    assert (found.first.sequence, found.last.sequence) == (1, 6501)
    assert found.first.time <= found.last.time


async def test_nothing_is_sent_parked_or_left_behind(client: Client) -> None:
    await publish(client, 100, "ops.a", "wanted")
    await runs(client).run("default", draft(), hours=1)
    context = client.jetstream()
    assert {info.config.name: info.state.messages for info in await context.streams_info() if info.state.messages} == {
        "ops": 100
    }
    assert await passing(client) == []


async def test_the_samples_are_the_newest_that_match(client: Client) -> None:
    await publish(client, 2500, "ops.a", "wanted")
    await publish(client, 5, "ops.a", "boring")
    found = await runs(client).run("default", draft(keywords={"include": ["wanted"]}, additional=" !"), hours=1)
    assert [sample.sequence for sample in found.samples] == list(range(2500, 2490, -1))
    newest = found.samples[0]
    assert (newest.id, newest.type, newest.subject) == ("ops.a-wanted-2499", "Default", "ops.a")
    assert newest.text == '{"wanted":2499}'
    assert newest.sends.body == '{"wanted":2499} !'


async def test_a_sample_shows_where_it_would_go_without_secrets(client: Client) -> None:
    await publish(client, 1, "ops.a")
    found = await runs(client).run("default", draft(), hours=1)
    assert "receiver.example" in found.samples[0].sends.to
    assert "pa55word" not in repr(found)
    forwarded = {"type": "event", "url": "ops.forwarded.*"}
    found = await runs(client).run("default", draft("ops.>", **forwarded), hours=1)
    assert found.samples[0].sends.to.startswith("nowhere: the url has a * at place 3")


async def test_long_texts_are_cut(client: Client) -> None:
    await publish(client, 1, "ops.a", "x" * 1000)
    found = await runs(client).run("default", draft(), hours=1)
    assert len(found.samples[0].text) == len(found.samples[0].sends.body) == 500


async def test_the_hours_bound_what_is_looked_at(client: Client) -> None:
    await publish(client, 20, "ops.a", "before")
    await asyncio.sleep(0.3)  # room on both sides, for the run begins a little later than it is told
    between = time.time()
    await asyncio.sleep(0.3)
    await publish(client, 30, "ops.a", "after")
    found = await runs(client).run("default", draft(), hours=(time.time() - between) / 3600)
    assert (found.complete, found.read, found.matched) == (True, 30, 30)


async def test_an_empty_stream_matches_nothing(client: Client) -> None:
    found = await runs(client).run("default", draft(), hours=1)
    assert (found.complete, found.read, found.first, found.last) == (True, 0, None, None)
    assert (found.samples, found.subjects) == ([], [])


async def test_a_bound_of_number_keeps_the_newest_whole(client: Client) -> None:
    await publish(client, 4000, "ops.a")
    found = await runs(client, events=500).run("default", draft(), hours=1)
    assert not found.complete
    assert found.first is not None
    assert found.last is not None
    assert 500 <= found.read < 4000
    assert found.read == found.matched == found.last.sequence - found.first.sequence + 1
    assert found.last.sequence == 4000


async def test_a_bound_of_time_keeps_the_newest_whole(client: Client) -> None:
    await publish(client, 4000, "ops.a")

    async def hangs_at_old_events(_: CompiledHook, received: Received) -> bool:
        if received.sequence < 2500:
            await asyncio.Event().wait()
        return True

    found = await runs(client, decide=hangs_at_old_events, seconds=1).run("default", draft(), hours=1)
    assert not found.complete
    assert found.first is not None
    assert found.last is not None
    assert found.last.sequence == 4000
    assert 0 < found.read == found.last.sequence - found.first.sequence + 1
    assert await passing(client) == []


async def test_what_cannot_be_decided_counts_as_matched_and_is_told(client: Client) -> None:
    await publish(client, 10, "ops.a")

    async def undecided(_: CompiledHook, received: Received) -> bool | None:
        return None if received.sequence > 6 else received.sequence > 3

    found = await runs(client, decide=undecided).run("default", draft(), hours=1)
    assert (found.matched, found.undecided) == (7, 4)


async def test_a_hook_that_breaks_a_rule_is_refused_by_field(client: Client) -> None:
    with pytest.raises(InvalidResourceError, match=r"spec\.subject"):
        await runs(client).run("default", draft("alerts.>"), hours=1)
    with pytest.raises(InvalidResourceError, match=r"metadata\.namespace"):
        await runs(client).run("default", {"metadata": {"namespace": "other"}, **draft()}, hours=1)


async def test_without_nats_it_is_told(client: Client, nats_server: NatsServer) -> None:
    await nats_server.kill()
    with pytest.raises(UnavailableError):
        await runs(client).run("default", draft(), hours=1)
