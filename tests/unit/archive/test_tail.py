"""What waits for the reader of a tail, and what becomes of one who reads too slowly."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from app.archive import tail_frames
from app.archive.tail import Tail
from tests.tailing import parse
from tests.unit.archive.tailed import Clock, tail


async def taken(each: Tail) -> bytes:
    """What is taken at once; nothing where it would be waited for."""
    try:
        async with asyncio.timeout(0.01):
            return await each.take()
    except TimeoutError:
        return b""


async def test_what_waits_is_taken_in_one_piece_and_in_order() -> None:
    each = tail()
    each.begin(3)
    each.put(4, b"four ")
    each.put(7, b"seven ")
    assert await taken(each) == tail_frames.opening(3) + b"four seven "
    assert await taken(each) == b""


async def test_an_event_that_has_been_here_is_not_put_again() -> None:
    each = tail()
    each.begin(3)
    await each.take()
    for sequence in (2, 3, 4, 4, 3, 5):
        each.put(sequence, b"%d " % sequence)
    assert await taken(each) == b"4 5 "


async def test_who_waits_is_woken() -> None:
    each = tail()
    waiting = asyncio.create_task(each.take())
    await asyncio.sleep(0)
    each.put(1, b"one")
    assert await waiting == b"one"


@pytest.mark.parametrize("limits", [{"events": 3}, {"size": 30}])
async def test_where_too_much_waits_it_is_given_up_and_the_reader_told(limits: dict[str, Any]) -> None:
    each = tail(**limits)
    each.put(1, b"x" * 10)
    assert await taken(each) == b"x" * 10
    for sequence in (2, 3, 4):
        each.put(sequence, b"x" * 10)
    assert not each.over
    each.put(5, b"x" * 10)
    assert each.over
    each.put(6, b"x")
    said = parse((await taken(each)).removesuffix(b"\n\n"))
    assert (said.event, said.data["last_event_id"]) == ("dropped", 1)
    assert await taken(each) == b""
    assert await taken(each) == b""


async def test_one_event_larger_than_the_bound_is_sent_all_the_same() -> None:
    each = tail(size=5)
    each.put(1, b"x" * 10)
    assert await taken(each) == b"x" * 10
    assert not each.over


async def test_a_silence_is_broken_and_tells_up_to_where_all_is_there() -> None:
    clock = Clock()
    each = tail(clock=clock, silence=15)
    each.begin(3)
    await each.take()
    reading = asyncio.create_task(each.take())
    await asyncio.sleep(0)
    clock.now = 15
    each.look(complete=40)
    assert not reading.done()
    clock.now = 15.1
    each.look(complete=40)
    assert await reading == b": heartbeat\nid: 40\n\n"
    reading = asyncio.create_task(each.take())
    await asyncio.sleep(0)
    each.look(complete=41)
    clock.now = 31
    each.look(complete=None)
    assert await reading == b": heartbeat\n\n"


async def test_a_heartbeat_never_goes_back_behind_what_was_sent() -> None:
    clock = Clock()
    each = tail(clock=clock, silence=15)
    each.begin(9)
    await each.take()
    reading = asyncio.create_task(each.take())
    await asyncio.sleep(0)
    clock.now = 16
    each.look(complete=7)
    assert parse((await reading).removesuffix(b"\n\n")).id == 9


async def test_a_write_that_takes_too_long_ends_the_tail_and_then_the_connection() -> None:
    clock, cut = Clock(), asyncio.Event()
    each = tail(clock=clock, stuck=10, farewell=1)
    each.cut = cut.set
    each.put(1, b"one")
    await each.take()
    clock.now = 10
    each.look(complete=1)
    assert not each.over
    clock.now = 10.5
    each.look(complete=1)
    assert each.over
    clock.now = 11.5
    each.look(complete=1)
    assert not cut.is_set()
    clock.now = 11.6
    each.look(complete=1)
    assert cut.is_set()


async def test_what_comes_after_a_long_silence_has_its_time() -> None:
    clock = Clock()
    each = tail(clock=clock, stuck=10, silence=15)
    reading = asyncio.create_task(each.take())
    await asyncio.sleep(0)
    clock.now = 14
    each.put(1, b"one")
    each.look(complete=1)
    assert not each.over
    assert await reading == b"one"


async def test_who_fills_a_tail_waits_until_it_is_emptied_or_over() -> None:
    for finish in (lambda each: asyncio.create_task(each.take()), lambda each: each.end(tail_frames.shutdown)):
        each = tail()
        await each.emptied()
        each.put(1, b"one")
        waiting = asyncio.create_task(each.emptied())
        await asyncio.sleep(0)
        assert not waiting.done()
        finish(each)
        async with asyncio.timeout(5):
            await waiting


async def test_the_first_last_words_count() -> None:
    each = tail()
    each.end(tail_frames.shutdown)
    each.end(tail_frames.dropped)
    assert parse((await each.take()).removesuffix(b"\n\n")).event == "shutdown"


def test_an_event_is_one_line_whatever_is_in_it() -> None:
    frame = tail_frames.event(7, b'{\n"a":\r\n1,\r"b":"event: x"}')
    assert re.findall(rb"[^\n\r]+", frame) == [b"id: 7", b'data: { "a":  1, "b":"event: x"}']
    assert frame.endswith(b"\n\n")
    assert parse(frame.removesuffix(b"\n\n")).data == {"a": 1, "b": "event: x"}


def test_the_first_words_tell_when_to_come_back_and_from_where() -> None:
    said = parse(tail_frames.opening(41).removesuffix(b"\n\n"))
    assert (said.retry, said.id, said.data) == (2000, 41, None)


@pytest.mark.parametrize("words", [tail_frames.dropped, tail_frames.shutdown, tail_frames.failed, tail_frames.restored])
def test_last_words_tell_the_last_id_and_do_not_set_one(words: object) -> None:
    assert callable(words)
    said = parse(words(12).removesuffix(b"\n\n"))
    assert (said.data["last_event_id"], said.id) == (12, None)
    assert said.data["message"]
