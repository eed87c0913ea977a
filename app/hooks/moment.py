"""How moments are told to people. Pure."""

from __future__ import annotations

import datetime as dt


def rfc3339(seconds: float) -> str:
    """A moment in Unix seconds, to the millisecond, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
