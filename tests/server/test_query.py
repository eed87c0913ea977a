"""Pages of events of a real stream, newest first: exact, whatever is deleted, expired or arrives meanwhile."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from typing import Any

import pytest
from nats.aio.client import Client

from app.archive import scan
from app.archive.criteria import Criteria
from app.archive.query import Events, Page, Query
from app.errors import UnavailableError
from app.ingress.query import LATEST
from app.jetstream.ending import end
from app.jetstream.past import Slice
from app.jetstream.read import StreamReader
from tests.consumers import passing
from tests.servers import NatsServer


@pytest.fixture
def reader(client: Client) -> StreamReader:
    return StreamReader(lambda: client)


@pytest.fixture
def events(reader: StreamReader) -> Events:
    return Events(reader)


async def publish(client: Client, *tokens: str, payload: bytes = b"x") -> None:
    """An event on `ops.{token}` for each."""
    context = client.jetstream()
    for token in tokens:
        await context.publish_async(f"ops.{token}", payload)
    await context.publish_async_completed()


def sequences(page: Page) -> list[int]:
    return [json.loads(item)["sequence"] for item in page.items]


async def everything(events: Events, query: Query, size: int) -> tuple[list[int], set[int]]:
    """The sequences of all pages, and the totals that they tell."""
    found: list[int] = []
    totals: set[int] = set()
    while True:
        page = await events.page(query, len(found), size)
        assert page.complete
        totals.add(page.total)
        found += sequences(page)
        if len(page.items) < size:
            return found, totals


async def test_a_page_holds_the_newest_events_first(client: Client, events: Events) -> None:
    await publish(client, *"abab")
    page = await events.page(Query("ops.*"), 0, 3)
    assert [json.loads(item)["subject"] for item in page.items] == ["ops.b", "ops.a", "ops.b"]
    assert (sequences(page), page.total, page.first, page.last) == ([4, 3, 2], 4, 1, 4)


# Dense, sparse, in clusters, at one end only: where the messages of the filter lie must not matter.
SHAPES: Any = {
    "all": lambda _: True,
    "every seventh": lambda n: n % 7 == 3,
    "clusters": lambda n: n // 50 % 5 == 1,
    "oldest only": lambda n: n < 90,
    "newest only": lambda n: n > 510,
    "both ends": lambda n: n < 45 or n > 560,
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_pages_hold_each_event_of_a_filter_once_in_order_with_one_total(
    client: Client, reader: StreamReader, events: Events, shape: str
) -> None:
    tokens = ["b" if SHAPES[shape](number) else "a" for number in range(600)]
    await publish(client, *tokens)
    gone = {1, 2, 30, 31, 77, 300, 301, 599, 600}
    for sequence in gone:
        await reader.delete("ops", sequence)
    wanted = [n for n, token in enumerate(tokens, 1) if token == "b" and n not in gone][::-1]
    for size in (7, 64, 1000):
        assert await everything(events, Query("ops.b"), size) == (wanted, {len(wanted)})


async def test_a_page_behind_the_last_is_empty_and_tells_the_total(client: Client, events: Events) -> None:
    await publish(client, *"aaa")
    page = await events.page(Query("ops.a"), 3, 10)
    assert (page.items, page.total) == ([], 3)


async def test_an_empty_stream_has_an_empty_page(client: Client, events: Events) -> None:
    for query in (Query("ops.>"), Query("ops.a", start_time=time.time()), Query("ops.>", criteria=Criteria(text="x"))):
        page = await events.page(query, 0, 10)
        assert (page.items, page.total, page.complete) == ([], 0, True)


async def test_a_stream_whose_events_have_all_gone_has_an_empty_page(client: Client, events: Events) -> None:
    await publish(client, *"aaa")
    await client.jetstream().purge_stream("ops")
    page = await events.page(Query("ops.>"), 0, 10)
    assert (page.items, page.total) == ([], 0)
    await publish(client, "a")
    assert sequences(await events.page(Query("ops.>"), 0, 10)) == [4]


async def test_a_filter_that_sees_nothing_has_an_empty_page(client: Client, events: Events) -> None:
    await publish(client, *"aaa")
    for pattern in ("ops.b", "ops.a.>", "other.>"):
        page = await events.page(Query(pattern), 0, 10)
        assert (page.items, page.total) == ([], 0)


async def test_times_bound_what_is_found(client: Client, events: Events) -> None:
    await publish(client, *"aaa")
    await asyncio.sleep(0.02)
    between = time.time()
    await asyncio.sleep(0.02)
    await publish(client, *"aa")
    assert sequences(await events.page(Query("ops.a", start_time=between), 0, 10)) == [5, 4]
    assert sequences(await events.page(Query("ops.a", end_time=between), 0, 10)) == [3, 2, 1]
    assert sequences(await events.page(Query("ops.a", start_time=0, end_time=LATEST / 1000), 0, 10)) == [5, 4, 3, 2, 1]
    later = Query("ops.a", start_time=time.time() + 3600)
    assert (await events.page(later, 0, 10)).total == 0
    assert (await events.page(Query("ops.>", start_time=0, end_time=1), 0, 10)).total == 0


async def test_an_event_is_found_by_the_time_that_it_is_shown_with(client: Client, events: Events) -> None:
    await publish(client, "a")
    [item] = (await events.page(Query("ops.a"), 0, 1)).items
    shown = dt.datetime.fromisoformat(json.loads(item)["time"]).timestamp()
    assert (await events.page(Query("ops.a", start_time=shown, end_time=shown), 0, 1)).total == 1


async def test_sequences_bound_what_is_found(client: Client, events: Events) -> None:
    await publish(client, *"abababab")
    page = await events.page(Query("ops.a", first_sequence=2, last_sequence=6), 0, 10)
    assert (sequences(page), page.total, page.first, page.last) == ([5, 3], 2, 2, 6)
    assert (await events.page(Query("ops.a", first_sequence=9), 0, 10)).total == 0
    assert sequences(await events.page(Query("ops.a", last_sequence=10**18), 0, 1)) == [7]


async def test_the_longest_list_is_of_the_newest_events(client: Client, events: Events) -> None:
    await publish(client, *"aaaaaaaa")
    assert await everything(events, Query("ops.a", most=5), 2) == ([8, 7, 6, 5, 4], {5})
    text = Query("ops.a", most=5, criteria=Criteria(text="x"))
    assert await everything(events, text, 2) == ([8, 7, 6, 5, 4], {5})


async def test_paging_with_the_bounds_of_the_first_page_is_stable_while_events_arrive(
    client: Client, events: Events
) -> None:
    await publish(client, *"ab" * 50)
    first = await events.page(Query("ops.a"), 0, 10)
    rest = Query("ops.a", first_sequence=first.first, last_sequence=first.last)
    found = sequences(first)
    while len(found) < 50:
        await publish(client, *"ab" * 7)
        page = await events.page(rest, len(found), 10)
        assert page.total == 50
        found += sequences(page)
    assert found == list(range(99, 0, -2))


async def test_pages_and_totals_agree_while_events_arrive_all_the_time(client: Client, events: Events) -> None:
    await publish(client, *"ab" * 200)

    async def arrive() -> None:
        while True:
            await publish(client, *"ab" * 20)

    arriving = asyncio.create_task(arrive())
    try:
        for start in (0, 0, 0, 5, 150, 190):
            page = await events.page(Query("ops.a"), start, 10)
            assert sequences(page) == sorted(sequences(page), reverse=True)
            assert len(page.items) == 10
            assert sequences(page)[0] <= page.last
            if start == 0:
                assert sequences(page)[0] >= page.last - 1
    finally:
        await end((arriving,))


async def test_no_consumer_is_left_behind(client: Client, events: Events) -> None:
    await publish(client, *"ab" * 100)
    await events.page(Query("ops.a"), 0, 10)
    await events.page(Query("ops.a", criteria=Criteria(text="x")), 0, 10)
    assert await passing(client) == []


async def test_a_search_that_is_broken_off_leaves_no_consumer_behind(
    client: Client, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(client, *"ab" * 500)
    begun = asyncio.Event()

    def match(*_: Any) -> bool:
        begun.set()
        return False

    monkeypatch.setattr(Criteria, "match", match)
    task = asyncio.create_task(events.page(Query("ops.a", criteria=Criteria(text="x")), 0, 10))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await passing(client) == []


def event(number: int, kind: str) -> bytes:
    return json.dumps({"specversion": "1.0", "id": f"e{number}", "source": "s", "type": kind, "data": number}).encode()


async def test_events_of_a_type_are_found_in_exact_pages(client: Client, events: Events) -> None:
    for number in range(1, 61):
        await client.jetstream().publish("ops.a", event(number, "Kube" if number % 3 == 0 else "Host"))
    await publish(client, "a", payload=b"Kube is no event")
    query = Query("ops.a", criteria=Criteria(type="Kube"))
    assert await everything(events, query, 7) == (list(range(60, 0, -3)), {20})
    assert (await events.page(Query("ops.a", criteria=Criteria(type="Kub")), 0, 10)).total == 0


async def test_events_are_found_by_a_text_in_them_or_in_their_subject(client: Client, events: Events) -> None:
    await publish(client, "pods.web", payload=b"disk is FULL")
    await publish(client, "pods.Full", payload=b"nothing")
    await publish(client, "pods.web", payload=b"other")
    assert sequences(await events.page(Query("ops.>", criteria=Criteria(text="full")), 0, 10)) == [2, 1]


async def test_a_search_that_reaches_its_bound_of_events_says_how_far_it_looked(
    client: Client, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "EVENTS", 900)
    await publish(client, *"a" * 3000)
    query = Query("ops.a", criteria=Criteria(text="x"))
    page = await events.page(query, 0, 2)
    assert (page.complete, page.first, page.last, page.total) == (False, 2001, 3000, 1000)
    assert sequences(page) == [3000, 2999]
    on = await events.page(Query("ops.a", last_sequence=page.first - 1, criteria=query.criteria), 0, 2)
    assert sequences(on) == [2000, 1999]


async def test_a_search_that_runs_out_of_time_says_that_it_has_not_looked_at_everything(
    client: Client, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(client, *"a" * 300)

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(scan, "_part", never)
    sought = scan.Sought(Criteria(text="x"), 1, 1)
    found = await scan.scan(events._reader, Slice("ops", "ops.a", 1, 300), sought, seconds=0.01)
    assert (found.complete, found.since, found.total) == (False, 301, 0)


async def test_a_page_of_large_events_shows_the_newest_and_names_the_others(
    client: Client, reader: StreamReader
) -> None:
    await publish(client, "small", "small")
    await publish(client, *"a" * 12, payload=b"y" * 100_000)
    for criteria in (Criteria(), Criteria(text="ops")):
        page = await Events(reader, page_bytes=350_000).page(Query("ops.>", criteria=criteria), 0, 13)
        assert sequences(page) == list(range(14, 1, -1))
        assert page.total == 14
        bodies = [json.loads(item)["event"] for item in page.items]
        assert [len(body["raw"]) for body in bodies[:3]] == [100_000] * 3
        assert bodies[3:] == [{"omitted_bytes": 100_000}] * 9 + [{"omitted_bytes": 1}]
    assert await passing(client) == []


async def test_an_event_larger_than_a_page_is_shown_alone(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "a", payload=b"y" * 100_000)
    page = await Events(reader, page_bytes=1000).page(Query("ops.a"), 0, 1)
    assert len(json.loads(page.items[0])["event"]["raw"]) == 100_000


async def test_headers_that_look_like_the_servers_own_do_no_harm(client: Client, events: Events) -> None:
    forged = {"Nats-Sequence": "z", "Nats-Subject": "z", "Nats-Time-Stamp": "z", "Nats-Num-Pending": "9"}
    await client.jetstream().publish("ops.a", b"x", headers={**forged, "Status": "404"})
    page = await events.page(Query("ops.a"), 0, 10)
    assert [json.loads(item)["subject"] for item in page.items] == ["ops.a"]


async def test_a_server_that_is_away_is_told(client: Client, events: Events, nats_server: NatsServer) -> None:
    await nats_server.kill()
    with pytest.raises(UnavailableError):
        await events.page(Query("ops.a"), 0, 10)
