"""Looks at a file of receivers and routes: `python -m app.notify_check FILE`, or `just notify-check FILE`.

With a notification it shows whom that would reach, by which routes, in which groups and how often at most.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import InvalidResourceError
from app.notifications.notification import Notification
from app.notifications.routing import configuration
from app.notifications.routing.configuration import Configuration, Parsed
from app.notifications.routing.explaining import reached
from app.notifications.routing.route import Routed, routed
from app.notifications.routing.wording import written

_EPILOG = """\
exit codes:
  0  the file is valid; with a notification: it reaches somebody
  1  the file is not valid or cannot be read; or the notification reaches nobody
  2  wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at a file, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        found = configuration.read(options.file.read_bytes())
    except OSError as error:
        return _failed(f"{options.file} cannot be read: {error.strerror}")
    except InvalidResourceError as error:
        return _failed(f"{options.file} is not valid:", *(f"{one.field}: {one.why}" for one in error.problems))
    _say(_counted(options.file, found.configuration))
    _say(*(f"warning: {remark.field}: {remark.why}" for remark in found.remarks()))
    asked = Notification(options.provider, options.channel, options.severity, options.data)
    if asked == Notification():
        return 0
    where = routed(found.configuration, asked)
    _say(*_told(found, where))
    return 0 if where.receivers else 1


def _told(found: Parsed, where: Routed) -> Iterator[str]:
    yield "reaches: " + (", ".join(where.receivers) or "nobody: it would be kept as unrouted")
    for reach in reached(found.configuration, where):
        routes = [f"{written(path)} (line {found.document.line(path)})" for path in reach.routes]
        by = ", ".join(routes) or "default: no route takes it"
        yield f"  {reach.receiver.name} ({reach.receiver.destination.type}) by {by}: {reach.how}"


def _counted(file: Path, found: Configuration) -> str:
    numbers = (_number(len(found.receivers), "receiver"), _number(_count(found), "route"))
    return f"{file} is valid: {', '.join(numbers)}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _count(found: Configuration) -> int:
    waiting, count = [*found.routes], 0
    while waiting:
        count += 1
        waiting += waiting.pop().routes
    return count


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _failed(*lines: str) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1


def _object(given: str) -> dict[str, object]:
    try:
        found = json.loads(given)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("must be a JSON object")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="notify-check", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="YAML of receivers and routes")
    parser.add_argument("--provider", default="", help="of a notification to route")
    parser.add_argument("--channel", default="")
    parser.add_argument("--severity", default="")
    parser.add_argument("--data", type=_object, default={}, help="its data, a JSON object")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
