"""What came last."""

from __future__ import annotations

from app.archive import tail_recent
from app.archive.tail_recent import Recent
from tests.tailing import parse
from tests.unit.archive.tailed import arrival


def behind(recent: Recent, sequence: int) -> list[int]:
    return [each.sequence for each in recent.behind(sequence)]


def test_what_follows_a_sequence_is_found_in_order() -> None:
    recent = Recent(10)
    for sequence in (11, 14, 15, 20):
        recent.add(arrival(sequence))
    assert recent.floor == 10
    assert behind(recent, 10) == [11, 14, 15, 20]
    assert behind(recent, 14) == [15, 20]
    assert behind(recent, 16) == [20]
    assert behind(recent, 20) == []


def test_the_oldest_are_forgotten_by_number() -> None:
    recent = Recent(0)
    for sequence in range(1, tail_recent._MESSAGES + 4):
        recent.add(arrival(sequence))
    assert recent.floor == 3
    assert behind(recent, 3)[0] == 4


def test_the_oldest_are_forgotten_by_size() -> None:
    recent = Recent(0)
    for sequence in range(1, 6):
        recent.add(arrival(sequence, payload=b"x" * (tail_recent._BYTES // 3)))
    assert (recent.floor, behind(recent, 2)) == (2, [3, 4, 5])


def test_an_arrival_is_sent_as_queries_show_it() -> None:
    said = parse(arrival(7, "ops.b", b"hello").frame.removesuffix(b"\n\n"))
    assert said.id == 7
    item = {"subject": "ops.b", "sequence": 7, "time": "2023-11-14T22:13:20.000Z", "event": {"raw": "hello"}}
    assert said.data == item


def test_an_arrival_is_encoded_once() -> None:
    one = arrival(7)
    assert one.frame is one.frame
