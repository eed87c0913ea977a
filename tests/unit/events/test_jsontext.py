"""JSON as text: its depth before it is parsed, and its parts to the byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events.jsontext import (
    MAX_DEPTH,
    NotJsonError,
    TooDeepError,
    _outside_strings,
    elements,
    require_shallow,
    value,
)
from tests.unit.events.examples import json_values

spaces = st.text(" \t\r\n", max_size=3).map(str.encode)


def nested(levels: int, inside: bytes = b"1") -> bytes:
    """Arrays and objects by turns."""
    opening = b"".join(b'{"a":' if level % 2 else b"[" for level in range(levels))
    return opening + inside + b"".join(b"}" if level % 2 else b"]" for level in reversed(range(levels)))


def test_json_may_be_nested_so_deep_and_no_deeper() -> None:
    require_shallow(nested(MAX_DEPTH))
    with pytest.raises(TooDeepError, match="64"):
        require_shallow(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b",".join([nested(MAX_DEPTH - 1)] * 100) + b"]",
        b'["' + b"[{" * 1000 + b'"]',
        b'["' + b'\\"[' * 1000 + b'"]',
        b'["\\\\","' + b"[" * 1000 + b'"]',
        b'{"' + b"[" * 1000 + b'":1}',
        b'["' + "é[".encode() * 1000 + b'"]',
    ],
)
def test_many_brackets_side_by_side_or_in_strings_are_not_deep(text: bytes) -> None:
    require_shallow(text)
    json.loads(text)


@pytest.mark.parametrize("text", [b"[" * 1000, b'{"a":' * 1000, b'"a"' + b"[" * 1000, b'"\\\\"' + b"[" * 1000])
def test_depth_is_seen_in_what_is_no_json_too(text: bytes) -> None:
    with pytest.raises(TooDeepError):
        require_shallow(text)


@pytest.mark.parametrize("text", [b'"' + b"[" * 1000, b'"' + b'\\"' * 500_000, b'"\\' + b"[" * 999, b"]" * 1000])
def test_what_is_cut_off_is_looked_at_once(text: bytes) -> None:
    require_shallow(text)


@given(json_values, spaces)
def test_a_value_is_what_a_parser_reads(written: Any, space: bytes) -> None:
    def objects(read: Any) -> Any:
        if isinstance(read, tuple):
            return {name: objects(part) for name, part in read}
        return [objects(part) for part in read] if isinstance(read, list) else read

    assert objects(value(space + json.dumps(written).encode() + space)) == json.loads(
        json.dumps(written), parse_int=float
    )


def test_members_that_stand_there_twice_are_both_told() -> None:
    assert value(b'{"a":1,"b":2,"a":3}') == (("a", 1), ("b", 2), ("a", 3))


@given(st.lists(st.tuples(spaces, json_values.map(lambda one: json.dumps(one).encode()), spaces)), spaces)
def test_elements_of_an_array_come_as_they_stand_there(written: list[tuple[bytes, bytes, bytes]], space: bytes) -> None:
    text = space + b"[" + (b",".join(b"".join(one) for one in written) or space) + b"]" + space
    assert [element for element, _ in elements(text)] == [element for _, element, _ in written]


def test_elements_are_kept_to_the_byte() -> None:
    written = [b'{"a":12345678901234567890123,"b":1e400}', '"é\\u00e9"'.encode(), b"1.10", b"[ 1 , 2 ]"]
    assert [text for text, _ in elements(b"[" + b" , ".join(written) + b"]")] == written


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b" ",
            b"{}",
            b'"[]"',
            b"[",
            b"[1",
            b"[1,",
            b"[1,]",
            b"[,]",
            b"[1 2]",
            b"[1]]",
            b"[1]x",
            b"\xff",
            b"[\xff]",
        ),
        *(b"[NaN]", b"[Infinity]", b"[-Infinity]", b'["\n"]', b"[01]", b"[+1]", b"\xef\xbb\xbf[]", b"[1}"),
    ],
)
def test_what_is_no_array_is_refused(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        list(elements(text))


@pytest.mark.parametrize("text", [b"", b"hello", b"1 2", b"{}{}", b"NaN", b"{", b'{"a":}', b"\xff", b'"\x00"'])
def test_what_is_no_value_is_refused(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        value(text)


def brackets(text: str) -> str:
    """Those outside strings, found letter by letter."""
    found, inside, escaped = "", False, False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\" and inside:
            escaped = True
        elif letter == '"':
            inside = not inside
        elif not inside and letter in "{[}]":
            found += letter
    return found


strings = st.lists(st.sampled_from([*"{[}] a,:", '\\"', "\\\\", "\\n"])).map(lambda letters: f'"{"".join(letters)}"')
outside = st.lists(st.sampled_from([*"{[}] a,:"])).map("".join)


@given(st.lists(strings | outside).map("".join))
def test_brackets_in_strings_are_told_from_those_outside(text: str) -> None:
    assert _outside_strings(text.encode()).decode() == brackets(text)
