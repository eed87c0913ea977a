"""How uvicorn reads requests: as it does, but the headers of one are bounded in size and time.

httptools keeps whatever comes before the headers end, however much that is, and waits for it for ever.
Used by `server.py`.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_BYTES: Final = 64 * 1024  # of what stands before the body; `ingress/limits.py` is stricter, and says more
SECONDS: Final = 15.0  # that a client may take for it

_TOO_LARGE: Final = "the headers do not end: send fewer"
_TOO_SLOW: Final = f"the headers were not there within {SECONDS:g} s: send them faster"
_MALFORMED: Final = "this is no HTTP request: what is served stands at /docs"


class BoundedHeaders(HttpToolsProtocol):
    """Ends connections whose headers do not end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unfinished = 0  # bytes of a request whose headers have not ended
        self._is_reading_headers = True
        self._has_begun = False  # in what was received last
        self._had_requests = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._has_begun = False
        super().data_received(data)
        if not self._is_reading_headers or self.transport.is_closing():
            return
        # What came with the end of another request is left out of the count.
        came_with_another = self._has_begun and self._had_requests
        self._unfinished += 0 if came_with_another else len(data)
        if self._unfinished > MAX_BYTES:
            self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
        elif self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unfinished, self._is_reading_headers, self._has_begun = 0, True, True

    def on_headers_complete(self) -> None:
        self._is_reading_headers, self._had_requests = False, True
        self._clear_deadline()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's own words say less
        self._end(HTTPStatus.BAD_REQUEST, _MALFORMED)

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(SECONDS, self._late)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self._is_reading_headers:
            self._end(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW)

    def _end(self, status: HTTPStatus, message: str) -> None:
        """Answer in our form, unless an answer to another request is under way, and close."""
        if not self.transport.is_closing() and not (self._had_requests and not self.cycle.response_complete):
            self.transport.write(_answer(status, message))
        self.transport.close()


def _answer(status: HTTPStatus, message: str) -> bytes:
    body = json.dumps({"code": -1, "message": message}).encode()
    lines = (f"HTTP/1.1 {status.value} {status.phrase}", "content-type: application/json", "connection: close")
    return "\r\n".join((*lines, f"content-length: {len(body)}\r\n\r\n")).encode() + body
