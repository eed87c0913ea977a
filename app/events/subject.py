"""Subjects: the only code that joins, splits, encodes, validates or matches them.

A subject is a row of tokens joined by dots. One name is one token: what NATS reserves is encoded, so that the
documented wildcards (`ops.clusters.*.nodes.*.events`) see every object, whatever it is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from string import Formatter
from typing import Final

ROOT: Final = "ops"
ANY: Final = "*"
REST: Final = ">"

# The field of a template that stands for one or more tokens; every other stands for one name.
TOKENS: Final = "event"

OBSERVATIONS: Final = ("status", "metrics", "logs", "events", "traces", "alerts", "findings")

# The server takes protocol lines of 4,096 bytes, in which reply subjects and prefixes need room too.
MAX_BYTES: Final = 1024

_WIDEST: Final = 4  # bytes of a character

# A lone `%` cannot come out of encoding anything else, so it is free to stand for the empty name.
_EMPTY_NAME: Final = "%"

_RESERVED = re.compile(r"[\s\x00-\x1f\x7f-\x9f._%*>\ufffd\ud800-\udfff]")
_ILLEGAL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


class InvalidSubjectError(ValueError):
    """A subject, or a filter over subjects, that NATS cannot carry. The message says what to change."""


@lru_cache(maxsize=8192)  # events repeat the names of a few thousand objects
def encode(name: str) -> str:
    """Write any name as one token; `decode` is the exact inverse."""
    return _RESERVED.sub(_escape, name) if name else _EMPTY_NAME


def decode(token: str) -> str:
    """Read the name in a token. Tokens that others wrote with stray `%` are taken as they stand."""
    if token == _EMPTY_NAME:
        return ""
    if "_" not in token and "%" not in token:  # most names, read for every event that a hook wants
        return token
    return _ESCAPES.sub(_unescape, token.replace("_", "."))


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if char == ".":
        return "_"
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def _unescape(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return found[0]


def join(*names: str) -> str:
    """Names as tokens, one for each: what a template takes as `{event}`."""
    return ".".join(map(encode, names))


def fill(template: str, names: Mapping[str, str]) -> str:
    """Put names into a template such as `ops.clusters.{cluster}.nodes.{node}.{observation}`.

    Raises:
        InvalidSubjectError: a name is missing, the tokens of `{event}` are none, or the subject would be too long.
    """
    try:
        filled = template.format_map({field: written(field, name) for field, name in names.items()})
    except KeyError:
        missing = [field for field in fields(template) if field not in names]
        raise InvalidSubjectError(f"the subject {template} needs {', '.join(missing)}") from None
    if TOKENS in names or len(filled) > MAX_BYTES // _WIDEST:
        return validate(filled)
    return filled  # what is encoded needs no look


def written(field: str, name: str) -> str:
    """What stands in a subject for a field of its template."""
    return name if field == TOKENS else encode(name)


@lru_cache(maxsize=256)
def fields(template: str) -> tuple[str, ...]:
    """The names that a template asks for, in order."""
    return tuple(field for _, field, _, _ in Formatter().parse(template) if field)


def as_filter(template: str) -> str:
    """The filter that sees every subject of a template."""
    return template.format_map({field: REST if field == TOKENS else ANY for field in fields(template)})


def posted(cluster: str, namespace: str, event: str) -> str:
    """The subject of an event that was posted as `namespaces/{namespace}/events/{event}`.

    `ops.…` is the subject itself, `nodes.{name}.{observation}` is about a node (whose name may hold dots), anything
    else is put below the namespace.

    Raises:
        InvalidSubjectError: the event or the namespace cannot be part of a subject.
    """
    validate(event)
    if event.startswith(f"{ROOT}."):
        return event
    if event.startswith("nodes."):
        name, dot, observation = event.removeprefix("nodes.").rpartition(".")
        if not dot:
            raise InvalidSubjectError(f"the event {event!r} names no observation: write nodes.{{name}}.{{observation}}")
        return validate(f"ops.clusters.{encode(cluster)}.nodes.{encode(name)}.{observation}")
    if _ILLEGAL.search(namespace) or ANY in namespace or REST in namespace:
        raise InvalidSubjectError(f"the namespace {namespace!r} has white space, a wildcard or a control character")
    return validate(f"ops.clusters.{encode(cluster)}.namespaces.{encode(namespace)}.{event}")


def resource_type(kind: str) -> str:
    """The token of a Kubernetes kind: lower case plus a literal `s` (`Pod` -> `pods`, `Ingress` -> `ingresss`)."""
    return f"{encode(kind.lower())}s" if kind else _EMPTY_NAME


def validate(subject: str) -> str:
    """Return a subject that may be published to.

    Raises:
        InvalidSubjectError: it is too long, has an empty token, a wildcard, white space or a control character.
    """
    _validate_shape(subject, "subject")
    if ANY in subject or REST in subject:
        raise InvalidSubjectError(f"the subject {subject!r} has a wildcard: publish to one subject, without * and >")
    return subject


def validate_filter(pattern: str) -> str:
    """Return a filter over subjects, in which `*` stands for one token and a last `>` for one or more.

    Raises:
        InvalidSubjectError: as for a subject, or a wildcard that is not a token of its own.
    """
    _validate_shape(pattern, "filter")
    *front, last = pattern.split(".")
    if REST in "".join(front) or (REST in last and last != REST):
        raise InvalidSubjectError(f"the filter {pattern!r} has a > that is not the whole last token")
    if any(ANY in token and token != ANY for token in (*front, last)):
        raise InvalidSubjectError(f"the filter {pattern!r} has a * inside a token: a * stands for one whole token")
    return pattern


def _validate_shape(subject: str, what: str) -> None:
    size = len(subject.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise InvalidSubjectError(f"the {what} is {size} bytes long: use at most {MAX_BYTES}")
    if illegal := _ILLEGAL.search(subject):
        raise InvalidSubjectError(
            f"the {what} {subject!r} has {illegal[0]!r}: white space, control characters and bytes that are not UTF-8"
            " are not allowed"
        )
    if not all(subject.split(".")):
        raise InvalidSubjectError(f"the {what} {subject!r} has an empty token: put a name between the dots")


def matches(pattern: str, subject: str) -> bool:
    """Whether a filter sees a subject, as nats-server decides it."""
    wanted, tokens = pattern.split("."), subject.split(".")
    if wanted[-1] == REST:
        wanted = wanted[:-1]
        if len(tokens) <= len(wanted):
            return False
    elif len(tokens) != len(wanted):
        return False
    return all(want in (ANY, token) for want, token in zip(wanted, tokens, strict=False))


def covers(outer: str, inner: str) -> bool:
    """Whether a filter sees every subject that another filter, or a subject, stands for."""
    wider, narrower = outer.split("."), inner.split(".")
    for place, want in enumerate(wider):
        if want == REST:
            return len(narrower) > place
        if place >= len(narrower) or narrower[place] == REST or want not in (ANY, narrower[place]):
            return False
    return len(wider) == len(narrower)


def named(subject: str) -> list[tuple[str, str]]:
    """The names in a subject of ours, each with its key in singular, such as (`pod`, `web-0`).

    None for a subject of another shape.
    """
    root, *tokens = subject.split(".")
    if root != ROOT:
        return []
    return [(key.removesuffix("s"), decode(token)) for key, token in zip(tokens[::2], tokens[1::2], strict=False)]
