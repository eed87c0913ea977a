from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ConfigurationError
from app.ingress.access import tokens
from app.ingress.access.callers import Caller
from app.ingress.access.tokens import parse

HASH = tokens.digest(b"secret").hex()
OTHER = tokens.digest(b"other").hex()


def written(*entries: Any) -> bytes:
    return yaml.safe_dump({"tokens": list(entries)}).encode()


def test_a_token_that_is_made_is_found_by_its_hash() -> None:
    token = tokens.generate()
    found = parse(written({"name": "ci", "sha256": tokens.digest(token.encode()).hex()}))
    assert found[tokens.digest(token.encode())].caller.name == "ci"


def test_tokens_that_are_made_are_long_and_differ() -> None:
    made = {tokens.generate() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"ops_[-\w]{43}", token) for token in made)


def test_an_entry_gives_the_rights_that_it_lists_and_no_others() -> None:
    entry = {"name": "ci", "sha256": HASH, "publish": ["ops.a.>"], "read": ["ops.*"], "hooks": ["ops-system"]}
    bare = {"name": "nothing", "sha256": OTHER}
    found = list(parse(written(entry, bare)).values())
    assert found[0].caller == Caller("ci", ("ops.a.>",), ("ops.*",), ("ops-system",))
    assert found[1].caller == Caller("nothing", (), (), ())


def test_admin_has_every_right() -> None:
    (found,) = parse(written({"name": "root", "sha256": HASH, "admin": True})).values()
    assert found.caller == Caller("root", (">",), (">",), ("*",), admin=True)


@pytest.mark.parametrize("text", ["2027-01-01T00:00:00Z", "'2027-01-01T00:00:00Z'", "2027-01-01T08:00:00+08:00"])
def test_a_token_expires_at_the_time_that_stands_there(text: str) -> None:
    (found,) = parse(f"tokens: [{{name: a, sha256: {HASH}, expires: {text}}}]".encode()).values()
    when = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    assert found.has_expired(when)
    assert not found.has_expired(when - dt.timedelta(seconds=1))


def test_a_file_may_let_nobody_in() -> None:
    assert parse(b"tokens: []") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the file: "),
        ("tokens:", "tokens: "),
        ("[]", "write tokens: and a list below it"),
        ("token: []", "write tokens: and a list below it"),
        ("tokens: [x]", r"tokens\[0\]: "),
        ("tokens: [{name: a}]", r"tokens\[0\] \(a\)\.sha256: Field required"),
        (f"tokens: [{{sha256: {HASH}}}]", r"tokens\[0\]\.name: Field required"),
        (f"tokens: [{{name: a b, sha256: {HASH}}}]", r"tokens\[0\]\.name: must be 1 to 63 letters"),
        (f"tokens: [{{name: SERVER_TOKEN, sha256: {HASH}}}]", "not SERVER_TOKEN or loopback"),
        ("tokens: [{name: a, sha256: abc}]", r"\(a\)\.sha256: must be 64 digits"),
        (f"tokens: [{{name: a, sha256: {HASH.upper()}}}]", "must be 64 digits of 0-9 and a-f"),
        (f"tokens: [{{name: a, sha256: {tokens.digest(b'').hex()}}}]", "is the hash of nothing"),
        (f"tokens: [{{name: a, sha256: {HASH}, read: ops.>}}]", r"\(a\)\.read: Input should be a valid list"),
        (f"tokens: [{{name: a, sha256: {HASH}, read: [ops.a>]}}]", r"\(a\)\.read: the filter 'ops.a>' has a >"),
        (f"tokens: [{{name: a, sha256: {HASH}, publish: [1]}}]", r"publish\[0\]: Input should be a valid string"),
        (f"tokens: [{{name: a, sha256: {HASH}, hooks: [A.b]}}]", r"\(a\)\.hooks: \[0\] must be a namespace"),
        (f"tokens: [{{name: a, sha256: {HASH}, admin: 1}}]", r"\(a\)\.admin: Input should be a valid boolean"),
        (f"tokens: [{{name: a, sha256: {HASH}, admin: true, read: [x]}}]", "leave publish, read and hooks out"),
        (f"tokens: [{{name: a, sha256: {HASH}, expires: 2027-01-01}}]", "a time with its offset, such as 2027"),
        (f"tokens: [{{name: a, sha256: {HASH}, expires: 1893456000}}]", "a time with its offset, such as 2027"),
        (f"tokens: [{{name: a, sha256: {HASH}, rights: []}}]", r"\(unknown field\): Extra inputs"),
        (f"tokens: [{{name: a, sha256: {HASH}}}, {{name: a, sha256: {OTHER}}}]", "the name a stands in several"),
        (f"tokens: [{{name: a, sha256: {HASH}}}, {{name: b, sha256: {HASH}}}]", "a and b have the same sha256"),
        (f"tokens: [{{name: a, sha256: {HASH}, read: [x], read: ['>']}}]", "line 1, column 105: a key twice"),
        (f"tokens: [&x {{name: a, sha256: {HASH}}}, *x]", "an alias"),
        ("tokens: [", "is not YAML at line 1"),
        ("tokens: !!python/object:os.system []", "is not YAML at line 1"),
        ("tokens: \x00", "is not YAML"),
        ("tokens: " + "[" * 5000, "is not YAML"),
        ("#" * (512 * 1024 + 1), "is larger than 524288 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place_and_a_remedy(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        parse(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="UTF-8"):
        parse(b"\xff\xfe\x00")


fields = st.sampled_from([*tokens._Entry.model_fields, HASH])
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(HASH),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(json | st.fixed_dictionaries({"tokens": st.lists(json, max_size=3)}))
def test_whatever_the_file_says_it_is_valid_or_refused_and_no_hash_is_shown(document: Any) -> None:
    try:
        parse(yaml.safe_dump(document).encode())
    except ConfigurationError as error:
        assert HASH not in str(error)  # noqa: PT017 -- a valid file is right as well


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f"tokens: {text}".encode("utf-8", "replace")))
def test_whatever_the_bytes_are_nothing_but_a_configuration_error_comes_of_them(content: bytes) -> None:
    try:
        parse(content)
    except ConfigurationError as error:
        assert str(error)  # noqa: PT017 -- a valid file is right as well
