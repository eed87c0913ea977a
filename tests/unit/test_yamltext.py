from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import yamltext
from app.yamltext import NotYamlError

TEXT = b"""\
a: 1
b:
  - c: 2

  - d: 3
    e.f: 4
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("a",), 1),
        (("b",), 2),
        (("b", 0), 3),
        (("b", 0, "c"), 3),
        (("b", 1, "d"), 5),
        (("b", 1, "e.f"), 6),
        (("b", 1, "gone"), 5),
        (("b", 9), 2),
        (("b", "c"), 2),
        (("a", 0, 0), 1),
        (("gone",), 1),
    ],
)
def test_a_part_is_found_by_its_line_as_far_as_it_is_there(path: tuple[str | int, ...], line: int) -> None:
    assert yamltext.read(TEXT).line(path) == line


def test_what_is_read_is_what_stands_there() -> None:
    assert yamltext.read(TEXT).value == {"a": 1, "b": [{"c": 2}, {"d": 3, "e.f": 4}]}


def test_nothing_is_nothing() -> None:
    assert yamltext.read(b"").value is None
    assert yamltext.read(b"# only a word\n").line(("a",)) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"a: 1\na: 2", "a key twice"),
        (b"a: &x 1\nb: *x", "line 2, column 4: an alias"),
        (b"b: 1\na: 1\na: 2", "line 3, column 1: a key twice"),
        (b"a:\n\tb: 1", "indent with spaces"),
        (b"a: [", "is not YAML at line 1"),
        (b"a: 1\n b: 2", "is not YAML at line 2"),
        (b"!!python/object:os.system []", "is not YAML at line 1"),
        (b"\xff", "is not UTF-8"),
        (b"a: \x00", "is not YAML"),
        (b"[" * 5000, "is not YAML"),
        (b"a: 1\n---\nb: 2", "is not YAML"),
        (b"{[a]: 1}", "is not YAML"),
    ],
)
def test_what_nobody_means_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(NotYamlError, match=why):
        yamltext.read(text)


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!#'\" \n", max_size=60).map(str.encode))
def test_any_text_is_read_or_refused(text: bytes) -> None:
    try:
        document = yamltext.read(text)
    except NotYamlError:
        return
    assert document.line(("a", 0)) >= 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, text) for text in ("no", "yes", "on", "1.10", "0x10", "10:30", "+5", "2026-11-23", "007", "1_000")),
        *((text, text) for text in (".5", ".inf", "<<", "1e3", "12345678901234567890")),
        *(("true", True), ("False", False), ("0", 0), ("-12", -12), ("1.5", 1.5), ("0.0", 0.0)),
        *(("null", None), ("", None)),
    ],
)
def test_as_written_only_what_is_shown_as_a_number_is_one(text: str, value: object) -> None:
    found = yamltext.read_as_written(f"a: {text}".encode()).value["a"]
    assert (found, type(found)) == (value, type(value))
