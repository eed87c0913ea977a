"""The documentation pages: OpenAPI at `/docs`, AsyncAPI at `/docs/asyncapi`, their JSON beside them.

The viewers are vendored under `assets/` (its README says which), so nothing is loaded from outside.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint = Callable[[Request], Awaitable[Response]]

_FOLDER: Final = Path(__file__).parent / "assets"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}

# What is served under /docs/assets, and the file that holds it. A name that is not here is not served.
ASSETS: Final = {
    "page.css": "page.css",
    "openapi-page.js": "openapi-page.js",
    "asyncapi-page.js": "asyncapi-page.js",
    "swagger-ui.js": "swagger-ui/swagger-ui-bundle.js.gz",
    "swagger-ui.css": "swagger-ui/swagger-ui.css.gz",
    "asyncapi.js": "asyncapi/index.js.gz",
    "asyncapi.css": "asyncapi/default.min.css.gz",
}

_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}

# Nothing may be loaded, but scripts, styles and data from here. What is wider than that has its reason beside it.
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",  # the icons stand in the viewers' style sheets; the favicon is empty
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
# The AsyncAPI viewer validates with ajv, which compiles its schemas to functions as soon as it is loaded.
_ASYNCAPI_POLICY: Final = {**_POLICY, "script-src": "'self' 'unsafe-eval'"}

_DOCUMENTS: Final = ("openapi", "asyncapi")
_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/$viewer.css">
<link rel="stylesheet" href="/docs/assets/page.css">
</head>
<body>
<nav class="pages" aria-label="Documentation">
<a href="/docs"$openapi_current>HTTP: OpenAPI</a>
<a href="/docs/asyncapi"$asyncapi_current>Events: AsyncAPI</a>
<a href="/docs/$document.json" type="application/json">$document.json</a>
</nav>
<main id="viewer"><noscript><p class="notice">The viewer needs JavaScript; the document itself is
<a href="/docs/$document.json">$document.json</a>.</p></noscript></main>
<script src="/docs/assets/$viewer.js"></script>
<script src="/docs/assets/$document-page.js"></script>
</body>
</html>
""")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to serve, in both forms that a client may want."""

    media_type: str
    plain: bytes
    compressed: bytes


def routes(openapi: Mapping[str, Any], asyncapi: Callable[[], str]) -> list[Route]:
    """The routes below `/docs`. `asyncapi` gives the AsyncAPI document as JSON text; it is asked once, when needed."""
    return [
        Route("/docs", _page("Ops events: HTTP", "openapi", "swagger-ui", _POLICY)),
        Route("/docs/openapi.json", _json(lambda: json.dumps(openapi, ensure_ascii=False))),
        Route("/docs/asyncapi", _page("Ops events: AsyncAPI", "asyncapi", "asyncapi", _ASYNCAPI_POLICY)),
        Route("/docs/asyncapi.json", _json(asyncapi)),
        Route("/docs/assets/{name}", _asset),
    ]


def _page(title: str, document: str, viewer: str, policy: Mapping[str, str]) -> Endpoint:
    current = {f"{page}_current": ' aria-current="page"' if page == document else "" for page in _DOCUMENTS}
    html = _PAGE.substitute(title=title, document=document, viewer=viewer, **current)
    headers = {
        **_HEADERS,
        "Content-Security-Policy": "; ".join(f"{directive} {sources}" for directive, sources in policy.items()),
        "Referrer-Policy": "no-referrer",
    }

    async def endpoint(_: Request) -> Response:
        return Response(html, headers=headers, media_type="text/html")

    return endpoint


def _json(document: Callable[[], str]) -> Endpoint:
    once = cache(document)

    async def endpoint(_: Request) -> Response:
        return Response(once(), headers=_HEADERS, media_type="application/json")

    return endpoint


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    asset, encoded = _read(name), _takes_gzip(request.headers.get("accept-encoding", ""))
    body = asset.compressed if encoded else asset.plain
    headers = {
        **_HEADERS,
        "ETag": f'"{sha256(body).hexdigest()[:32]}"',
        "Vary": "Accept-Encoding",
        **({"Content-Encoding": "gzip"} if encoded else {}),
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type=asset.media_type)


@cache
def _read(name: str) -> Asset:
    stored = (_FOLDER / ASSETS[name]).read_bytes()
    media_type = _TYPES[Path(name).suffix]
    if ASSETS[name].endswith(".gz"):
        return Asset(media_type, plain=gzip.decompress(stored), compressed=stored)
    return Asset(media_type, plain=stored, compressed=gzip.compress(stored, mtime=0))


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, and not with the weight 0 that forbids it."""
    for choice in accepted.lower().split(","):
        coding, _, weight = choice.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" if weight else True
    return False
