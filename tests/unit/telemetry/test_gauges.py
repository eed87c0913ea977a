from __future__ import annotations

import asyncio
import time

from app.telemetry.gauges import Gauges, Reading, one
from app.telemetry.lag import watch_the_loop
from app.telemetry.metrics import Metrics


def test_what_is_unknown_is_absent_and_the_rest_is_shown() -> None:
    metrics = Metrics()
    readings = (
        Reading("ops_known", "Known.", ("of",), lambda: [(("a",), 1.5)]),
        Reading("ops_unknown", "Unknown.", (), lambda: one(None)),
        Reading("ops_grows", "Grows.", (), lambda: one(3), only_grows=True),
    )
    metrics.add(Gauges(readings))
    lines = metrics.exposition().decode().splitlines()
    assert 'ops_known{of="a"} 1.5' in lines
    assert "ops_grows_total 3.0" in lines
    assert "# TYPE ops_unknown gauge" in lines
    assert not [line for line in lines if line.startswith("ops_unknown")]


def test_labels_have_few_values_whatever_comes() -> None:
    metrics = Metrics()
    for number in range(100):
        metrics.stored("http", f"type-{number}")
        metrics.answered(f"METHOD{number}", 405)
    lines = metrics.exposition().decode().splitlines()
    assert 'ops_events_stored_total{source="http",type="other"} 100.0' in lines
    assert 'ops_http_requests_total{method="other",status="405"} 100.0' in lines


async def test_a_loop_that_is_held_up_shows() -> None:
    late: list[float] = []
    watching = asyncio.create_task(watch_the_loop(late.append, 0.01))
    await asyncio.sleep(0.05)
    time.sleep(0.3)  # noqa: ASYNC251 -- this is what is to be seen
    await asyncio.sleep(0.05)
    watching.cancel()
    assert max(late) > 0.2
