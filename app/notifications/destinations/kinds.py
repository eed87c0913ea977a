"""Where a receiver is: the settings of each kind. Pure.

What may let somebody in, a URL of a chat included, is a `SecretStr`: neither logs nor errors show it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel

from app.notifications.destinations import schemes

_ADDRESS = re.compile(r"[^@\s<>()\[\]\\,;:\"]+@[^@\s<>()\[\]\\,;:\"]+", re.ASCII)
_KEY = re.compile(r"[!-~]+")


def _is_a_url(given: SecretStr) -> SecretStr:
    parts = urlsplit(given.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that begins with http:// or https://")
    return given


def _is_an_address(given: str) -> str:
    if not (given.isascii() and _ADDRESS.fullmatch(given)):
        raise ValueError("must be an address such as oncall@example.com")
    return given


def _is_a_key(given: SecretStr) -> SecretStr:
    if not _KEY.fullmatch(given.get_secret_value()):
        raise ValueError("must be one word of ASCII, as the service shows it")
    return given


def _is_let_in(given: SecretStr) -> SecretStr:
    schemes.check(given.get_secret_value())
    return given


Url = Annotated[SecretStr, Field(max_length=4096), AfterValidator(_is_a_url)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=4096)]
Key = Annotated[SecretStr, Field(max_length=4096), AfterValidator(_is_a_key)]
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
    token: Key
    chat: str = Field(min_length=1, max_length=128, description="Its id, or @name of a channel.")

    @property
    def is_a_person(self) -> bool:
        """Whether the chat is with one person: the ids of groups and channels are negative."""
        return self.chat.isdecimal()


class PagerDuty(_Destination):
    """A service of PagerDuty, by the Events API v2."""

    type: Literal["pagerduty"]
    routing_key: Key


class Opsgenie(_Destination):
    """A team of Opsgenie."""

    type: Literal["opsgenie"]
    api_key: Key
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

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both, or neither")
        if self.password is not None and self.tls == "none":
            raise ValueError("a password is sent over TLS only: leave out tls, or username and password")
        return self


class Apprise(_Destination):
    """Any other service that Apprise knows, by its URL; an optional extra."""

    type: Literal["apprise"]
    url: Annotated[SecretStr, Field(max_length=4096), AfterValidator(_is_let_in)]


Destination = Annotated[
    Webhook | Chat | SignedChat | Telegram | PagerDuty | Opsgenie | Email | Apprise, Field(discriminator="type")
]
