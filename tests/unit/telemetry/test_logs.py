"""Lines of the log: what stands in them, that each stays one, and how many there are."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.telemetry import logs
from app.telemetry.logs import MOST, Bound, Json, LogSettings, Text

FORGED = "x\n2026-11-29 00:00:00,000 CRITICAL app: forged\r\x1b[2J\u2028y\u202e"


def record(message: str, *arguments: object, level: int = logging.WARNING, **said: object) -> logging.LogRecord:
    logger = logging.getLogger("app.delivery.lane")
    return logger.makeRecord(logger.name, level, "f.py", 1, message, arguments, None, extra=said)


def read(made: logging.LogRecord, *secrets: str) -> dict[str, Any]:
    line = Json(secrets).format(made)
    assert "\n" not in line
    return dict(json.loads(line))


def test_a_json_line_says_when_where_what_and_what_it_is_about() -> None:
    made = record("%s is down: %s", "hooks.ns.a", "no answer", target="hooks.ns.a", event="e1", subject="ops.a")
    line = read(made)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "app.delivery.lane",
        "message": "hooks.ns.a is down: no answer",
        "hook": "ns/a",
        "event": "e1",
        "subject": "ops.a",
    }


def test_a_receiver_is_named_as_its_users_do_and_what_is_empty_is_left_out() -> None:
    line = read(record("waits", target="notifications.default.operators", event="", subject=None))
    assert line["receiver"] == "default/operators"
    assert not {"event", "subject", "hook", "target"} & line.keys()


def test_a_line_for_a_person_says_nothing_twice() -> None:
    line = Text().format(record("%s is unrouted", "ops.a.b", subject="ops.a.b", event="e1"))
    _, _, said = line.partition(" WARNING ")
    assert said == "app.delivery.lane: ops.a.b is unrouted event=e1"


def test_nothing_that_a_user_chose_begins_a_line_of_its_own() -> None:
    line = Text().format(record("matching %s failed", FORGED, event=FORGED))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert r"x\n2026" in line
    told = read(record("matching %s failed", FORGED, event=FORGED))
    assert (told["message"], told["event"]) == (f"matching {FORGED} failed", FORGED)


def test_a_traceback_is_marked_line_by_line_and_cannot_forge_one() -> None:
    made = record("a fault of ours")
    error = ValueError(FORGED)
    made.exc_info = (ValueError, error, None)
    first, *rest = Text().format(made).split("\n")
    assert first.endswith("a fault of ours")
    assert rest
    assert all(line.startswith("  | ") for line in rest)
    assert "\x1b" not in "".join(rest)
    trace = read(made)["trace"]
    assert trace == f"ValueError: {FORGED}"


@pytest.mark.parametrize("style", [Text, Json])
def test_a_secret_that_comes_so_far_is_masked(style: type[logging.Formatter]) -> None:
    secret = 'pass"word\\1'
    made = record("the URL is %s", f"nats://ops:{secret}@host", why=secret)
    line = style((secret, "short"[:5])).format(made)  # type: ignore[arg-type]
    assert "word" not in line
    assert logs.MASK in line
    assert "short" in style(("short",)).format(record("a short word"))  # type: ignore[arg-type]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_same_line_again_and_again_is_told_some_times_a_minute() -> None:
    clock, counted = Clock(), list[str]()
    bound = Bound(counted.append, clock)
    told = [bound.filter(record("%s is down", f"hooks.ns.{number}")) for number in range(100)]
    assert told.count(True) == MOST
    assert bound.filter(record("something else"))
    assert counted == ["warning"] * 101
    clock.now += 60
    again = record("%s is down", "hooks.ns.a")
    assert bound.filter(again)
    assert read(again)["left_out"] == 100 - MOST
    once_more = record("%s is down", "hooks.ns.a")
    assert bound.filter(once_more)
    assert "left_out" not in read(once_more)


def test_who_changed_what_is_told_however_often() -> None:
    bound = Bound(lambda _: None, Clock())
    logger = logging.getLogger("app.audit")
    lines = [logger.makeRecord(logger.name, logging.INFO, "f", 1, "%s", ("a",), None) for _ in range(100)]
    assert all(map(bound.filter, lines))


@contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """The root logger, without what the tests' own runner has put there."""
    found = logging.getLogger()
    handlers, level = found.handlers[:], found.level
    found.handlers.clear()
    try:
        yield found
    finally:
        found.handlers[:] = handlers
        found.setLevel(level)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("settings", "stream", "begins"),
    [
        (LogSettings(), io.StringIO(), "{"),
        (LogSettings(), Terminal(), "20"),
        (LogSettings("text"), io.StringIO(), "20"),
        (LogSettings("json"), Terminal(), "{"),
    ],
)
def test_lines_are_for_people_at_a_terminal_and_for_programs_elsewhere(
    monkeypatch: pytest.MonkeyPatch, settings: LogSettings, stream: io.StringIO, begins: str
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with bare_root():
        logs.configure(settings, logging.INFO)
        logging.getLogger("app.x").warning("something")
    assert stream.getvalue().startswith(begins)
    assert stream.getvalue().endswith("\n")


def test_the_least_that_is_told_is_set_by_level(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with bare_root():
        logs.configure(LogSettings(level=logging.ERROR), logging.DEBUG)
        logging.getLogger("app.x").warning("something")
    assert stream.getvalue() == ""


def test_a_log_that_was_set_up_by_who_embeds_the_app_is_left_alone() -> None:
    theirs = logging.NullHandler()
    with bare_root() as root:
        root.addHandler(theirs)
        logs.configure(LogSettings(), logging.INFO)
        assert root.handlers == [theirs]
