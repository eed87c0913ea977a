"""The channel `elasticsearch` against a stand-in for its bulk API: what is stored, what goes together, what fails."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from app.delivery.channels import elasticsearch
from app.delivery.channels.elasticsearch import Elasticsearch
from app.delivery.delivery import Delivery, Received, delivery_of
from app.delivery.outcome import Answer, Busy, Delivered, Outcome, Refused, TryLater
from app.events.cloudevent import CloudEvent
from tests.unit.delivery.channels.fake_elasticsearch import (
    BUSY,
    FULL,
    MAPPING,
    NO_INDEX,
    NO_SHARD,
    READ_ONLY,
    FakeElasticsearch,
    Fault,
)
from tests.unit.delivery.doubles import PROMPTLY, target
from tests.unit.delivery.endpoints import Handler, answer, endpoint, raw_endpoint, say, status_of

Session = aiohttp.ClientSession


def document(number: int, url: str, data: Any = None, **options: str) -> Delivery:
    event = CloudEvent[Any](id=f"e-{number}", type="T", data={"n": number} if data is None else data)
    to = target(url=f"{url}/events/_doc", channel="elasticsearch", options=options)
    return delivery_of(Received(event, b"", stored=float(number)), to)


async def send_all(session: Session, handler: Handler, *, count: int, **options: str) -> list[Outcome]:
    channel = Elasticsearch(session)
    async with endpoint(handler) as url:
        sending = [channel.send(document(number, url, **options)) for number in range(count)]
        return await asyncio.wait_for(asyncio.gather(*sending), PROMPTLY)


def only(number: int, fault: Fault) -> FakeElasticsearch:
    """A server that finds fault with one document."""

    def judge(source: Mapping[str, Any]) -> Fault | None:
        return fault if source.get("n") == number else None

    return FakeElasticsearch(judge)


async def test_an_events_data_is_stored_under_its_id(session: Session) -> None:
    server = FakeElasticsearch()
    (outcome,) = await send_all(session, server.handle, count=1)

    assert outcome == Delivered(Answer(201, b'{"status":201}'))
    assert {key: stored.source for key, stored in server.documents.items()} == {("events", "e-0"): {"n": 0}}
    assert server.paths[0].startswith("/hook/_bulk?filter_path=")
    assert server.headers[0]["Content-Type"] == "application/x-ndjson"


async def test_a_repeat_finds_its_document_there(session: Session) -> None:
    server, channel = FakeElasticsearch(), Elasticsearch(session)
    async with endpoint(server.handle) as url:
        outcomes = [await channel.send(document(1, url)) for _ in range(2)]

    assert [status_of(outcome) for outcome in outcomes] == [201, 409]
    assert server.sources == [{"n": 1}]


async def test_under_an_id_that_is_given_the_newest_event_stays_whatever_comes_last(session: Session) -> None:
    server, channel = FakeElasticsearch(), Elasticsearch(session)
    async with endpoint(server.handle) as url:
        outcomes = [await channel.send(document(number, url, id="state")) for number in (1, 3, 3, 2)]

    assert [status_of(outcome) for outcome in outcomes] == [201, 200, 200, 409]
    assert server.sources == [{"n": 3}]


async def test_what_is_sent_at_the_same_time_goes_in_one_request(session: Session) -> None:
    server = FakeElasticsearch()
    outcomes = await send_all(session, server.handle, count=100)

    assert [status_of(outcome) for outcome in outcomes] == [201] * 100
    assert server.requests == [100]
    assert sorted(source["n"] for source in server.sources) == list(range(100))


async def test_a_document_alone_goes_at_once_and_those_that_come_meanwhile_gather(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elasticsearch, "_GATHER_SECONDS", 0.1)
    server, channel = FakeElasticsearch(), Elasticsearch(session)
    server.let.clear()
    async with endpoint(server.handle) as url:
        sending = [asyncio.create_task(channel.send(document(0, url)))]
        await server.until_requested(1)
        for number in range(1, 21):
            sending.append(asyncio.create_task(channel.send(document(number, url))))
            await asyncio.sleep(0)
        await server.until_requested(2)
        server.let.set()
        await asyncio.wait_for(asyncio.gather(*sending), PROMPTLY)
        await channel.send(document(30, url))

    assert server.requests == [1, 20, 1]


async def test_a_lone_document_does_not_wait_for_company(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elasticsearch, "_GATHER_SECONDS", 3600)

    assert len(await send_all(session, FakeElasticsearch().handle, count=1)) == 1


async def test_a_request_holds_500_documents_at_most(session: Session) -> None:
    server = FakeElasticsearch()
    await send_all(session, server.handle, count=1201)

    assert sorted(server.requests) == [201, 500, 500]
    assert len(server.documents) == 1201


async def test_a_request_holds_5_mib_at_most_or_one_document(session: Session) -> None:
    server, channel = FakeElasticsearch(), Elasticsearch(session)
    sizes = [2, 2, 2, 7, 1]
    async with endpoint(server.handle) as url:
        sending = [channel.send(document(n, url, {"x": "x" * (size << 20)})) for n, size in enumerate(sizes)]
        outcomes = await asyncio.wait_for(asyncio.gather(*sending), PROMPTLY)

    assert [status_of(outcome) for outcome in outcomes] == [201] * 5
    assert sorted(server.requests) == [1, 1, 1, 2]


async def test_documents_of_different_users_do_not_go_together(session: Session) -> None:
    server, channel = FakeElasticsearch(), Elasticsearch(session)
    users = ("a", "b", "a", "")
    async with endpoint(server.handle) as url:
        await asyncio.gather(*(channel.send(document(n, url, username=user)) for n, user in enumerate(users)))

    given = [headers.get("Authorization", "Basic ").removeprefix("Basic ") for headers in server.headers]
    assert sorted(server.requests) == [1, 1, 2]
    assert sorted(base64.b64decode(each) for each in given) == [b"", b"a:", b"b:"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (MAPPING, Refused),
        (BUSY, Busy),
        (NO_SHARD, TryLater),
        (READ_ONLY, TryLater),
        (NO_INDEX, TryLater),
        (FULL, TryLater),
        ((500, "null_pointer_exception", "oh"), TryLater),
        ((400, "not a type: s3cret", "oh"), Refused),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
async def test_one_document_that_fails_does_not_fail_the_others(
    session: Session, fault: Fault, kind: type[Refused | Busy | TryLater]
) -> None:
    status, name, _ = fault
    outcomes = await send_all(session, only(3, fault).handle, count=5)
    failed = outcomes.pop(3)

    assert [status_of(outcome) for outcome in outcomes] == [201] * 4
    assert type(failed) is kind
    assert failed.reason == f"Elasticsearch answered {status}" + (f" ({name})" if " " not in name else "")
    assert failed.answer is not None
    assert failed.answer.status == status
    assert name.encode() in failed.answer.body


async def test_a_request_that_is_too_large_is_sent_in_parts(session: Session) -> None:
    server = FakeElasticsearch(most_bytes=500)
    outcomes = await send_all(session, server.handle, count=64)

    assert [status_of(outcome) for outcome in outcomes] == [201] * 64
    assert max(server.requests) == 64
    assert len(server.documents) == 64


async def test_a_document_that_is_too_large_alone_is_refused(session: Session) -> None:
    outcomes = await send_all(session, FakeElasticsearch(most_bytes=10).handle, count=2)

    assert outcomes == [Refused("the endpoint answered 413", Answer(413))] * 2


async def test_a_document_that_spoils_its_request_fails_alone(session: Session) -> None:
    server = FakeElasticsearch(malformed='{"n":7}')
    outcomes = await send_all(session, server.handle, count=16)
    spoilt = outcomes.pop(7)

    assert isinstance(spoilt, Refused)
    assert spoilt.reason == "the endpoint answered 400"
    assert [status_of(outcome) for outcome in outcomes] == [201] * 15


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"errors":false}',
        b'{"items":7}',
        b'{"items":[7]}',
        b'{"items":[{}]}',
        b'{"items":[{"create":7}]}',
        b'{"items":[{"create":{"status":"201"}}]}',
    ],
)
async def test_an_answer_that_says_nothing_of_the_document_is_no_success(session: Session, body: bytes) -> None:
    outcomes = await send_all(session, answer(200, body), count=2)

    no_word = TryLater("no word of the document: the answer is cut off, or not that of Elasticsearch")
    assert [type(outcome) for outcome in outcomes] == [TryLater] * 2
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, TryLater)} == {no_word.reason}


async def test_of_an_answer_that_is_cut_off_what_has_come_counts(session: Session) -> None:
    come = b'{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"error":{"type":"x","reas'
    channel = Elasticsearch(session)
    async with raw_endpoint(say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + come)) as url:
        outcomes = await asyncio.gather(*(channel.send(document(number, url)) for number in range(3)))

    assert [type(outcome) for outcome in outcomes] == [Delivered, Refused, TryLater]


async def test_a_fault_that_is_explained_at_length_is_understood_all_the_same(session: Session) -> None:
    fault = (400, "document_parsing_exception", "preview: " + "x" * 3_000_000)
    (outcome,) = await send_all(session, only(0, fault).handle, count=1)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "Elasticsearch answered 400 (document_parsing_exception)"
    assert outcome.answer is not None
    assert len(outcome.answer.body) == 1024


async def test_an_attempt_that_is_cancelled_takes_the_others_nothing_away(session: Session) -> None:
    server, channel = FakeElasticsearch(), Elasticsearch(session)
    server.let.clear()
    async with endpoint(server.handle) as url:
        sending = [asyncio.create_task(channel.send(document(number, url))) for number in range(3)]
        await server.until_requested(1)
        sending[0].cancel()
        server.let.set()
        outcomes = await asyncio.wait_for(asyncio.gather(*sending[1:]), PROMPTLY)

    assert [status_of(outcome) for outcome in outcomes] == [201, 201]


async def test_nothing_is_kept_of_requests_that_have_ended(session: Session) -> None:
    channel = Elasticsearch(session)
    async with endpoint(FakeElasticsearch().handle) as url:
        await asyncio.gather(*(channel.send(document(number, url)) for number in range(600)))
        await channel.send(document(0, "http://127.0.0.1:9"))

    assert not channel._open
    assert not channel._under_way
