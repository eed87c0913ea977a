"""Where a receiver is: the settings of each kind. Pure.

What may let somebody in, a URL of a chat included, is a `SecretStr`: neither logs nor errors show it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


def _is_a_url(given: SecretStr) -> SecretStr:
    parts = urlsplit(given.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that begins with http:// or https://")
    return given


def _is_an_address(given: str) -> str:
    if not _ADDRESS.fullmatch(given):
        raise ValueError("must be an address such as oncall@example.com")
    return given


Url = Annotated[SecretStr, Field(max_length=4096), AfterValidator(_is_a_url)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=4096)]
Address = Annotated[str, Field(max_length=254), AfterValidator(_is_an_address)]


class _Destination(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


class Webhook(_Destination):
    """POSTs JSON, or what a template makes of the notification."""

    type: Literal["webhook"]
    url: Url


class Chat(_Destination):
    """A robot of a chat that a URL names."""

    type: Literal["xiezuo", "slack", "wecom", "teams"]
    url: Url


class SignedChat(_Destination):
    """A robot of a chat that may want signatures."""

    type: Literal["feishu", "dingtalk"]
    url: Url
    secret: Secret | None = None


class Telegram(_Destination):
    """A bot in a chat of Telegram."""

    type: Literal["telegram"]
    token: Secret
    chat: str = Field(min_length=1, max_length=128, description="Its id, or @name of a channel.")


class PagerDuty(_Destination):
    """A service of PagerDuty, by the Events API v2."""

    type: Literal["pagerduty"]
    routing_key: Secret


class Opsgenie(_Destination):
    """A team of Opsgenie."""

    type: Literal["opsgenie"]
    api_key: Secret
    region: Literal["us", "eu"] = "us"


class Email(_Destination):
    """Addresses, by way of an SMTP server."""

    type: Literal["email"]
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = Field(default=None, max_length=254)
    password: Secret | None = None
    sender: Address = Field(alias="from")
    to: tuple[Address, ...] = Field(min_length=1, max_length=50)


# Schemes of Apprise whose URL names the host, and those of services that have a host of their own. No others: among
# what Apprise can do are programs, files and the desktop of this machine.
OWN_HOST = frozenset(
    {
        *(
            "jsons",
            "xmls",
            "forms",
            "gotifys",
            "ntfys",
            "matrixs",
            "mmosts",
            "rockets",
            "nclouds",
            "nctalks",
            "signals",
        ),
        *("mailtos", "hassios", "apprises", "lunaseas", "synologys"),
    }
)
SERVICES = frozenset(
    {
        *("discord", "pover", "pbul", "zulip", "webex", "wxteams", "twilio", "vonage", "sns", "ses", "mailgun"),
        *(
            "sendgrid",
            "gchat",
            "line",
            "flock",
            "ryver",
            "twist",
            "workflows",
            "victorops",
            "splunk",
            "spike",
            "pagertree",
        ),
        *("squadcast", "simplepush", "join", "ifttt", "clicksend", "d7sms", "msg91", "whatsapp", "threema", "guilded"),
    }
)
SCHEMES = OWN_HOST | SERVICES


def _is_let_in(given: SecretStr) -> SecretStr:
    scheme, colon, _ = given.get_secret_value().partition("://")
    if not colon or scheme.lower() not in SCHEMES:
        raise ValueError(f"must be a URL of Apprise with one of the schemes {', '.join(sorted(SCHEMES))}")
    return given


class Apprise(_Destination):
    """Any other service that Apprise knows, by its URL; an optional extra."""

    type: Literal["apprise"]
    url: Annotated[SecretStr, Field(max_length=4096), AfterValidator(_is_let_in)]


Destination = Annotated[
    Webhook | Chat | SignedChat | Telegram | PagerDuty | Opsgenie | Email | Apprise, Field(discriminator="type")
]
