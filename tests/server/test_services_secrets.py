"""No secret of a receiver is seen: not in an outcome, not in what the ledger keeps of an answer, in no log."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web

from app.delivery.secrets.masking import masked_text, masked_url, secrets_of
from app.notifications.receivers import target_of
from tests.server.reaching import Answer, session_to
from tests.server.telling import receiver, tell

# Each destination with secrets as its service makes them, and what of it is secret.
APPRISE = "pover://uQiRzpo4DXghDmr9QzzfQu@azGDORePK8gMaC0QOYAMyEEuzJnyUi"
KINDS = {
    "webhook": (
        "{type: webhook, url: 'https://user:hunter2hunter2@hooks.example.com/a?token=a1b2c3d4e5f6'}",
        ("hunter2hunter2", "a1b2c3d4e5f6"),
    ),
    "slack": (
        "{type: slack, url: 'https://hooks.slack.com/services/T02ABCDEF/B03ABCDEF/x9Y8z7W6v5U4t3S2r1Q0p9O8'}",
        ("x9Y8z7W6v5U4t3S2r1Q0p9O8", "B03ABCDEF"),
    ),
    "feishu": (
        "{type: feishu, url: 'https://open.feishu.cn/open-apis/bot/v2/hook/8c7f0f7e-3d1c-4a53-9d6d', secret: Zq9sign}",
        ("8c7f0f7e-3d1c-4a53-9d6d", "Zq9sign"),
    ),
    "dingtalk": (
        "{type: dingtalk, url: 'https://oapi.dingtalk.com/robot/send?access_token=566cc69da782ec', secret: SECab12}",
        ("566cc69da782ec", "SECab12"),
    ),
    "wecom": (
        "{type: wecom, url: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa'}",
        ("693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa",),
    ),
    "xiezuo": (
        "{type: xiezuo, url: 'https://xz.wps.cn/api/v1/webhook/send?key=9e107d9d372bb6826bd81d3542a419d6'}",
        ("9e107d9d372bb6826bd81d3542a419d6",),
    ),
    "teams": (
        "{type: teams, url: 'https://prod-1.westeurope.logic.azure.com:443/workflows/8f14e45fceea167a5a36dedd/i?sig=q1W2e3R4t5'}",
        ("8f14e45fceea167a5a36dedd", "q1W2e3R4t5"),
    ),
    "telegram": (
        "{type: telegram, token: '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw', chat: '-100123'}",
        ("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",),
    ),
    "pagerduty": (
        "{type: pagerduty, routingKey: e93facc04764012d7bfb002500d5d1a6}",
        ("e93facc04764012d7bfb002500d5d1a6",),
    ),
    "opsgenie": (
        "{type: opsgenie, apiKey: eb243592-faa2-4ba2-a551-1afdf565c889}",
        ("eb243592-faa2-4ba2-a551-1afdf565c889",),
    ),
    "email": (
        "{type: email, host: smtp.example.com, from: a@b.c, to: [a@b.c], username: ops, password: correct-horse}",
        ("correct-horse",),
    ),
    "apprise": (f"{{type: apprise, url: '{APPRISE}'}}", (APPRISE,)),
}
EVERY = pytest.mark.parametrize("kind", KINDS)
BY_HTTP = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"email", "apprise"}])


@EVERY
def test_neither_a_receiver_nor_its_target_shows_a_secret(kind: str) -> None:
    written, secrets = KINDS[kind]
    one = receiver(written)
    target = target_of(one)
    for shown in (repr(one), str(one), repr(target), one.model_dump_json(), masked_url(target.channel, target.url)):
        assert not any(secret in shown for secret in secrets)


@EVERY
def test_each_secret_is_known_to_who_masks_the_texts_of_others(kind: str) -> None:
    written, secrets = KINDS[kind]
    known = secrets_of(target_of(receiver(written)))
    for secret in secrets:
        assert secret not in masked_text(f"you sent {secret} to us", known)


def test_of_apprise_nothing_but_the_scheme_is_shown() -> None:
    target = target_of(receiver(KINDS["apprise"][0]))
    assert masked_url(target.channel, target.url) == "pover://***"


HOSTS = (
    *(
        "hooks.example.com",
        "hooks.slack.com",
        "open.feishu.cn",
        "oapi.dingtalk.com",
        "qyapi.weixin.qq.com",
        "xz.wps.cn",
    ),
    *("prod-1.westeurope.logic.azure.com", "api.telegram.org", "events.pagerduty.com", "api.opsgenie.com"),
)


def echo(status: int | None) -> Answer:
    """Answers with all that it was sent, as services in trouble do; None: hangs up instead."""

    async def answer(request: web.Request) -> web.Response:
        sent = f"{request.raw_path} {dict(request.headers)} ".encode() + await request.read()
        if status is None and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 500, body=sent)

    return answer


@BY_HTTP
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 410, 429, 500, None])
async def test_neither_outcome_nor_ledger_nor_log_shows_a_secret(
    kind: str, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiohttp.access")  # the server's own
    caplog.set_level(logging.DEBUG)  # after it: the level is the handler's too
    written, secrets = KINDS[kind]
    async with session_to(dict.fromkeys(HOSTS, echo(status))) as session:
        outcome = await tell(session, receiver(written))
    known = secrets_of(target_of(receiver(written)))
    answer = getattr(outcome, "answer", None)
    kept = masked_text(answer.body.decode("utf-8", "replace"), known) if answer else ""
    for shown in (getattr(outcome, "reason", ""), kept, caplog.text):
        assert not any(secret in shown for secret in secrets), shown
