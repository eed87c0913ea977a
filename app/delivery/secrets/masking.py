"""What of a target is secret, and how it is shown: `***` stands where a secret is. Pure.

Reads of hooks, the ledger, dead letters, reasons and logs show targets and what endpoints answer through this module.

Secret in a URL are the password, a user without one (then it is a token), every query value, the fragment, and those
segments of the path that look like a token or stand behind a name under which services keep one (`/hook/…`,
`/webhooks/…`, `/bot…`, `/services/T…/B…/…`). Of the options, those are whose name says so, but for references
(`secretRef`), and those whose value does (`Bearer …`). In doubt something is hidden: it can still be kept and replaced.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from app.delivery.delivery import Target

MASK: Final = "***"

_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.DOTALL,
)
_SUBJECTS: Final = {"event"}  # channels whose url is a subject

# Names of options, in lower case and without what separates words.
_SECRET_NAME: Final = re.compile(
    r"secret|passw|passphrase|token|authorization|credential|cookie|signature|(api|access|private|signing)key|key\d*$"
)
_REFERENCE: Final = re.compile(r"ref$")
_SCHEME: Final = re.compile(r"(basic|bearer|digest|apikey|token) +(?=\S)", re.IGNORECASE)

# Segments of a path behind which everything is a capability, but for what the service is told to do.
_BEFORE_TOKENS: Final = {"hook", "hooks", "webhook", "webhooks", "webhookb2", "incomingwebhook", "key", "token"}
_VERBS: Final = {"send"}
_KNOWN_TOKEN: Final = re.compile(r"bot\d+:.+|[TB](?=[A-Z]*\d)[A-Z0-9]{7,}", re.DOTALL)  # Telegram's; Slack's
_ALPHANUMERIC: Final = re.compile(r"[^\W_]+")

# Characters that a secret has at least, to be looked for in a text: shorter ones stand in texts by chance. One that is
# only suspected, such as the value of any query parameter, may be an everyday word.
_LEAST: Final = 4
_LEAST_SUSPECTED: Final = 8

# Characters of what is taken for a token: with letters in both cases or with digits, and otherwise.
_LONG_MIXED: Final = 16
_LONG: Final = 20
_DIGITS: Final = 3  # that a long name with separators has at least


def masked_url(channel: str, url: str) -> str:
    """The URL of a target as it may be shown; a subject is shown as it is."""
    if channel in _SUBJECTS:
        return url
    parts = _URL.fullmatch(url)
    if parts is None:
        return MASK
    user, at, address = parts["authority"].rpartition("@")
    return (
        parts["scheme"]
        + f"{_masked_user(user)}{at}{address}"
        + "/".join(MASK if secret else segment for segment, secret in _segments(parts["path"]))
        + ("?" + "&".join(map(_masked_parameter, parts["query"][1:].split("&"))) if parts["query"] else "")
        + (f"#{MASK}" if parts["fragment"] else "")
    )


def masked_options(options: Mapping[str, str]) -> dict[str, str]:
    """The options of a target as they may be shown."""
    return {name: MASK if is_secret(name, value) else value for name, value in options.items()}


def is_secret(option: str, value: str) -> bool:
    """Whether the value of an option is a secret."""
    if not value:
        return False
    name = re.sub(r"[^a-z0-9]", "", option.lower())
    named = _SECRET_NAME.search(name) and not _REFERENCE.search(name)
    return bool(named) or value.startswith("whsec_") or bool(_SCHEME.match(value))


def secrets_of(target: Target) -> tuple[str, ...]:
    """What must not be seen of a target, as it may stand in texts of others; for `masked_text`."""
    return _secrets(target.channel, target.url, tuple(target.options.items()))


def masked_text(text: str, secrets: tuple[str, ...]) -> str:
    """A text without secrets, nor the beginning of one at its end, where it may have been cut off."""
    if not secrets:
        return text
    forms, pattern = _written(secrets)
    while (masked := _without_beginning(pattern.sub(MASK, text), forms)) != text:  # what is left may have joined
        text = masked
    return text


def _masked_user(user: str) -> str:
    name, colon, password = user.partition(":")
    if not password:
        return f"{MASK}{colon}" if name else user
    return f"{MASK if _is_token(name) else name}:{MASK}"


def _masked_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals or _is_token(name):
        return MASK if parameter else ""
    return f"{name}={MASK}" if value else parameter


def _segments(path: str) -> Iterator[tuple[str, bool]]:
    """The segments of a path, and whether each is secret."""
    behind = False
    for segment in path.split("/"):
        yield segment, bool(segment) and (_is_token(segment) or (behind and segment not in _VERBS))
        behind = behind or segment.lower() in _BEFORE_TOKENS


def _is_token(segment: str) -> bool:
    """Whether somebody's program has made it: long and mixed, as no name is."""
    text = unquote(segment)
    if _KNOWN_TOKEN.fullmatch(text) or any(map(_is_random, _ALPHANUMERIC.findall(text))):
        return True
    return len(text) >= _LONG and sum(map(str.isdigit, text)) >= _DIGITS and any(map(str.isalpha, text))


def _is_random(run: str) -> bool:
    kinds = sum(any(map(kind, run)) for kind in (str.islower, str.isupper, str.isdigit))
    return len(run) >= (_LONG_MIXED if kinds > 1 else _LONG)


@lru_cache(maxsize=4096)
def _secrets(channel: str, url: str, options: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    named = [*_in_options(dict(options))]
    suspected: list[str] = []
    parts = None if channel in _SUBJECTS else _URL.fullmatch(url)
    if parts is not None:
        named += _in_user(parts["authority"].rpartition("@")[0])
        suspected += [segment for segment, secret in _segments(parts["path"]) if secret]
        for parameter in (parts["query"] or "")[1:].split("&"):
            name, _, value = parameter.partition("=")
            (named if is_secret(name, value) else suspected).append(value or name)
        suspected.append((parts["fragment"] or "")[1:])
    found = [one for one in _decoded(named) if len(one) >= _LEAST]
    found += [one for one in _decoded(suspected) if len(one) >= _LEAST_SUSPECTED]
    return tuple(dict.fromkeys(found))


def _in_options(options: Mapping[str, str]) -> Iterator[str]:
    for name, value in options.items():
        if is_secret(name, value):
            yield value
            yield from _SCHEME.sub("", value).split()  # there may be several keys
    yield _basic(options.get("username", ""), options.get("password", ""))


def _in_user(user: str) -> Iterator[str]:
    name, _, password = user.partition(":")
    yield password or name
    if password and _is_token(name):
        yield name
    yield _basic(unquote(name), unquote(password))


def _basic(user: str, password: str) -> str:
    """How HTTP sends them."""
    return base64.b64encode(f"{user}:{password}".encode("utf-8", "surrogatepass")).decode() if password else ""


def _decoded(secrets: list[str]) -> Iterator[str]:
    for secret in secrets:
        yield from (secret, unquote(secret), unquote_plus(secret))


@lru_cache(maxsize=4096)
def _written(secrets: tuple[str, ...]) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Every form in which the secrets may stand in a text, longest first, and a pattern of them all."""
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    return tuple(forms), re.compile("|".join(map(re.escape, forms)))


def _forms(secret: str) -> Iterator[str]:
    safe = secret.encode("utf-8", "surrogatepass")
    yield secret
    for quoted in (quote(safe, safe=""), quote(safe), quote_plus(safe)):
        yield quoted
        yield re.sub("%..", lambda escape: escape[0].lower(), quoted)
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret))


def _without_beginning(text: str, forms: tuple[str, ...]) -> str:
    """The text, without the beginning of a secret that it ends with."""
    whole = text.rstrip("\ufffd")  # half a character at the cut was read as this
    for form in forms:
        at = whole.find(form[:_LEAST], max(0, len(whole) - len(form)))
        while at >= 0:
            if form.startswith(whole[at:]):
                return whole[:at] + MASK
            at = whole.find(form[:_LEAST], at + 1)
    return text
