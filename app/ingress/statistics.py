"""How a hook is doing, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from app.delivery.ledger.live import Answer, LiveState
from app.delivery.ledger.statistics import Statistics, StatisticsReader
from app.ingress.problems import success
from app.ingress.target import Paths, rfc3339


class Pause(Protocol):
    """Why a hook rests."""

    @property
    def reason(self) -> str: ...

    @property
    def by(self) -> str: ...

    @property
    def since(self) -> str: ...


class StatisticsEndpoints:
    """`…/eventhooks/{name}/stats`."""

    def __init__(self, reader: StatisticsReader, paused: Callable[[str], Pause | None], paths: Paths) -> None:
        """`paused` gives the pause of a target by its key, where there is one."""
        self._reader = reader
        self._paused = paused
        self._paths = paths

    async def read(self, request: Request) -> Response:
        target = self._paths.key(request)
        self._paths.check(request)
        return success(_told(await self._reader.of(target), self._paused(target)))


def _told(found: Statistics, pause: Pause | None) -> dict[str, Any]:
    oldest = found.parked.oldest
    return {
        "delivered": found.totals.delivered,
        "failed_attempts": found.totals.failed,
        "dead_letters": found.dead_letters,
        "dead_letters_total": found.totals.dead_letters,
        "parked": found.parked.number,
        "oldest_pending_seconds": None if oldest is None else round(max(0.0, time.time() - oldest), 1),
        "retention_seconds": found.parked.retention,
        **_flow(found.live),
        "paused": {"reason": pause.reason, "by": pause.by, "since": pause.since} if pause else None,
        "last_error": _last_error(found),
        "replicas": [_replica(answer) for answer in found.replicas],
    }


def _flow(state: LiveState | None) -> dict[str, Any]:
    if state is None:  # nothing has been sent to it since the process began: nothing is wrong with it
        return {"breaker": "closed", "breaker_since": None, "in_flight": 0, "queued": 0}
    return {
        "breaker": state.breaker,
        "breaker_since": rfc3339(state.since),
        "in_flight": state.in_flight,
        "queued": state.queued,
    }


def _last_error(found: Statistics) -> dict[str, Any] | None:
    error = found.last_error
    return {"at": rfc3339(error.at), "reason": error.reason, "status": error.status} if error else None


def _replica(answer: Answer) -> dict[str, Any]:
    state = answer.state
    counted = {"delivered": state.delivered if state else 0, "failed_attempts": state.failed if state else 0}
    return {"replica": answer.replica, **_flow(state), **counted}
