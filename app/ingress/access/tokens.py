"""The tokens that are let in, and the file that names them. Pure; `token_file.py` reads and watches it.

```yaml
tokens:
  - name: ci
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    expires: 2027-01-01T00:00:00Z
    publish: [ops.clusters.*.namespaces.ci.>]
    read: [ops.clusters.*.namespaces.ci.>]
    hooks: [ci]
  - {name: operator, sha256: …, admin: true}
```
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from app import yamltext
from app.errors import ConfigurationError
from app.events import subject
from app.ingress.access.callers import EVERYTHING, LOCAL, Caller

MAX_BYTES: Final = 512 * 1024  # about a thousand tokens
_MOST: Final = 5  # problems that are told at once
_PREFIX: Final = "ops_"  # by which scanners of secrets know our tokens
_ENTROPY: Final = 32  # bytes
_UNGUESSABLE: Final = 32  # characters of a token that somebody chose

_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._]{0,62}")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESERVED: Final = {EVERYTHING.name, LOCAL.name}


def generate() -> str:
    """A new token, of 256 bits."""
    return _PREFIX + secrets.token_urlsafe(_ENTROPY)


def digest(token: bytes) -> bytes:
    """What is kept of a token: its SHA-256. A slow hash would protect tokens that can be guessed; ours cannot be."""
    return hashlib.sha256(token).digest()


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of one token."""

    caller: Caller
    expires: dt.datetime | None = None
    guessable: bool = False  # somebody chose it, and it is short

    def has_expired(self, now: dt.datetime) -> bool:
        return self.expires is not None and self.expires <= now


Tokens = Mapping[bytes, Token]  # by digest


def simple(token: str) -> Tokens:
    """The one token with every right."""
    return {digest(token.encode()): Token(EVERYTHING, guessable=len(token) < _UNGUESSABLE)}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    name: str
    sha256: str
    expires: dt.datetime | None = None
    publish: list[str] = Field(default=[], max_length=1000)
    read: list[str] = Field(default=[], max_length=1000)
    hooks: list[str] = Field(default=[], max_length=1000)
    admin: bool = False

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value) or value in _RESERVED:
            taken = " or ".join(sorted(_RESERVED))
            raise ValueError(f"must be 1 to 63 letters, digits, -, _ and ., the first no sign; and not {taken}")
        return value

    @field_validator("sha256")
    @classmethod
    def _is_a_hash(cls, value: str) -> str:
        if not _SHA256.fullmatch(value):
            raise ValueError("must be 64 digits of 0-9 and a-f, as python -m app.token prints them")
        if bytes.fromhex(value) in {digest(b""), digest(b"\n")}:
            raise ValueError("is the hash of nothing: python -m app.token makes a token and its hash")
        return value

    @field_validator("expires", mode="before")
    @classmethod
    def _is_a_time(cls, value: object) -> object:
        try:
            found = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            found = None
        if not isinstance(found, dt.datetime) or found.tzinfo is None:
            raise ValueError("must be a time with its offset, such as 2027-01-01T00:00:00Z")
        return found

    @field_validator("publish", "read")
    @classmethod
    def _are_filters(cls, value: list[str]) -> list[str]:
        for pattern in value:
            subject.validate_filter(pattern)
        return value

    @field_validator("hooks")
    @classmethod
    def _are_namespaces(cls, value: list[str]) -> list[str]:
        for place, namespace in enumerate(value):
            if namespace != subject.ANY and not _NAMESPACE.fullmatch(namespace):
                raise ValueError(f"[{place}] must be a namespace, of lower-case letters, digits and -, or *")
        return value

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.admin and (self.publish or self.read or self.hooks):
            raise ValueError("admin has every right: leave publish, read and hooks out, or admin")
        return self

    def token(self) -> Token:
        if self.admin:
            return Token(replace(EVERYTHING, name=self.name), self.expires)
        return Token(Caller(self.name, tuple(self.publish), tuple(self.read), tuple(self.hooks)), self.expires)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    tokens: list[_Entry]


def parse(text: bytes) -> Tokens:
    """The tokens of a file.

    Raises:
        ConfigurationError: it breaks rules; says which entry and field, and how to mend it, and never a hash.
    """
    document = _document(text)
    try:
        entries = _File.model_validate(document).tokens
    except ValidationError as error:
        raise _refused([_explained(document, problem["loc"], problem["msg"]) for problem in error.errors()]) from None
    if repeated := [*_repeated("name", [entry.name for entry in entries]), *_repeated_hashes(entries)]:
        raise _refused(repeated)
    return {bytes.fromhex(entry.sha256): entry.token() for entry in entries}


def _refused(problems: Sequence[str]) -> ConfigurationError:
    more = f"; and {len(problems) - _MOST} more" if len(problems) > _MOST else ""
    return ConfigurationError("; ".join(problems[:_MOST]) + more)


def _document(text: bytes) -> Any:
    if len(text) > MAX_BYTES:
        raise ConfigurationError(f"is larger than {MAX_BYTES} bytes: remove tokens that nobody uses")
    try:
        return yamltext.read(text).value
    except yamltext.NotYamlError as error:
        raise ConfigurationError(str(error)) from None


def _explained(document: Any, location: tuple[int | str, ...], message: str) -> str:
    why = message.removeprefix("Value error, ")
    if len(location) < 2:  # noqa: PLR2004 -- `tokens` and the entry's number
        where = "tokens" if location == ("tokens",) else "the file"
        return f"{where}: {why}: write tokens: and a list below it, and nothing else"
    _, number, *field = location
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" for part in field)
    return f"tokens[{number}]{_named(document, number)}{where}: {why}"


def _named(document: Any, number: int | str) -> str:
    """The name of an entry, where it has one that can be shown."""
    name = document["tokens"][number].get("name") if isinstance(document["tokens"][number], dict) else None
    return f" ({name})" if isinstance(name, str) and _NAME.fullmatch(name) else ""


def _shown(field: str) -> str:
    """A field's name; one that we do not know may be a token at the wrong place."""
    return field if field in _Entry.model_fields else "(unknown field)"


def _repeated(field: str, values: Sequence[str]) -> Iterator[str]:
    twice = [value for value, times in Counter(values).items() if times > 1]
    return (f"tokens: the {field} {value} stands in several entries: give each one of its own" for value in twice)


def _repeated_hashes(entries: Sequence[_Entry]) -> Iterator[str]:
    for times in Counter(entry.sha256 for entry in entries).items():
        if times[1] > 1:
            names = " and ".join(entry.name for entry in entries if entry.sha256 == times[0])
            yield f"tokens: {names} have the same sha256: give each a token of its own"
