"""How the process is: alive, ready, counted."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from app.ingress.problems import failure, success
from app.telemetry import metrics
from app.telemetry.metrics import Metrics
from app.telemetry.readiness import Readiness


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, readiness: Readiness, counted: Metrics) -> None:
        self._readiness = readiness
        self._metrics = counted

    async def alive(self, _: Request) -> Response:
        return success({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        missing = self._readiness.missing()
        if missing:
            reasons = "; ".join(f"{name}: {why}" for name, why in missing.items())
            return failure(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {reasons}", {"Retry-After": "1"})
        return success({"status": "ready"})

    async def metrics(self, _: Request) -> Response:
        return Response(self._metrics.exposition(), media_type=metrics.CONTENT_TYPE)
