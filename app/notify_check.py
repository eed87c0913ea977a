"""Looks at a file of receivers and routes: `python -m app.notify_check FILE`, or `just notify-check FILE`.

With a notification it shows whom that would reach, and by which routes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import InvalidResourceError
from app.notifications import configuration
from app.notifications.configuration import Configuration
from app.notifications.notification import Notification
from app.notifications.route import Routed, routed

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
        found = configuration.parse(options.file.read_bytes())
    except OSError as error:
        return _failed(f"{options.file} cannot be read: {error.strerror}")
    except InvalidResourceError as error:
        return _failed(*(f"{problem.field}: {problem.why}" for problem in error.problems))
    _say(f"{options.file} is valid: {len(found.receivers)} receivers, {_count(found)} routes")
    _say(*(f"warning: {configuration.written(path)}: {why}" for path, why in configuration.warnings(found)))
    asked = Notification(options.provider, options.channel, options.severity, options.data)
    if asked == Notification():
        return 0
    where = routed(found, asked)
    _say(*_told(where))
    return 0 if where.receivers else 1


def _told(where: Routed) -> Iterator[str]:
    yield "reaches: " + (", ".join(where.receivers) or "nobody")
    for taken in where.by:
        yield f"  by {configuration.written(taken.path)}: {', '.join(taken.receivers)}"
    if where.receivers and not where.by:
        yield "  as the default: no route takes it"


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
