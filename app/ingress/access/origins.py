"""Web pages of other origins that may ask us: none unless they are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

ANY: Final = "*"
_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_EXPOSED: Final = ("Retry-After", "WWW-Authenticate")
_SECONDS: Final = 600  # that a browser may remember the answer to a preflight

_HOST = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?|\[[0-9a-f:.]+\]"
_ORIGIN = re.compile(rf"https?://({_HOST})(:[1-9]\d{{0,4}})?")


def parse(text: str) -> tuple[str, ...]:
    """The origins in a list with commas; none where it is empty.

    Raises:
        ValueError: one of them is no origin.
    """
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for origin in found:
        if origin != ANY and not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin[:100]!r} is no origin as browsers send it: write https://host or https://host:port,"
                " in lower case and without a path"
            )
    if ANY in found and len(found) > 1:
        raise ValueError("* stands beside others: write it alone, or leave it out")
    return found


def allow(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application, for pages of these origins as well.

    Browsers send tokens because a page tells them to, never of their own accord as they do cookies, so no credentials
    are allowed, and any header may come. A preflight is answered here, without a token.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=[ANY],
        expose_headers=_EXPOSED,
        max_age=_SECONDS,
    )
