from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.notifications.formats.notice import Notice, clip, fitted, utf8, utf16, writable
from app.notifications.formats.request import json_size
from tests.unit.notifications.formats.notices import BARE, RESOLVED, TYPICAL

SIZES = {"characters": len, "utf8": utf8, "utf16": utf16, "json": json_size}


def test_a_headline_says_how_bad_it_is_or_that_it_is_over() -> None:
    assert TYPICAL.headline == "[ERROR] disk full"
    assert RESOLVED.headline == "[RESOLVED] disk full"
    assert replace(TYPICAL, severity="").headline == "disk full"


@pytest.mark.parametrize(
    ("notice", "headline"),
    [
        (BARE, "a notification"),
        (Notice(title=" \n ", message=""), "a notification"),
        (Notice(title="", message="the first\nthe second"), "the first the second"),
        (Notice(title=" a\n b ", message="c", severity=" very\nbad "), "[VERY BAD] a b"),
    ],
)
def test_a_headline_is_one_line_and_never_empty(notice: Notice, headline: str) -> None:
    assert notice.headline == headline


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300), most=st.integers(3, 200))
def test_what_is_fitted_is_the_longest_that_fits(text: str, most: int, size: object) -> None:
    assert callable(size)
    cut = fitted(text, most, size)
    assert size(cut) <= max(most, size("…"))
    if cut != text:
        kept = cut.removesuffix("…")
        assert text.startswith(kept)
        assert size(text) > most
        assert size(text[: len(kept) + 1] + "…") > most


def test_a_text_of_just_the_size_is_left_as_it_is() -> None:
    assert fitted("\N{FIRE}" * 5, 10, utf16) == "\N{FIRE}" * 5
    assert fitted("\N{FIRE}" * 5, 9, utf16) == "\N{FIRE}" * 4 + "…"
    assert clip("abcde", 5) == "abcde"
    assert clip("abcdef", 5) == "abcd…"


@given(st.text(alphabet=st.characters()))
def test_what_is_writable_is_utf8_without_control_characters_and_stays_so(text: str) -> None:
    once = writable(text)
    once.encode()
    assert not {sign for sign in once if ord(sign) < 32 or 127 <= ord(sign) < 160} - {"\n", "\t"}
    assert writable(once) == once
