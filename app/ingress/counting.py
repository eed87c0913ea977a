"""Counts requests by method and status. ASGI middleware, outside of everything, so that it sees every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Answered = Callable[[str, int], None]


class Counting:
    """Tells `answered` the method and the status when an answer begins."""

    def __init__(self, app: ASGIApp, answered: Answered) -> None:
        self._app = app
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered, method = self._answered, scope["method"]

        def counted(message: Message) -> Awaitable[None]:  # no coroutine of its own: this runs for every answer
            if message["type"] == "http.response.start":
                answered(method, message["status"])
            return send(message)

        await self._app(scope, receive, counted)
