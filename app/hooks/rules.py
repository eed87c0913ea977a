"""What a hook of each type may say: the form of its URL, and the options that mean something there. Pure.

Called by `hook.Spec`. An option that is not listed here is accepted and means nothing: hooks of old carry all kinds.
No message shows the value of a URL or an option, for it may be a secret.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from app.delivery.channels.documents import MAX_ID_BYTES, PLACEHOLDERS, index_of, place_of
from app.delivery.channels.signing import keys_of
from app.errors import FieldProblem
from app.events import subject as subjects

Type = Literal["webhook", "xiezuo", "event", "elasticsearch"]

Check = Callable[[str], None]  # raises a ValueError that says what is wrong

_MOST_KEYS: Final = 2  # the one in use and the one that follows it
_ANY_DAY: Final = dt.date(2000, 1, 1)
_MAX_INDEX_BYTES: Final = 255
_MAX_NAME: Final = 253

_SECRET_REFERENCE = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/[-._a-zA-Z0-9]+)?")
_NOT_IN_AN_INDEX = re.compile(r'[\s\\/*?"<>|,#:{}A-Z\x00-\x1f\x7f]')


def check_url(kind: str | None, url: str, subject: str | None) -> None:
    """Check the URL of a hook of a type, which sees a subject; None: that itself is not valid.

    Raises:
        ValueError: it is not of the form that hooks of this type have; says why.
    """
    if kind == "event":
        _check_subject_template(url)
        _check_places(url, subject)
    elif kind is not None:
        _check_http(url)
    elif not url:
        raise ValueError("is empty")


def _check_http(url: str) -> None:
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError("has white space or a control character: percent-encode it")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
        _ = (parts.hostname or "").encode("idna")  # raises where a label is empty or too long
    except ValueError:
        # The errors' own texts show parts of the URL, which may be a password.
        raise ValueError("has no valid host or port: a port is of 0-65535, an IPv6 address stands in []") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not of the form http://host/path or https://host/path")


def _check_subject_template(template: str) -> None:
    try:
        subjects.validate_filter(template)
    except subjects.InvalidSubjectError:
        # Its text shows the template, and who mistook the type may have put a URL with a password there.
        raise ValueError(
            "is no subject to publish to: ops. and tokens joined by dots, or what takes the place of the last token;"
            " a * as a token of its own takes the one at its place"
        ) from None
    if template.endswith(subjects.REST):
        raise ValueError("has a >: an event is published to one subject")
    if "://" in template:
        raise ValueError("is a URL: an event is published to a subject")


def _check_places(template: str, subject: str | None) -> None:
    """Each * must have a token at its place in the subjects that the hook sees, as far as their length is known."""
    tokens = template.split(".")
    if not template.startswith(f"{subjects.ROOT}."):
        beyond = tokens[1:]  # the first stands at the place of the last token
    elif subject is None or subject.endswith(subjects.REST):
        return
    else:
        beyond = tokens[len(subject.split(".")) :]
    if subjects.ANY in beyond:
        raise ValueError("has a * at a place where the subjects that the hook sees have no token")


def option_problems(kind: str | None, url: str | None, options: Mapping[str, str]) -> Iterator[FieldProblem]:
    """What is wrong with the options of a hook, by option. Of a hook without a valid URL the options alone are seen."""
    for name, check in {**_EVERYWHERE, **_OPTIONS.get(kind or "", {})}.items():
        if name in options:
            try:
                check(options[name])
            except ValueError as error:
                yield FieldProblem(name, str(error))
    if kind == "webhook" and {"secret", "secretRef"} <= options.keys():
        yield FieldProblem("secretRef", "stands beside secret: give one of them")
    if kind == "elasticsearch":
        yield from _missing_beside(url, options)


def _missing_beside(url: str | None, options: Mapping[str, str]) -> Iterator[FieldProblem]:
    if "password" in options and not options.get("username"):
        yield FieldProblem("password", "has no username beside it")
    if url is None or options.get("index"):
        return
    try:
        _check_index(place_of(url).index)
    except ValueError as error:
        yield FieldProblem("index", f"{error}; name one here, or in the URL as http://host:port/index/_doc")


def _one_of(*values: str) -> Check:
    def check(value: str) -> None:
        if value not in values:
            raise ValueError(f"must be {' or '.join(values)}")

    return check


def _check_secret(value: str) -> None:
    _utf8(value)
    if not 1 <= len(keys_of(value)) <= _MOST_KEYS:
        raise ValueError("must hold one key, or two separated by white space")


def _check_secret_reference(value: str) -> None:
    if not _SECRET_REFERENCE.fullmatch(value) or max(map(len, value.split("/"))) > _MAX_NAME:
        raise ValueError("must be the name of a Kubernetes Secret in the hook's namespace, or name/key")


def _check_index(template: str) -> None:
    name = index_of(template, _ANY_DAY)
    if not name:
        raise ValueError("is not named")
    if _NOT_IN_AN_INDEX.search(name) or name.startswith(("-", "_", "+")) or name in {".", ".."}:
        raise ValueError(
            'must be lower case, without white space and \\ / * ? " < > | , # :, and begin with none of - _ +;'
            f" dates are written {PLACEHOLDERS}"
        )
    _check_size(name, _MAX_INDEX_BYTES)


def _check_index_option(template: str) -> None:
    if template:  # empty: the URL names it
        _check_index(template)


def _check_document_id(value: str) -> None:
    _check_size(value, MAX_ID_BYTES)


def _check_size(value: str, most: int) -> None:
    if len(_utf8(value)) > most:
        raise ValueError(f"must be at most {most} bytes long")


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeError:  # its own text shows a part of the value
        raise ValueError("is no text that can be written in UTF-8") from None


def _check_username(value: str) -> None:
    if ":" in value:
        raise ValueError("must not hold a colon: HTTP cannot tell it from the password then")


_EVERYWHERE: Final[Mapping[str, Check]] = {"ordered": _one_of("true", "false")}
_OPTIONS: Final[Mapping[str, Mapping[str, Check]]] = {
    "webhook": {
        "format": _one_of("text", "cloudevents"),
        "secret": _check_secret,
        "secretRef": _check_secret_reference,
    },
    "elasticsearch": {"index": _check_index_option, "id": _check_document_id, "username": _check_username},
}
