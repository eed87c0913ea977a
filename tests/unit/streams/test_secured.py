"""What people are told of a server that cannot be reached."""

from __future__ import annotations

import pytest

from streams.secured import explained


@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "Connection reset by peer"), BrokenPipeError("Broken pipe")]
)
def test_of_a_server_that_hangs_up_each_likely_reason_is_told_with_a_way_on(error: OSError) -> None:
    told = explained(error)
    assert "check the password or the key" in told
    assert "EVENT_TLS_CERT" in told


def test_an_error_without_a_text_is_told_by_its_name() -> None:
    assert explained(TimeoutError()) == "TimeoutError"
