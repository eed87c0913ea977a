"""`python -m streams check | plan | apply`: the door for people and for CI."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from streams import edges, live, permissions, report
from streams.access import Access
from streams.check import check
from streams.connection import UnavailableError, connected
from streams.drift import unbearable
from streams.endpoint import servers
from streams.grants import ROLES
from streams.topology import topology

DEFAULT_SERVER = "nats://127.0.0.1:4222"


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2  # argparse's own
    DIFFERS = 3


EPILOG = """\
exit codes:
  0  nothing to do, or everything applied
  1  lint findings; changes that remain after apply; or the server cannot be reached or asked
  2  wrong usage
  3  plan: the server differs from the code
"""


@dataclass(frozen=True)
class Options:
    """What the command line and the environment say."""

    command: str
    replicas: int = 1
    edges: str = ""
    endpoint: str = DEFAULT_SERVER
    credentials: str | None = None
    nkey: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    allow_loss: bool = False
    lenient: bool = False
    of: Sequence[str] = ()
    folder: str = ""

    @property
    def access(self) -> Access:
        return Access(self.endpoint, self.credentials, self.nkey, self.tls_ca, self.tls_cert, self.tls_key)

    @property
    def edge_names(self) -> tuple[str, ...]:
        return edges.parse(self.edges)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    options = Options(**vars(parser.parse_args(arguments)))
    try:
        options.access.options()
        _ = options.of and permissions.of(options.of)
    except ValueError as error:
        parser.error(str(error))
    findings = check(topology(options.replicas, options.edge_names))
    if findings:
        _print(*(f"{finding.where}: {finding.message}" for finding in findings), f"{len(findings)} findings.")
        return Exit.FAILED
    try:
        return asyncio.run(COMMANDS[options.command](options))
    except UnavailableError as error:
        print(f"streams: {error}", file=sys.stderr)
        return Exit.FAILED


async def _check(options: Options) -> Exit:
    wanted = topology(options.replicas, options.edge_names)
    of_edges = f", {len(options.edge_names)} edges" if options.edge_names else ""
    _print(f"Sound: {len(wanted.streams)} streams and buckets, {len(wanted.consumers)} consumers{of_edges}.")
    return Exit.DONE


async def _plan(options: Options) -> Exit:
    async with connected(options.access) as js:
        changes = await live.outstanding(js, options.replicas, options.edge_names)
    _print(*report.lines(changes), report.planned(changes))
    return Exit.DIFFERS if changes else Exit.DONE


async def _apply(options: Options) -> Exit:
    async with connected(options.access) as js:
        changes = await live.outstanding(js, options.replicas, options.edge_names)
        done = await live.apply(js, changes, allow_loss=options.allow_loss)
    _print("Applied:" if done.made else "", *report.lines(done.made))
    _print("Remaining:" if done.remaining else "", *report.lines(done.remaining))
    _print(report.applied(done.made, done.remaining))
    counts = unbearable(done.remaining) is not None if options.lenient else bool(done.remaining)
    return Exit.FAILED if counts else Exit.DONE


async def _permissions(options: Options) -> Exit:
    for name, block in permissions.FILES.items() if options.folder else ():
        (Path(options.folder) / f"{name}.conf").write_text(block())
    _print((permissions.of(options.of) if options.of else "").rstrip())
    return Exit.DONE


COMMANDS: dict[str, Callable[[Options], Coroutine[Any, Any, Exit]]] = {
    "check": _check,
    "plan": _plan,
    "apply": _apply,
    "permissions": _permissions,
}


FILES = {
    "credentials": "NATS credentials file",
    "nkey": "seed of a NATS user's nkey",
    "tls-ca": "PEM of the authorities that the server is trusted by",
    "tls-cert": "PEM of the certificate that the server is shown",
    "tls-key": "PEM of its key",
}


def _print(*lines: str) -> None:
    for line in filter(None, lines):
        print(line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m streams",
        description="What NATS must look like for this product: lint it, compare a server with it, make the server so.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="check | plan | apply | permissions")
    _command(commands, "check", "lint the code's streams, consumers and buckets; asks no server")
    plan = _command(commands, "plan", "print what apply would change, and change nothing; exits 3 if anything does")
    apply = _command(commands, "apply", "make the server so; what loses data or cannot be done remains, and is named")
    _permissions_command(commands)
    for command in (plan, apply):
        _add_server(command)
    apply.add_argument("--lenient", action="store_true", help="exit 0 where the app can live with what remains")
    apply.add_argument("--allow-loss", action="store_true", help="also do what loses data, such as a shorter retention")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, purpose: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=purpose, description=purpose, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument(
        "--replicas",
        metavar="N",
        type=int,
        default=os.environ.get("EVENT_STREAM_REPLICAS") or "1",
        help="copies of each stream, consumer and bucket: 1, 3 or 5 (default: EVENT_STREAM_REPLICAS, else 1)",
    )
    command.add_argument(
        "--edges",
        metavar="NAMES",
        type=_valid(edges.parse),
        default=os.environ.get("EVENT_EDGES") or "",
        help="on a hub, the edges whose events it takes over, comma-separated (default: EVENT_EDGES, else none)",
    )
    return command


def _permissions_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    purpose = "print what a process may do on the server, as a block of nats-server's configuration"
    command = commands.add_parser("permissions", help=purpose, description=purpose)
    names = ", ".join((*ROLES, *permissions.WHOLE))
    command.add_argument("of", nargs="*", metavar="NAME", help=f"roles of one process, or one of: {names}; edge:NAME")
    command.add_argument("--folder", default="", help="write every block of deploy/nats/permissions into a folder")


def _add_server(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--server",
        dest="endpoint",
        metavar="URL",
        type=_valid(servers),
        default=os.environ.get("EVENT_ENDPOINT") or DEFAULT_SERVER,
        help=f"NATS URLs, comma-separated (default: EVENT_ENDPOINT, else {DEFAULT_SERVER})",
    )
    for name, what in FILES.items():
        variable = f"EVENT_{name.replace('-', '_').upper()}"
        default = os.environ.get(variable) or None
        command.add_argument(f"--{name}", metavar="FILE", default=default, help=f"{what} (default: {variable})")


def _valid(read: Callable[[str], object]) -> Callable[[str], str]:
    """An argument that `read` accepts; argparse's own message would show the value, and with it a password."""

    def argument(value: str) -> str:
        try:
            read(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return value

    return argument


if __name__ == "__main__":
    sys.exit(main())
