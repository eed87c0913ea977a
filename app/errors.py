"""The errors of this program.

    OpsError
    ├── ConfigurationError      the process cannot run as it is configured; it ends with this message
    ├── UnavailableError        JetStream is away or full; the same call may succeed later
    ├── TooLargeError           an event is larger than the server takes
    ├── InvalidResourceError    a hook that breaks a rule; lists each field and why
    ├── NotFoundError           there is no such thing
    └── ConflictError           it exists already, or was changed meanwhile

Bad values of pure code are ValueErrors beside that code: `events.subject.InvalidSubjectError`,
`events.cloudevent.NotACloudEventError`. How each is told to an HTTP client stands in `ingress/problems.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class OpsError(Exception):
    """Something went wrong that a caller or operator can mend; the message says how."""


class ConfigurationError(OpsError):
    """The process cannot run as it is configured."""


class UnavailableError(OpsError):
    """JetStream cannot take or give anything now; the same call may succeed later."""

    retry_after_seconds = 1


class TooLargeError(OpsError):
    """An event is larger than the server takes."""


class NotFoundError(OpsError):
    """There is no such thing."""


class ConflictError(OpsError):
    """It exists already, or was changed since it was read."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """Which field of a resource breaks a rule, and why."""

    field: str
    why: str


class InvalidResourceError(OpsError):
    """A resource that breaks rules, with every field that does."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.why}" for problem in problems))
        self.problems = tuple(problems)
