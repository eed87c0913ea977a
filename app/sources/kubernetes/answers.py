"""What the Kubernetes API answers: a reply, or a stream of them, and what a refusal means."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, NamedTuple

import aiohttp

from app.errors import UnavailableError

_CHUNK: Final = 64 * 1024  # bytes taken at once from what is streamed
_REFUSAL_SECONDS: Final = 5.0
_LONGEST_REFUSAL: Final = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API answered."""

    status: int
    body: bytes = field(repr=False)  # may be a Secret
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # as aiohttp gives them: in any case


class Stream:
    """An answer that is read as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def chunk(self) -> bytes:
        """What came next, or nothing once it has ended, in whichever way: closed, cut off, or silent for too long."""
        try:
            return await self._response.content.read(_CHUNK)
        except (aiohttp.ClientError, OSError):
            return b""

    async def reply(self) -> Reply:
        """The whole of it where it is short, as refusals are; of a long one, or one that hangs, the beginning."""
        body = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(_REFUSAL_SECONDS):
                while len(body) < _LONGEST_REFUSAL and (chunk := await self.chunk()):
                    body += chunk
        return Reply(self.status, body, self.headers)


class Permission(NamedTuple):
    """What a request needs: a verb on a resource, in a namespace or (empty) in all."""

    verb: str
    resource: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource} in {f'namespace {self.namespace}' if self.namespace else 'all namespaces'}"


def refusal(status: int, needed: Permission) -> UnavailableError:
    """Why the API did not do what was asked of it, and how to mend that."""
    if status == HTTPStatus.UNAUTHORIZED:
        return UnavailableError(
            "the Kubernetes API does not know this process (401): its credentials have to be renewed"
        )
    if status == HTTPStatus.FORBIDDEN:
        binding = "a Role and a RoleBinding there" if needed.namespace else "a ClusterRole and a ClusterRoleBinding"
        return UnavailableError(f"this process may not {needed} (403): give its account the right by {binding}")
    return UnavailableError(f"the Kubernetes API answered {status} to: {needed}")
