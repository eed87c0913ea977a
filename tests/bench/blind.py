"""The app without its eyes: nothing is counted, nothing is traced. What the cost of them is measured against.

faststream run tests.bench.blind:app
"""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from app.ingress.table import routes
from app.telemetry.metrics import Metrics

_COUNTING = ("stored", "published", "attempted", "answered", "logged")


def _nothing(*_: Any) -> None: ...


def _as_it_is(app: ASGIApp, _: Any) -> ASGIApp:
    return app


for name in _COUNTING:
    setattr(Metrics, name, _nothing)
setattr(routes, "Counting", _as_it_is)  # noqa: B010 -- mypy holds a class for what it is

from app.main import app  # noqa: E402 -- it is made when it is loaded

__all__ = ["app"]
