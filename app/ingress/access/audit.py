"""The audit: a line for each change of configuration, and for each that was refused.

`who=ci from=10.0.0.7 what=createHook on=ops-system/pod-errors status=201`. No bodies and no secrets stand in it, and
what clients chose is percent-encoded, so that no name can forge a line or a field.
"""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.types import Scope

from app.ingress.access.callers import caller

log = logging.getLogger("app.audit")
log.setLevel(logging.INFO)  # whatever is said of the other logs: who changed what is not a matter of verbosity

_ABOUT: Final = "ops.about"  # key of the ASGI scope
_PLAIN: Final = "/:.-_@*[]"
_LONGEST: Final = 400  # characters of a field


def about(request: Request, name: object) -> None:
    """Say what a request is about where its path does not."""
    request.scope[_ABOUT] = str(name)


def changed(request: Request, what: str, status: int) -> None:
    """Note a request that changed something, or was to."""
    names = [*request.path_params.values(), *filter(None, [request.scope.get(_ABOUT)])]
    note(caller(request).name, address(request.scope), what, "/".join(names), status)


def note(who: str, origin: str, what: str, on: str, status: int) -> None:
    """Write a line. `origin` is the client's address; empty where nobody asked."""
    fields = {"who": who, "from": origin or "-", "what": what, "on": on or "-"}
    told = {name: plain(value) for name, value in fields.items()}
    words = " ".join(f"{name}={value}" for name, value in told.items())
    log.info("%s status=%d", words, status, extra={**told, "status": status})


def plain(value: str) -> str:
    """A value without anything that could end it, its line, or a terminal's good sense."""
    return quote(value[:_LONGEST], safe=_PLAIN, errors="replace")


def address(scope: Scope) -> str:
    """The client's, as uvicorn knows it: behind a trusted proxy, what that says."""
    client = scope.get("client")
    return client[0] if client else ""
