"""A double of the Kubernetes API on loopback, answered as an API server 1.36 does. Over real HTTP, or TLS.

`server.py` is what tests hold in hand; the rest is named for what it holds. What a server would refuse is refused with
its Status object. `tests/unit/kubernetes_double` holds the double against samples from a real server.
"""

from __future__ import annotations

from tests.kubernetes.calls import Call, asking
from tests.kubernetes.faults import Gate, Interrupt, answering, go_on, hang_up, too_many_requests
from tests.kubernetes.kinds import (
    CLUSTERS,
    CORE_EVENTS,
    EVENTHOOKS,
    EVENTS,
    HOSTS,
    KINDS,
    PIPELINERUNS,
    PIPELINES,
    SECRETS,
    TASKRUNS,
    TASKS,
    Kind,
    Object,
)
from tests.kubernetes.server import ApiServer, running_api
from tests.kubernetes.statuses import ACCOUNT, RefusedError, failure, status

__all__ = [
    "ACCOUNT",
    "CLUSTERS",
    "CORE_EVENTS",
    "EVENTHOOKS",
    "EVENTS",
    "HOSTS",
    "KINDS",
    "PIPELINERUNS",
    "PIPELINES",
    "SECRETS",
    "TASKRUNS",
    "TASKS",
    "ApiServer",
    "Call",
    "Gate",
    "Interrupt",
    "Kind",
    "Object",
    "RefusedError",
    "answering",
    "asking",
    "failure",
    "go_on",
    "hang_up",
    "running_api",
    "status",
    "too_many_requests",
]
