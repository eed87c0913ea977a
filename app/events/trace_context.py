"""The trace that an event belongs to, as it is carried: in HTTP and NATS headers, and in attributes of the event. Pure.

Sources: W3C Trace Context, https://www.w3.org/TR/trace-context/; the Distributed Tracing extension of CloudEvents. A
header is of the last step, and so comes before the attribute, which is of the event's making.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

PARENT: Final = "traceparent"
STATE: Final = "tracestate"

_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_FLAGS: Final = slice(53, 55)


class TraceContext(NamedTuple):
    """One step of a trace: what comes next has it for its parent."""

    parent: str  # `00-{trace id}-{span id}-{flags}`
    state: str = ""  # what other programs keep with the trace

    @property
    def is_sampled(self) -> bool:
        """Whether who made it records the trace."""
        return bool(int(self.parent[_FLAGS], 16) & 1)

    def unsampled(self) -> TraceContext:
        """The same for a trace that is not to be recorded from here on."""
        return self._replace(parent=self.parent[: _FLAGS.start] + "00")

    @property
    def attributes(self) -> dict[str, str]:
        """As headers or extension attributes."""
        return {PARENT: self.parent, STATE: self.state} if self.state else {PARENT: self.parent}


def read(parent: object, state: object = None) -> TraceContext | None:
    """A context that somebody sent; None where it is none, which is no reason to refuse what it came with."""
    if not isinstance(parent, str) or not _PARENT.fullmatch(parent):
        return None
    return TraceContext(parent, state if isinstance(state, str) and _STATE.fullmatch(state) else "")


def posted(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """That of an HTTP request, its headers as ASGI has them."""
    parent = state = ""
    for name, value in headers:
        if name[:5] == b"trace":
            if name == b"traceparent":
                parent = value.decode("latin-1")
            elif name == b"tracestate":
                state = value.decode("latin-1")
    return read(parent, state) if parent else None


def carried(headers: Mapping[str, str] | None, extensions: Mapping[str, Any] | None) -> TraceContext | None:
    """That of a message on a stream, by its headers and the extension attributes of its event."""
    if headers and (parent := headers.get(PARENT)) is not None and (found := read(parent, headers.get(STATE))):
        return found
    if extensions and (parent := extensions.get(PARENT)) is not None:
        return read(parent, extensions.get(STATE))
    return None
