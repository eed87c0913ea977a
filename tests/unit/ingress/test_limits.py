from __future__ import annotations

import asyncio

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.ingress.limits import Limits
from tests.asgi import ask


class Slow:
    """Answers when it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/api"):
            await self.may.wait()
        await PlainTextResponse("served")(scope, receive, send)


async def test_more_requests_at_once_than_there_may_be_are_told_to_come_back() -> None:
    slow = Slow()
    limits = Limits(slow, at_once=2)
    tails = [asyncio.create_task(ask(limits, "GET", "/api/v1/events/ops.>/tail")) for _ in range(5)]
    served = [asyncio.create_task(ask(limits, "GET", "/api/x")) for _ in range(2)]
    await asyncio.sleep(0)
    for method, path in (("GET", "/api/x"), ("POST", "/api/v1/namespaces/a/events/b/tail")):
        refused = await ask(limits, method, path)
        assert (refused.status, refused.headers["retry-after"], refused.json["code"]) == (503, "1", -1)
    assert (await ask(limits, "GET", "/healthz")).status == 200
    slow.may.set()
    assert [answer.status for answer in await asyncio.gather(*served, *tails)] == [200] * 7
    assert (await ask(limits, "GET", "/api/x")).status == 200


async def test_a_request_that_fails_is_not_in_flight_any_more() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    limits = Limits(failing, at_once=1)
    for _ in range(3):
        answers = await asyncio.gather(ask(limits, "GET", "/api/x"), return_exceptions=True)
        assert isinstance(answers[0], RuntimeError)
