"""`python -m tests.bench`: measures and prints. The package's docstring says what and how."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tests.bench import (
    batches,
    delivery,
    draining,
    eyes,
    fsync,
    ingress,
    latency,
    matching,
    memory,
    neighbours,
    notifying,
    parked,
    querying,
    tailing,
    waiting,
    watching,
)
from tests.bench.programs import WrongError
from tests.bench.report import Figure, table
from tests.bench.scale import FULL, QUICK, Scale

MEASURES: Final[dict[str, Callable[[Scale], Awaitable[list[Figure]]]]] = {
    "ingress": ingress.measure,
    "fsync": fsync.measure,
    "eyes": eyes.measure,
    "batches": batches.measure,
    "delivery": delivery.measure,
    "matching": matching.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "draining": draining.measure,
    "neighbours": neighbours.measure,
    "notifying": notifying.measure,
    "waiting": waiting.measure,
    "parked": parked.measure,
    "watching": watching.measure,
    "querying": querying.measure,
    "tailing": tailing.measure,
}


async def run(names: Sequence[str], scale: Scale) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        start = time.monotonic()
        print(f"{name} …", flush=True)
        measured = await MEASURES[name](scale)
        print(f"  done in {time.monotonic() - start:.0f} s", flush=True)
        figures += measured
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure on real servers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="one small round: whether it works, not how fast")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in MEASURES]:
        parser.error(f"no such figure: {', '.join(unknown)}")
    try:
        figures = asyncio.run(run(given.names or tuple(MEASURES), QUICK if given.quick else FULL))
    except WrongError as error:
        print(f"WRONG: {error}", file=sys.stderr)
        return 1
    print(f"\n{table(figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
