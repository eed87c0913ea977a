"""Services that people are told through, on loopback: each speaks the protocol that its service publishes.

What a service has taken is kept; `most` says how many messages it takes before it finds them too many. How to reach
them stands in `reaching.py`.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from tests import published

HOUR = 3600.0


@dataclass
class Service:
    """What all of them have."""

    host: str = ""
    most: int = 1_000
    taken: list[dict[str, Any]] = field(default_factory=list)  # the bodies of what it took

    async def __call__(self, request: web.Request) -> web.Response:
        if request.method != "POST" or not request.content_type.startswith("application/json"):
            return web.Response(status=405)
        body = await request.read()
        if (refused := self.refuses(request, body)) is not None:
            return refused
        if len(self.taken) >= self.most:
            return self.busy()
        self.taken.append(published.read(body))
        return self.takes()

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        raise NotImplementedError

    def busy(self) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "7"})

    def takes(self) -> web.Response:
        return web.Response(text="ok")


@dataclass
class Slack(Service):
    host: str = "hooks.slack.com"
    archived: bool = False

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path != "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX":
            return web.Response(status=404, text="no_service")
        if self.archived:
            return web.Response(status=410, text="channel_is_archived")
        wrong = published.slack(body)
        return web.Response(status=400, text=wrong) if wrong else None


def told(number: int, message: str, name: str = "errcode", text: str = "errmsg") -> web.Response:
    """An error in an answer whose status says that all is well."""
    return web.json_response({name: number, text: message})


def is_signed(key: bytes, said: bytes, signature: str) -> bool:
    signer = HMAC(key, SHA256())
    signer.update(said)
    try:
        signer.verify(base64.b64decode(signature))
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass
class Feishu(Service):
    host: str = "open.feishu.cn"
    secret: str = ""
    word: str = ""

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        said = published.read(body)
        if request.path != "/open-apis/bot/v2/hook/8c7f0f7e-3d1c-4a53-9d6d-0123456789ab":
            return _feishu(19001, "param invalid: incoming webhook access token invalid")
        if self.secret and not self._is_signed(said.get("timestamp", ""), said.get("sign", "")):
            return _feishu(19021, "sign match fail or timestamp is not within one hour from current time")
        if self.word not in body.decode():
            return _feishu(19024, "Key Words Not Found")
        return _feishu(9499, wrong) if (wrong := published.feishu(body)) else None

    def _is_signed(self, timestamp: str, signature: str) -> bool:
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > HOUR:
            return False
        return is_signed(f"{timestamp}\n{self.secret}".encode(), b"", signature)

    def busy(self) -> web.Response:
        return _feishu(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]")

    def takes(self) -> web.Response:
        return web.json_response({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})


def _feishu(code: int, message: str) -> web.Response:
    return web.json_response({"code": code, "msg": message, "data": {}})


@dataclass
class DingTalk(Service):
    host: str = "oapi.dingtalk.com"
    secret: str = ""

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path != "/robot/send" or request.query.get("access_token") != "t0ken":
            return told(300001, "token is not exist")
        if self.secret and not self._is_signed(request.query.get("timestamp", ""), request.query.get("sign", "")):
            return told(310000, "sign not match")
        return told(40035, wrong) if (wrong := published.dingtalk(body)) else None

    def _is_signed(self, timestamp: str, signature: str) -> bool:
        if not timestamp.isdecimal() or abs(time.time() * 1000 - int(timestamp)) > HOUR * 1000:
            return False
        return is_signed(self.secret.encode(), f"{timestamp}\n{self.secret}".encode(), signature)

    def busy(self) -> web.Response:
        return told(130101, "send too fast, exceed 20 times per minute")

    def takes(self) -> web.Response:
        return told(0, "ok")


@dataclass
class WeCom(Service):
    host: str = "qyapi.weixin.qq.com"

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path != "/cgi-bin/webhook/send" or request.query.get("key") != "k3y":
            return told(93000, "invalid webhook url")
        return told(40058, wrong) if (wrong := published.wecom(body)) else None

    def busy(self) -> web.Response:
        return told(45009, "api freq out of limit")

    def takes(self) -> web.Response:
        return told(0, "ok")


@dataclass
class Xiezuo(Service):
    host: str = "xz.wps.cn"

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path != "/api/v1/webhook/send" or request.query.get("key") != "k3y":
            return told(403, "key", "code", "msg")
        return told(400, wrong, "code", "msg") if (wrong := published.xiezuo(body)) else None

    def takes(self) -> web.Response:
        return web.json_response({"result": "ok"})


@dataclass
class Teams(Service):
    host: str = "prod-1.westeurope.logic.azure.com"

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path != "/workflows/w0rkfl0w/triggers/manual/paths/invoke":
            return web.json_response({"error": {"code": "WorkflowNotFound"}}, status=404)
        if request.query.get("sig") != "s1g" or request.query.get("sp") != "/triggers/manual/run":
            return web.json_response({"error": {"code": "DirectApiAuthorizationRequired"}}, status=401)
        wrong = published.teams(body)
        return web.json_response({"error": {"code": wrong}}, status=400) if wrong else None

    def takes(self) -> web.Response:
        return web.Response(status=202)


@dataclass
class Telegram(Service):
    host: str = "api.telegram.org"

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if not request.path.endswith("/sendMessage"):
            return _telegram(404, "Not Found")
        if request.path != "/bot123456:t0ken/sendMessage":
            return _telegram(401, "Unauthorized")
        if published.read(body).get("chat_id") != "-100123":
            return _telegram(400, "Bad Request: chat not found")
        return _telegram(400, wrong) if (wrong := published.telegram(body)) else None

    def busy(self) -> web.Response:
        return _telegram(429, "Too Many Requests: retry after 31", parameters={"retry_after": 31})

    def takes(self) -> web.Response:
        sent = {"message_id": len(self.taken), "text": self.taken[-1]["text"]}
        return web.json_response({"ok": True, "result": sent})


def _telegram(status: int, description: str, **more: Any) -> web.Response:
    return web.json_response({"ok": False, "error_code": status, "description": description, **more}, status=status)


@dataclass
class PagerDuty(Service):
    host: str = "events.pagerduty.com"
    open: set[str] = field(default_factory=set)  # alerts, by their keys

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path != "/v2/enqueue":
            return web.Response(status=404)
        wrong = published.pagerduty(body)
        return web.json_response({"status": "invalid event", "errors": [wrong]}, status=400) if wrong else None

    def busy(self) -> web.Response:
        return web.Response(status=429)

    def takes(self) -> web.Response:
        said = self.taken[-1]
        (self.open.discard if said["event_action"] == "resolve" else self.open.add)(said["dedup_key"])
        return web.json_response({"status": "success", "dedup_key": said["dedup_key"]}, status=202)


@dataclass
class Opsgenie(Service):
    host: str = "api.opsgenie.com"
    open: set[str] = field(default_factory=set)  # alerts, by their aliases

    def refuses(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.headers.get("Authorization") != "GenieKey k3y":
            return web.json_response({"message": "Could not authenticate"}, status=401)
        if request.path == "/v2/alerts":
            wrong = published.opsgenie(body)
            return web.json_response({"message": wrong}, status=422) if wrong else self._create(body)
        return self._close(request, body)

    def _create(self, body: bytes) -> web.Response | None:
        if len(self.taken) < self.most:
            self.open.add(published.read(body)["alias"])
        return None

    def _close(self, request: web.Request, body: bytes) -> web.Response | None:
        *before, alias, close = map(unquote, request.raw_path.partition("?")[0].split("/"))
        if before != ["", "v2", "alerts"] or close != "close" or request.query.get("identifierType") != "alias":
            return web.Response(status=404)
        if alias not in self.open:
            return web.json_response({"message": "Alert does not exist"}, status=404)
        self.open.discard(alias)
        return web.json_response({"message": wrong}, status=422) if (wrong := published.close(body)) else None

    def takes(self) -> web.Response:
        return web.json_response({"result": "Request will be processed", "requestId": "1"}, status=202)


@dataclass
class Services:
    """All of them, by the types of destinations that speak to them."""

    slack: Slack = field(default_factory=Slack)
    feishu: Feishu = field(default_factory=Feishu)
    dingtalk: DingTalk = field(default_factory=DingTalk)
    wecom: WeCom = field(default_factory=WeCom)
    xiezuo: Xiezuo = field(default_factory=Xiezuo)
    teams: Teams = field(default_factory=Teams)
    telegram: Telegram = field(default_factory=Telegram)
    pagerduty: PagerDuty = field(default_factory=PagerDuty)
    opsgenie: Opsgenie = field(default_factory=Opsgenie)

    def by_type(self) -> dict[str, Service]:
        return dict(vars(self))

    def by_host(self) -> dict[str, Service]:
        return {service.host: service for service in self.by_type().values()}


# Where each is, as people write it, with the secrets that the services above know.
WRITTEN = {
    "slack": "{type: slack, url: 'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX'}",
    "feishu": "{type: feishu, secret: s3cret,"
    " url: 'https://open.feishu.cn/open-apis/bot/v2/hook/8c7f0f7e-3d1c-4a53-9d6d-0123456789ab'}",
    "dingtalk": "{type: dingtalk, url: 'https://oapi.dingtalk.com/robot/send?access_token=t0ken', secret: s3cret}",
    "wecom": "{type: wecom, url: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k3y'}",
    "xiezuo": "{type: xiezuo, url: 'https://xz.wps.cn/api/v1/webhook/send?key=k3y'}",
    "teams": "{type: teams, url: 'https://prod-1.westeurope.logic.azure.com:443/workflows/w0rkfl0w/triggers/manual/paths"
    "/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=s1g'}",
    "telegram": "{type: telegram, token: '123456:t0ken', chat: '-100123'}",
    "pagerduty": "{type: pagerduty, routingKey: R0ut1ngKeyR0ut1ngKeyR0ut1ngKey12}",
    "opsgenie": "{type: opsgenie, apiKey: k3y}",
}
