from __future__ import annotations

from app.events.trace_context import TraceContext
from app.telemetry.sampling import Sampling
from app.telemetry.traces import OFF, Traces

CONTEXT = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def test_where_tracing_is_off_nothing_is_made_and_what_comes_is_passed_on() -> None:
    OFF.open("s", "1", "i")
    assert OFF.enter("a", "server", CONTEXT) is None
    assert OFF.follow("a", "server", CONTEXT) is None
    assert OFF.gather("a", "server", [CONTEXT]) is None
    assert OFF.passed(CONTEXT) == CONTEXT
    OFF.close()


def test_before_it_is_opened_nothing_is_recorded() -> None:
    assert Traces(Sampling()).enter("a", "server", CONTEXT) is None
