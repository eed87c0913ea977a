"""A bound on how many costly requests are answered at a time; who comes too many is told when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from app.ingress.problems import ProblemError


class Turns:
    """`most` turns at a time, each of which takes about so many seconds."""

    def __init__(self, most: int, seconds: int, what: str) -> None:
        self._most = most
        self._seconds = str(seconds)
        self._what = what
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises: ProblemError: all turns are taken, 429."""
        if self._taken >= self._most:
            message = f"{self._most} {self._what} are being answered: ask again in {self._seconds} s"
            raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, message, {"Retry-After": self._seconds})
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
