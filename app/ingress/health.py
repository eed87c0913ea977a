"""How the process is: alive, ready, counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from app.ingress.problems import failure, success
from app.telemetry import metrics
from app.telemetry.metrics import Metrics
from app.telemetry.readiness import Readiness

Watches = Callable[[], Sequence[Mapping[str, object]]]


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, readiness: Readiness, counted: Metrics, watches: Watches) -> None:
        """`watches` tells how each watch of Kubernetes is; one that is not live does not make the process unready.

        It waits for an API server, a right or a resource, and meanwhile the process takes and delivers events as ever.
        """
        self._readiness = readiness
        self._metrics = counted
        self._watches = watches

    async def alive(self, _: Request) -> Response:
        return success({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        missing = self._readiness.missing()
        if missing:
            reasons = "; ".join(f"{name}: {why}" for name, why in missing.items())
            return failure(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {reasons}", {"Retry-After": "1"})
        return success({"status": "ready", "watches": self._watches()})

    async def metrics(self, _: Request) -> Response:
        return Response(self._metrics.exposition(), media_type=metrics.CONTENT_TYPE)
