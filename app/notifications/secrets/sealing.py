"""Receivers and routes as they lie in the bucket: the whole sealed, and beside it what may be seen.

A value is JSON: `shown`, the configuration with `***` for each secret, for people who look there, and `sealed`, a token
of Fernet that holds all of it. Only what is sealed counts: who changes what is shown changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr, ValidationError
from pydantic_core import from_json, to_json

from app.errors import FieldProblem, InvalidResourceError, UnavailableError
from app.notifications.routing.configuration import Configuration

MASK: Final = "***"
MOST_BYTES: Final = 1_000_000  # of a value: a message of NATS has 1 MiB; without what is shown, if need be
_NO_KEY: Final = (
    "it is sealed with a key that is neither in SECRETS_KEY nor the one that was made where that is not set"
)
_NOT_OURS: Final = "it is no configuration of receivers and routes; replace it"


class Sealing:
    """Seals with the first of its keys, and opens with any."""

    def __init__(self) -> None:
        self._keys: MultiFernet | None = None

    def use(self, keys: Sequence[str]) -> None:
        """Take these Fernet keys, each 32 bytes in URL-safe base64, from now on."""
        self._keys = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def seal(self, configuration: Configuration) -> bytes:
        """A configuration as a value of the bucket.

        Raises:
            UnavailableError: there is no key yet.
            InvalidResourceError: it is too large to be kept.
        """
        if self._keys is None:
            raise UnavailableError("there is no key yet to seal the secrets of receivers with")
        token = self._keys.encrypt(to_json(plain(configuration))).decode()
        for value in (to_json({"shown": masked(configuration), "sealed": token}), to_json({"sealed": token})):
            if len(value) <= MOST_BYTES:
                return value
        raise InvalidResourceError(
            [
                FieldProblem(
                    "the configuration", f"is {len(token)} bytes long when sealed: {MOST_BYTES} are kept at most"
                )
            ]
        )

    def open(self, value: bytes) -> Configuration:
        """The configuration in a value of the bucket.

        Raises:
            ValueError: it cannot be read; the message holds no secret.
        """
        try:
            token = from_json(value)["sealed"]
            return Configuration.model_validate_json(self._decrypted(token))
        except (ValidationError, KeyError, TypeError):
            raise ValueError(_NOT_OURS) from None

    def _decrypted(self, token: str) -> bytes:
        try:
            return self._keys.decrypt(token) if self._keys else b""
        except InvalidToken:
            raise ValueError(_NO_KEY) from None


def plain(configuration: Configuration) -> Any:
    """A configuration as it is written, with its secrets."""
    return _with(lambda secret: secret.get_secret_value(), _written(configuration))


def masked(configuration: Configuration) -> Any:
    """A configuration as it may be shown."""
    return _with(lambda _: MASK, _written(configuration))


def _written(configuration: Configuration) -> Any:
    return configuration.model_dump(by_alias=True, exclude_defaults=True)


def _with(say: Any, node: Any) -> Any:
    if isinstance(node, SecretStr):
        return say(node)
    if isinstance(node, dict):
        return {key: _with(say, value) for key, value in node.items()}
    return [_with(say, value) for value in node] if isinstance(node, list | tuple) else node
