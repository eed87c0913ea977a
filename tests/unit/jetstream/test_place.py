"""Where a message stands in its stream, read from its reply subject as nats-py itself reads it."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.jetstream.place import Place, place_of

NUMBERS = "3.42.17.1795409366582186000.5"  # delivered, sequence, the consumer's own sequence, time, pending
PLACE = Place(sequence=42, stored=1795409366.582186, delivered=3, pending=5)


@pytest.mark.parametrize(
    "reply",
    [
        f"$JS.ACK.ops.hooks.{NUMBERS}",
        f"$JS.ACK.edge1.ACCOUNT.ops.hooks.{NUMBERS}",
        f"$JS.ACK.edge1.ACCOUNT.ops.hooks.{NUMBERS}.token",
        f"$JS.ACK._.ACCOUNT.ops.hooks.{NUMBERS}",
    ],
    ids=["plain", "domain", "domain and token", "no domain"],
)
def test_a_reply_subject_is_read_whatever_stands_before_its_numbers(reply: str) -> None:
    assert place_of(reply) == PLACE


@pytest.mark.parametrize(
    "reply",
    ["", "_INBOX.abc.1", "$JS.ACK.ops.hooks.1.2.3.4", "$JS.ACK.ops.hooks.a.b.c.d.e", "$JS.ACK.a.b.c.d.1.2.3.4"],
)
def test_what_is_no_reply_subject_of_jetstream_says_nothing(reply: str) -> None:
    assert place_of(reply) == Place()
    assert place_of(reply).delivered == 1


@given(
    delivered=st.integers(1, 10**6),
    sequence=st.integers(1, 2**63),
    stored=st.integers(0, 4 * 10**18),
    pending=st.integers(0, 2**63),
    before=st.sampled_from(["ops.hooks", "edge1.ACCOUNT.ops.hooks"]),
)
def test_it_agrees_with_nats_py(delivered: int, sequence: int, stored: int, pending: int, before: str) -> None:
    reply = f"$JS.ACK.{before}.{delivered}.{sequence}.1.{stored}.{pending}"
    theirs = Msg(cast("Client", None), reply=reply).metadata

    ours = place_of(reply)
    assert (ours.delivered, ours.sequence) == (theirs.num_delivered, theirs.sequence.stream)
    assert ours.pending == theirs.num_pending
    assert ours.stored == pytest.approx(theirs.timestamp.timestamp(), abs=1e-3)


@given(st.text())
def test_a_subject_of_any_kind_is_read_without_an_error(reply: str) -> None:
    assert place_of(reply).delivered >= 0
