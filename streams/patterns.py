"""How two subject patterns lie to each other. Pure; used by `check` and `plan`."""

from __future__ import annotations

import re

_LEGAL = re.compile(r"(?:>|(?:\*|[^\s.*>]+)(?:\.(?:\*|[^\s.*>]+))*(?:\.>)?)")


def legal(pattern: str) -> bool:
    """Whether a server takes it: no empty token, no white space, wildcards alone in their token and `>` last."""
    return _LEGAL.fullmatch(pattern) is not None


def overlap(one: str, other: str) -> bool:
    """Whether some subject matches both."""
    ours, theirs = one.split("."), other.split(".")
    for a, b in zip(ours, theirs, strict=False):  # of unequal length: what is left is judged after the loop
        if ">" in (a, b):
            return True
        if a != b and "*" not in (a, b):
            return False
    return len(ours) == len(theirs)


def covers(wide: str, narrow: str) -> bool:
    """Whether everything that matches `narrow` matches `wide`."""
    ours, theirs = wide.split("."), narrow.split(".")
    for a, b in zip(ours, theirs, strict=False):  # of unequal length: what is left is judged after the loop
        if a == ">":
            return True
        if b == ">" or a not in ("*", b):
            return False
    return len(ours) == len(theirs)
