from __future__ import annotations

import pytest

from app.notifications.routing.duration import seconds, written


@pytest.mark.parametrize(
    ("given", "expected"),
    [("30s", 30), ("5m", 300), ("4h", 14_400), ("1d", 86_400), ("1.5h", 5_400), ("250ms", 0.25), (7, 7), (0.5, 0.5)],
)
def test_times_are_read_as_people_write_them(given: object, expected: float) -> None:
    assert seconds(given) == expected


@pytest.mark.parametrize("given", ["", "5", "5 minutes", "-5m", "1e3s", True, None, [], "5m5s"])
def test_what_is_no_time_is_refused_with_an_example(given: object) -> None:
    with pytest.raises(ValueError, match="must be a time such as 30s, 5m or 4h"):
        seconds(given)


@pytest.mark.parametrize(("given", "expected"), [(0, "0s"), (90, "90s"), (300, "5m"), (86_400, "1d"), (0.25, "0.25s")])
def test_times_are_written_so_that_they_can_be_read(given: float, expected: str) -> None:
    assert written(given) == expected
    assert seconds(written(given)) == given
