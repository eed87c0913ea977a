from __future__ import annotations

import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.ingress.access import audit


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text(), st.text(), st.text())
def test_no_value_can_forge_a_line_or_a_field(
    caplog: pytest.LogCaptureFixture, who: str, origin: str, what: str, on: str
) -> None:
    caplog.clear()
    audit.note(who, origin, what, on, 200)
    (line,) = caplog.messages
    assert line.isascii()
    assert line.isprintable()
    assert [field.partition("=")[0] for field in line.split(" ")] == ["who", "from", "what", "on", "status"]
    assert line.count("=") == 5


def test_a_line_is_written_however_quiet_the_other_logs_are(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    assert audit.log.isEnabledFor(logging.INFO)
