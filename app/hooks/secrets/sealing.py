"""Hooks as they lie in the bucket: what is secret in them is sealed, the rest can be read by anybody who looks there.

A value of the bucket is the hook's JSON with `***` for each secret, and beside it, where there is any, `sealed`: a
token of Fernet (AES-128-CBC and an HMAC). `keys.py` finds the keys. A value in which the secrets stand in plain sight,
as they did before there were keys, is read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json, to_json

from app.errors import UnavailableError
from app.hooks.hook import Hook, Spec
from app.hooks.rules import Type
from app.hooks.secrets.write_only import masked_fields, shown

_SEALED: Final = "sealed"
_NO_KEY: Final = "its key is neither in SECRETS_KEY nor the one that was made where that is not set"
_TORN: Final = "what is sealed is missing, or was sealed for another hook, URL or options"
_HARMLESS: Final = {"type": "webhook", "url": "http://masked.invalid/", "options": {}}


@dataclass(frozen=True, slots=True)
class Opened:
    """A hook as it came out of the bucket."""

    hook: Hook
    locked: str = ""  # why its secrets cannot be read; `***` stands for them then
    current: bool = True  # it lies there as `seal` would write it now


class _Visible(BaseModel):
    """What stands beside the seal of where a hook's events go, with `***` for secrets."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    type: Type
    url: str
    options: Mapping[str, str]


class _Secrets(BaseModel):
    """What is sealed. It opens only where it was put: else a secret could be sent elsewhere by who cannot read it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    hook: str  # the key in the bucket
    visible: _Visible
    url: str
    options: Mapping[str, str]


class Sealing:
    """Seals with the first of its keys, and opens with any."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Take Fernet keys, each 32 bytes in URL-safe base64. Without any, only hooks without secrets can be kept."""
        self._keys: Sequence[Fernet] = ()
        self.use(keys)

    def use(self, keys: Sequence[str]) -> None:
        """Take these keys from now on."""
        self._keys = [Fernet(key) for key in keys]

    def seal(self, hook: Hook) -> bytes:
        """A hook as a value of the bucket.

        Raises:
            UnavailableError: it has secrets, and there is no key yet.
        """
        visible = shown(hook)
        document = visible.model_dump(mode="json", by_alias=True, exclude={"metadata": {"resource_version"}})
        sealed = {_SEALED: self._token(hook, visible.spec)} if visible.spec != hook.spec else {}
        return to_json({**document, **sealed})

    def open(self, key: str, value: bytes) -> Opened:
        """The hook in a value of the bucket.

        Raises:
            ValueError: it is no hook, or another's; the message holds no secret.
        """
        try:
            opened = self._opened(key, from_json(value))
        except ValidationError as error:
            where = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
            raise ValueError(f"it is no hook ({where}); replace or delete it") from None
        except ValueError:
            raise ValueError("it is no hook, not even JSON; replace or delete it") from None
        if opened.hook.key != key:
            raise ValueError(f"it is the hook {opened.hook.key}; delete it")
        return opened

    def _token(self, hook: Hook, visible: Spec) -> str:
        if not self._keys:
            raise UnavailableError("there is no key yet to seal the hook's secrets with")
        secrets = _Secrets(
            hook=hook.key,
            visible=_visible(visible),
            url=hook.spec.url,
            options={name: value for name, value in hook.spec.options.items() if visible.options[name] != value},
        )
        return self._keys[0].encrypt(secrets.model_dump_json().encode()).decode()

    def _opened(self, key: str, document: Any) -> Opened:
        token = document.get(_SEALED) if isinstance(document, dict) else None
        if token is None:
            return _in_plain_sight(document)
        masked = _masked(document)
        found = self._decrypted(token)
        if found is None:
            return Opened(masked, _NO_KEY)
        number, secrets = found
        if (secrets.hook, secrets.visible) != (key, _visible(masked.spec)):
            return Opened(masked, _TORN)
        whole = {"url": secrets.url, "options": {**masked.spec.options, **secrets.options}}
        hook = Hook.model_validate({**document, "spec": {**document["spec"], **whole}})
        return Opened(hook, current=shown(hook).spec == masked.spec and number == 0)

    def _decrypted(self, token: str) -> tuple[int, _Secrets] | None:
        """The number of the key that opens a token, and what is in it."""
        for number, key in enumerate(self._keys):
            with suppress(InvalidToken, TypeError):  # the latter where it is no text
                return number, _Secrets.model_validate_json(key.decrypt(token))
        return None


def _in_plain_sight(document: Any) -> Opened:
    spec = document.get("spec") if isinstance(document, dict) else None
    if any(masked_fields(spec)):
        return Opened(_masked(document), _TORN)
    hook = Hook.model_validate(document)
    return Opened(hook, current=shown(hook).spec == hook.spec)


def _masked(document: Mapping[str, Any]) -> Hook:
    """The hook in a value of the bucket with `***` for its secrets, for which the rules of its type do not hold."""
    visible = _Visible.model_validate(document.get("spec"))
    hook = Hook.model_validate({**document, "spec": {**document["spec"], **_HARMLESS}})
    return hook.model_copy(update={"spec": hook.spec.model_copy(update=dict(visible))})


def _visible(spec: Spec) -> _Visible:
    return _Visible(type=spec.type, url=spec.url, options=spec.options)
