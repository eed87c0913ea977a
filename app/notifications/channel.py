"""The channel of each type of destination: what is said in the form of the service, and what its answer means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, get_args

import aiohttp

from app.delivery.channels.base import Channel
from app.delivery.channels.http import USER_AGENT, Post, post
from app.delivery.delivery import Delivery
from app.delivery.outcome import Gone, Impossible, Outcome, TryLater
from app.notifications.destinations import kinds as destinations
from app.notifications.formats import (
    dingtalk,
    feishu,
    opsgenie,
    pagerduty,
    slack,
    teams,
    telegram,
    webhook,
    wecom,
    xiezuo,
)
from app.notifications.formats.notice import Notice
from app.notifications.formats.request import Request
from app.notifications.receivers import CHANNEL
from app.notifications.routing.configuration import Receiver
from app.notifications.saying import said_of
from app.notifications.senders.apprise import AppriseSender
from app.notifications.senders.email import EmailSender

Find = Callable[[str], Receiver | None]

_CHATS: Final = {"slack": slack.message, "wecom": wecom.message, "teams": teams.message, "xiezuo": xiezuo.message}
_SIGNED: Final = {"feishu": feishu.message, "dingtalk": dingtalk.message}
_JUDGES: Final[Mapping[str, Callable[[Outcome], Outcome]]] = {
    "slack": slack.judge,
    "teams": teams.judge,
    "pagerduty": pagerduty.judge,
    "feishu": feishu.judge,
    "dingtalk": dingtalk.judge,
    "wecom": wecom.judge,
    "telegram": telegram.judge,
    "xiezuo": xiezuo.judge,
}


def types() -> Iterator[str]:
    """The types of destinations."""
    for model in get_args(get_args(destinations.Destination)[0]):
        yield from get_args(model.model_fields["type"].annotation)


class HttpServices:
    """Services that are told by HTTP."""

    def __init__(self, session: aiohttp.ClientSession, find: Find) -> None:
        """Send by a session what goes to a receiver that `find` finds by the key of its target."""
        self._session = session
        self._find = find

    async def send(self, delivery: Delivery) -> Outcome:
        receiver = self._find(delivery.target.key)
        if receiver is None:
            return TryLater("the receiver is not there")
        said = said_of(delivery.received, receiver.template)
        request = request_of(receiver.destination, said.notice, time.time(), delivery.id)
        if isinstance(request, Impossible):
            return request
        if said.body is not None and receiver.template is not None:
            own = {"Content-Type": receiver.template.content_type}
            request = Request(request.url, said.body.encode("utf-8", "replace"), own)
        outcome = await post(self._session, _post(request, delivery))
        return judged(receiver.destination.type, outcome, said.notice)


class Mail:
    """Receivers that are told by mail."""

    def __init__(self, sender: EmailSender, find: Find) -> None:
        self._sender = sender
        self._find = find

    async def send(self, delivery: Delivery) -> Outcome:
        receiver = self._find(delivery.target.key)
        if receiver is None or not isinstance(receiver.destination, destinations.Email):
            return TryLater("the receiver is not there")
        said = said_of(delivery.received, receiver.template)
        return await self._sender.send(receiver.destination, said.notice, delivery.id)


class Others:
    """Receivers that are told through Apprise."""

    def __init__(self, sender: AppriseSender, find: Find) -> None:
        self._sender = sender
        self._find = find

    async def send(self, delivery: Delivery) -> Outcome:
        receiver = self._find(delivery.target.key)
        if receiver is None or not isinstance(receiver.destination, destinations.Apprise):
            return TryLater("the receiver is not there")
        return await self._sender.send(receiver.destination, said_of(delivery.received, receiver.template).notice)


def request_of(where: destinations.Destination, notice: Notice, now: float, identity: str) -> Request | Impossible:
    """The request of an attempt at `now`, Unix seconds, at the delivery of an id; or why there can be none."""
    match where:
        case destinations.Webhook(url=url):
            return webhook.message(url.get_secret_value(), notice, now)
        case destinations.Chat(type=kind, url=url):
            return _CHATS[kind](url.get_secret_value(), notice)
        case destinations.SignedChat(type=kind, url=url, secret=secret):
            return _SIGNED[kind](url.get_secret_value(), notice, now, secret.get_secret_value() if secret else "")
        case _:
            return _of_service(where, notice, identity)


def _of_service(where: destinations.Destination, notice: Notice, identity: str) -> Request | Impossible:
    """Services that have one address for everybody, and keys."""
    match where:
        case destinations.Telegram(token=token, chat=chat):
            return telegram.message(token.get_secret_value(), chat, notice)
        case destinations.PagerDuty(routing_key=key):
            return pagerduty.message(key.get_secret_value(), notice, identity)
        case destinations.Opsgenie(api_key=key, region=region):
            return opsgenie.message(key.get_secret_value(), notice, identity, opsgenie.APIS[region])
        case _:
            return Impossible(f"{where.type} is not told by HTTP")


def judged(kind: str, outcome: Outcome, notice: Notice) -> Outcome:
    """What an outcome by the status means for a service. A receiver never stops by itself: somebody is to be told."""
    if kind == "opsgenie":
        outcome = opsgenie.judge(outcome, closes=notice.resolved)
    outcome = _JUDGES.get(kind, _as_it_is)(outcome)
    if isinstance(outcome, Gone):
        return TryLater(f"{outcome.reason}: mend or remove the receiver", answer=outcome.answer)
    return outcome


def _as_it_is(outcome: Outcome) -> Outcome:
    return outcome


def _post(request: Request, delivery: Delivery) -> Post:
    ours = {"User-Agent": USER_AGENT, "webhook-id": delivery.id}
    # Programs go on with a trace; the services of others are not told of it.
    is_program = delivery.target.channel == f"{CHANNEL}webhook"
    traced = delivery.trace.attributes if is_program and delivery.trace is not None else {}
    return Post(request.url, {**request.headers, **ours, **traced}, request.body)


def channels(http: Channel, others: Mapping[str, Channel]) -> dict[str, Channel]:
    """The channels by the names that targets have for them; `others` by type of destination, where that is not HTTP."""
    return {CHANNEL + kind: others.get(kind, http) for kind in types()}
