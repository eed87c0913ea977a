"""The log: a line for a person at a terminal, a JSON object a line for programs. Set up by `server.py`.

Call sites say what a line is about by `extra`: `log.warning("…", extra={"target": key, "event": id, "subject": s})`.
Whatever is said, a line stays a line: control characters are escaped, and the lines of a traceback are marked. The same
line again and again is told some times a minute, and how many were left out. Secrets that the process knows are masked,
should one ever come so far; that none does is the task of who writes the line.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

Style = Literal["json", "text"]

MASK: Final = "***"
MOST: Final = 20  # lines of one kind a minute
_RARELY: Final = "opentelemetry"  # one is enough: a collector that is away is no fault of an event's
_LEAST: Final = 6  # characters of a secret that is looked for: shorter ones stand in texts by chance
_MINUTE: Final = 60.0
_KINDS: Final = 1_000  # that are kept account of
_AUDIT: Final = "app.audit"  # who changed what: each counts
_LEFT_OUT: Final = "left_out"  # lines like this one that were not told

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

# Control characters, what ends a line to some programs, and what reverses the order of writing.
_NOT_PLAIN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ROOMS: Final = {"hooks": "hook", "notifications": "receiver"}


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How lines are to look, and what must not stand in them."""

    style: Style | None = None  # None: for a person where standard error is a terminal, else JSON
    level: int | None = None  # None: that of the command line
    secrets: tuple[str, ...] = ()
    count: Callable[[str], None] = lambda _: None  # is told the level of each line, in lower case


def configure(settings: LogSettings, level: int) -> None:
    """Set the log up, once for the process; `level` counts unless the settings say one.

    Where the program that embeds this one has set up logging, that is left as it is.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    style = settings.style or ("text" if sys.stderr.isatty() else "json")
    handler = logging.StreamHandler()
    handler.setFormatter((Text if style == "text" else Json)(settings.secrets))
    handler.addFilter(Bound(settings.count))
    root.addHandler(handler)
    root.setLevel(settings.level if settings.level is not None else level)
    for name in ("uvicorn", "uvicorn.access"):  # they have handlers of their own, with a form of their own
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class Bound(logging.Filter):
    """Lets the same line through a number of times a minute; what makes lines the same is where they come from."""

    def __init__(self, count: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._count = count
        self._clock = clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}  # since when, and how many lines

    def filter(self, record: logging.LogRecord) -> bool:
        self._count(record.levelname.lower())
        if record.name == _AUDIT:
            return True
        if len(self._windows) > _KINDS:
            self._windows.clear()
        most = 1 if record.name.startswith(_RARELY) else MOST
        kind, now = (record.name, str(record.msg)), self._clock()
        since, lines = self._windows.get(kind, (now, 0))
        if now - since >= _MINUTE:
            if lines > most:
                setattr(record, _LEFT_OUT, lines - most)
            since, lines = now, 0
        self._windows[kind] = since, lines + 1
        return lines < most


class Text(logging.Formatter):
    """A line for a person. Behind the message stands what it is about, unless the message says that itself."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _LEAST)

    def format(self, record: logging.LogRecord) -> str:
        message = plain(record.getMessage())
        fields = (f" {name}={plain(value)}" for name, value in _fields(record) if plain(value) not in message)
        when = _when(record).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        line = f"{when} {record.levelname} {record.name}: {message}{''.join(fields)}"
        return _masked("\n".join((line, *(f"  | {plain(part)}" for part in _trace(record)))), self._secrets)


class Json(logging.Formatter):
    """A JSON object: `time`, `level`, `logger`, `message`, what it is about, and `trace` where something was raised."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        known = [secret for secret in secrets if len(secret) >= _LEAST]
        self._secrets = tuple(form for secret in known for form in {secret, json.dumps(secret)[1:-1]})

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _when(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **dict(_fields(record)),
        }
        if trace := "\n".join(_trace(record)):
            line["trace"] = trace
        return _masked(json.dumps(line, default=str), self._secrets)


def plain(value: object) -> str:
    """A value on one line."""
    return _NOT_PLAIN.sub(lambda found: found[0].encode("unicode_escape").decode(), str(value))


def _when(record: logging.LogRecord) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.created, dt.UTC)


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """What a call site said that the line is about; a target by what it is to a user."""
    for name, value in vars(record).items():
        if name in _STANDARD or value in {None, ""}:
            continue
        room, _, rest = str(value).partition(".")
        if name == "target" and room in _ROOMS:
            yield _ROOMS[room], rest.replace(".", "/", 1)
        else:
            yield name, value


def _trace(record: logging.LogRecord) -> Iterator[str]:
    """What was raised, line by line."""
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    for text in (record.exc_text, record.stack_info):
        if text:
            yield from text.split("\n")


def _masked(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text
