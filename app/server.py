"""The ASGI application and how it runs: FastStream outside, the HTTP application inside, uvicorn around both."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import signal
import socket
import struct
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from faststream.asgi import AsgiFastStream
from faststream.asgi.app import cast_uvicorn_params

from app.departure import Departure, Handler
from app.errors import ConfigurationError
from app.http import BoundedHeaders
from app.telemetry import logs
from app.telemetry.logs import LogSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from faststream.asgi.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

_HOST: Final = "127.0.0.1"
_PORT: Final = 8000
_STREAMED: Final = "/tail"  # how the path of an answer without end ends
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # of SO_LINGER: on, for 0 s

# What uvicorn is told unless the command line says otherwise: normal operation leaves no logs.
_DEFAULTS: Final[dict[str, Any]] = {
    "host": _HOST,
    "port": _PORT,
    "http": BoundedHeaders,
    "log_level": logging.ERROR,  # its warnings are about what clients send, one for each request
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": 10,  # seconds that requests in flight get at the end
}


class OpsApplication(AsgiFastStream):
    """FastStream matches exact paths only, so whatever it does not know goes to the inner application."""

    inner: ASGIApp
    log_settings = LogSettings()
    leaving: Callable[[], None] = staticmethod(lambda: None)  # called when nothing more is to be taken
    departure = Departure()

    _server_of_run: uvicorn.Server | None = None
    _failed = False

    async def not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"].endswith(_STREAMED):  # not for all: scope and send would be a cycle to collect
                scope["ops.abort"] = partial(_abort, send)
            await self.inner(scope, receive, self.departure.closing(send))
        else:
            await super().not_found(scope, receive, send)

    @property
    def address(self) -> str:
        """Where the application listens, as a client would write it."""
        options = _DEFAULTS | self._run_extra_options
        host = "localhost" if options["host"] in {"0.0.0.0", "::"} else options["host"]  # noqa: S104 -- read, not bound
        return f"http://{host}:{options['port']}"

    def fail(self, reason: str) -> None:
        """End the process with a message and a non-zero exit: something is wrong that waiting does not mend."""
        log.critical("%s", reason)
        self._failed = True
        self.exit()

    def exit(self) -> None:
        self.leaving()
        if self._server_of_run is not None:
            self._server_of_run.should_exit = True
        else:
            signal.raise_signal(signal.SIGTERM)  # a worker process, whose server uvicorn made itself

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As FastStream does it, but a start that fails ends the process, and is told in a line if it is known."""

        async def tell(message: Any) -> None:
            error = sys.exc_info()[1]
            if isinstance(error, ConfigurationError) and str(message["type"]).endswith(".failed"):
                message = {**message, "message": str(error)}
            await send(message)

        _log_quietly(self.log_settings, self._log_level, access="access_log" in self._run_extra_options)
        _spare_the_collector()
        if (server := _server_of_the_process()) is not None:
            _set_up(server.config, self._run_extra_options)
            self._hear_of_the_end(server)
        try:
            await super().lifespan(scope, receive, tell)
        except BaseException:
            # FastStream connects in the background: without this, HTTP would be served by half an application.
            self._failed = True
            self.exit()
            raise

    def _hear_of_the_end(self, server: uvicorn.Server) -> None:
        """Let `leaving` be called when a signal ends the process.

        uvicorn, in a worker too, waits for open connections before it tells the lifespan, and those that stream would
        stay open. It takes its handlers away itself.
        """
        loop = asyncio.get_running_loop()
        end = partial(_pass_on, loop, self.leaving, server.handle_exit)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, partial(self.departure.hear, loop, end))

    async def run(self, log_level: int = logging.INFO, run_extra_options: dict[str, Any] | None = None) -> None:
        """Serve until a signal ends it; ends the process with 1 where it failed."""
        self._log_level = log_level
        self._run_extra_options = cast_uvicorn_params(run_extra_options or {})
        known = inspect.signature(uvicorn.Config).parameters
        given = {key: value for key, value in self._run_extra_options.items() if key in known}
        self._server_of_run = uvicorn.Server(uvicorn.Config(self, **(_DEFAULTS | given)))
        try:
            await self._server_of_run.serve()
        except SystemExit:
            if not self._failed:  # uvicorn has said that it cannot bind, but not what to do
                log.critical("cannot listen at %s: choose another address with --host and --port", self.address)
            raise
        if self._failed:
            raise SystemExit(1)


def _server_of_the_process() -> uvicorn.Server | None:
    """The server that runs the lifespan, in a worker too: it has set its signal handlers before."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


def _set_up(config: uvicorn.Config, given: Mapping[str, Any]) -> None:
    """Give a worker what FastStream makes its server without; connections are taken after the lifespan began."""
    config.http_protocol_class = BoundedHeaders
    if "timeout_graceful_shutdown" not in given:
        config.timeout_graceful_shutdown = _DEFAULTS["timeout_graceful_shutdown"]
    if "server_header" not in given:
        config.encoded_headers = [header for header in config.encoded_headers if header[0] != b"server"]


def _pass_on(
    loop: asyncio.AbstractEventLoop,
    leaving: Callable[[], None],
    handler: Handler,
    number: int,
    frame: FrameType | None,
) -> None:
    handler(number, frame)
    loop.call_soon_threadsafe(leaving)


def _abort(send: Send) -> None:
    """End a client's connection, and with it what waits to be written. ASGI has no word for it: this is uvicorn's."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return
    if not transport.is_closing() and (connection := transport.get_extra_info("socket")) is not None:
        with suppress(OSError):  # else the kernel would go on trying to send what waits
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


def _log_quietly(settings: LogSettings, level: int, *, access: bool) -> None:
    """Our own lines; a line for each request only where it was asked for, in workers too."""
    logs.configure(settings, level)
    if not access:
        logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def _spare_the_collector() -> None:
    """What is loaded stays: looking at it again and again would cost a tenth of the time, and pauses besides."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
