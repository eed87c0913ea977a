"""Services that are told, on loopback: each takes what its documentation says it takes, and answers as it does.

What arrives is kept with the id that a repeat carries, so that a test can count. A notification is known by a word such
as `n-17` in its title, wherever a service has it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope

from tests.receiver import Call, Receiver
from tests.servers import free_port

SECRET: Final = "SEC-of-the-robot"
_WORD: Final = re.compile(r"\bn-\d+\b")


@dataclass(frozen=True)
class Told:
    """A message that a service took."""

    service: str
    identity: str  # the same in every repeat
    text: str  # all of it
    body: Any = None  # JSON, where it is that

    @property
    def notifications(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.text))


@dataclass
class Services:
    """All of them. Each can be made to refuse."""

    http: Receiver = field(default_factory=Receiver)
    smtp_port: int = field(default_factory=free_port)
    told: list[Told] = field(default_factory=list)
    incidents: dict[str, str] = field(default_factory=dict)  # by deduplication key: firing or resolved
    refusals: Counter[str] = field(default_factory=Counter)  # requests that each service will refuse yet
    refused: Counter[str] = field(default_factory=Counter)
    hangs: set[str] = field(default_factory=set)  # services that take messages and do not answer
    _smtp: asyncio.Server | None = None

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.http.port}/{service}"

    def of(self, service: str) -> list[Told]:
        return [one for one in self.told if one.service == service]

    async def open(self) -> None:
        self.http.answer = self._answer
        await self.http.open()
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(
            lambda: SMTP(self, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", self.smtp_port
        )

    async def close(self) -> None:
        await self.http.close()
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    async def wait_for(self, reached: Callable[[], bool], seconds: float = 30) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not reached():  # noqa: ASYNC110 -- two servers tell of what arrives
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"after {seconds:g} s only {self.numbers()} were told") from None

    def numbers(self) -> dict[str, int]:
        """Notifications that each service was told of."""
        return {name: len(once(self.of(name))) for name in sorted({told.service for told in self.told})}

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: ARG002, N802 -- as aiosmtpd calls it
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body(("plain",))
        assert text is not None
        self.told.append(Told("mail", str(mail["Message-ID"]), f"{mail['Subject']}\n{text.get_content()}"))
        return "250 OK"

    async def _answer(self, call: Call) -> web.Response:
        service = urlsplit(call.path).path.strip("/")
        told = Told(service, call.headers["webhook-id"], call.text, json.loads(call.body))
        problem = _PROBLEMS.get(service, _none)(call, told.body)
        if problem is None and self.refusals[service] > 0:
            self.refusals[service] -= 1
            problem = _REFUSALS.get(service)
        if problem is not None:
            self.refused[service] += 1
            return problem
        self.told.append(told)
        if service == "incidents":
            self.incidents[told.body["key"]] = told.body["status"]
        while service in self.hangs:  # noqa: ASYNC110 -- a test says when it may answer
            await asyncio.sleep(0.05)
        return web.Response(text=_OK.get(service, ""))


def once(told: list[Told]) -> dict[str, set[str]]:
    """Of each notification, the ids of the messages that it came in: more than one, and it was told more than once."""
    found = defaultdict[str, set[str]](set)
    for one in told:
        for word in one.notifications:
            found[word].add(one.identity)
    return found


def _none(_: Call, __: Any) -> web.Response | None:
    return None


def _slack(_: Call, body: Any) -> web.Response | None:
    is_well = body.keys() & {"text", "blocks", "attachments"} and all(
        one["blocks"] for one in body.get("attachments", ())
    )
    return None if is_well else web.Response(status=400, text="invalid_payload")


def _dingtalk(call: Call, body: Any) -> web.Response | None:
    asked = parse_qs(urlsplit(call.path).query)
    (time,), (sign,) = asked["timestamp"], asked["sign"]
    right = hmac.new(SECRET.encode(), f"{time}\n{SECRET}".encode(), hashlib.sha256).digest()
    if base64.b64decode(sign) != right or body["msgtype"] != "markdown":
        return web.json_response({"errcode": 310000, "errmsg": "sign not match"})
    return None


def _feishu(_: Call, body: Any) -> web.Response | None:
    key = f"{body['timestamp']}\n{SECRET}".encode()
    right = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    if body["sign"] != right or body["msg_type"] != "interactive":
        return web.json_response({"code": 19021, "msg": "sign match fail or timestamp is not within one hour"})
    return None


_PROBLEMS: Final = {"slack": _slack, "dingtalk": _dingtalk, "feishu": _feishu}
_OK: Final = {"slack": "ok", "dingtalk": '{"errcode":0,"errmsg":"ok"}', "feishu": '{"code":0,"msg":"success"}'}


class _Refusals:
    """A fresh answer each time: aiohttp sends one only once."""

    def get(self, service: str) -> web.Response:
        if service == "feishu":  # with status 200
            return web.json_response({"code": 11232, "msg": "frequency limited"})
        return web.Response(status=503)


_REFUSALS: Final = _Refusals()


@asynccontextmanager
async def running_services() -> AsyncIterator[Services]:
    services = Services()
    await services.open()
    try:
        yield services
    finally:
        await services.close()
