"""What the tests of events share: recorded samples, and strategies for arbitrary text and JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

DATA = Path(__file__).parents[2] / "data"
WIRE = sorted(path.name for path in (DATA / "wire").glob("*.json"))


def wire(name: str) -> bytes:
    """A message as the earlier system wrote it."""
    return (DATA / "wire" / name).read_bytes()


def posted_body(name: str) -> bytes:
    """The body of a request as the earlier system sent it."""
    head, _, body = wire(name).replace(b"\r\n", b"\n").partition(b"\n\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\n") if line.startswith(b"Content-Length"))
    return body[:length]


def kubernetes(name: str) -> dict[str, Any]:
    """A resource as the Kubernetes API gives it."""
    found: dict[str, Any] = json.loads((DATA / "kubernetes" / name).read_text())
    return found


@contextmanager
def local_zone(name: str) -> Iterator[None]:
    """Make `name` the zone of local time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        try:
            yield
        finally:
            patch.undo()
            time.tzset()


# Every code point, lone surrogates included, with those that mean something in subjects many times more often. A list
# of pieces, because an alphabet is flattened into one even range of characters.
_telling = st.sampled_from("._%*> \t\r\n\x00\x1c\x7f\x85\u00a0\u2028\u3000\ufeff\ufffd\ud800\udfff25Ff\u00e9")
any_text = st.lists(
    st.one_of(_telling, _telling, st.text(st.characters(exclude_categories=()), max_size=5)), max_size=20
).map("".join)

json_text = st.text(max_size=12)  # without surrogates: no JSON parser of ours lets them in
json_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | json_text
json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(json_text, inner, max_size=4),
    max_leaves=8,
)
json_objects = st.dictionaries(json_text, json_values, max_size=5)
