from __future__ import annotations

import pytest

from app.events import trace_context
from app.events.trace_context import TraceContext, carried, posted, read

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "nonsense", None, 7, PARENT.upper(), PARENT + "-x", PARENT + "\n", PARENT[:-1], f"ff{PARENT[2:]}"),
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_what_is_no_context_is_passed_over(wrong: object) -> None:
    assert read(wrong) is None


def test_a_context_says_whether_its_trace_is_recorded() -> None:
    assert TraceContext(PARENT).is_sampled
    assert not TraceContext(f"{PARENT[:-2]}00").is_sampled
    assert not TraceContext(f"{PARENT[:-2]}02").is_sampled
    assert TraceContext(PARENT, "a=1").unsampled() == (f"{PARENT[:-2]}00", "a=1")


def test_a_state_that_could_forge_a_header_is_left_out() -> None:
    assert read(PARENT, "a=1\r\nx: y") == TraceContext(PARENT)
    assert read(PARENT, "a" * 513) == TraceContext(PARENT)
    assert read(PARENT, "a=1") == TraceContext(PARENT, "a=1")
    assert TraceContext(PARENT).attributes == {"traceparent": PARENT}


def test_a_request_brings_its_context_in_headers() -> None:
    headers = [(b"host", b"a"), (b"tracestate", b"a=1"), (b"traceparent", PARENT.encode()), (b"traced", b"x")]
    assert posted(headers) == TraceContext(PARENT, "a=1")
    assert posted([(b"traceparent", b"\xff")]) is None
    assert posted([]) is None


def test_the_last_step_comes_before_the_events_making() -> None:
    made = f"00-{TRACE}-{'1' * 16}-01"
    assert carried({trace_context.PARENT: PARENT}, {trace_context.PARENT: made}) == TraceContext(PARENT)
    assert carried({trace_context.PARENT: "nonsense"}, {trace_context.PARENT: made}) == TraceContext(made)
    assert carried(None, {trace_context.PARENT: made, trace_context.STATE: "a=1"}) == TraceContext(made, "a=1")
    assert carried({}, None) is None
