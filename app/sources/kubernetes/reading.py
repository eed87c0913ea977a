"""Reading what the API answers to a list and to a watch: pages, lines, and what stands in them. `watch.py` asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from pydantic_core import from_json

from app.jetstream.ending import end
from app.sources.kubernetes.answers import Stream
from app.sources.kubernetes.change import Change, Object
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.faults import expired, fault, no_api, told_fault
from app.sources.kubernetes.resource import Resource

_PAGE: Final = 500  # objects
_PAGE_SECONDS: Final = 60.0  # as long as the API itself takes for a request
_LONGEST_LINE: Final = 32 * 1024 * 1024  # bytes; the API keeps no object of a tenth of it


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list."""

    objects: Sequence[Object]
    version: str
    token: str  # of the next page; empty: this is the last


@dataclass(frozen=True, slots=True)
class Bookmark:
    """There is no change up to this version that was not told."""

    version: str


async def pages(connection: Connection, resource: Resource, version: str) -> AsyncIterator[Page]:
    """What is there now, or (where a version is given) what was there then, page by page.

    Raises:
        WatchError: the API refuses, or what answered is none.
        UnavailableError: the API is away.
    """
    query = {"resourceVersion": version, "resourceVersionMatch": "Exact"} if version else {}
    page = await _page(connection, resource, query, version)
    if version and _is_later(page.version, version):  # an API that knows no exact versions shows what is there now
        raise expired(resource, version, HTTPStatus.OK)
    while page.token:
        following = asyncio.create_task(_page(connection, resource, {"continue": page.token}, page.version))
        try:
            yield page
            page = await following
        finally:
            await end((following,))
    yield page


async def _page(connection: Connection, resource: Resource, query: Mapping[str, str], version: str) -> Page:
    # Parsed here, not in a thread: the parser holds the interpreter, so that a thread would hold up the loop as long.
    path = f"{resource.path}?{urlencode({'limit': _PAGE, **query})}"
    reply = await connection.get(path, _PAGE_SECONDS)
    if reply.status != HTTPStatus.OK:
        raise fault(reply, resource, "list", version)
    return page_in(reply.body)


def page_in(body: bytes) -> Page:
    document = _parsed(body)
    objects = document.get("items")
    version = version_of(document)
    if "items" not in document or not isinstance(objects, list | None) or not version:
        raise no_api()
    return Page([thing for thing in objects or () if isinstance(thing, dict)], version, _metadata(document, "continue"))


@asynccontextmanager
async def watching(
    connection: Connection, resource: Resource, version: str, *, seconds: int, silence: float
) -> AsyncIterator[Stream]:
    """What happens from a version on, as bytes: a watch that the API has granted. It ends it after so many `seconds`.

    Raises:
        WatchError: the API refuses, or what answered is none.
        UnavailableError: the API is away.
    """
    query = {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version, "timeoutSeconds": seconds}
    async with connection.stream(f"{resource.path}?{urlencode(query)}", silence) as stream:
        if stream.status != HTTPStatus.OK:
            raise fault(await stream.reply(), resource, "watch", version)
        if not stream.headers.get("Content-Type", "").startswith("application/json"):
            raise no_api()
        yield stream


class Lines:
    """Cuts what comes in chunks into lines, however long."""

    def __init__(self, longest: int = _LONGEST_LINE) -> None:
        self._longest = longest
        self._begun: list[bytes] = []  # parts of the line that is not complete yet
        self._size = 0

    def fed(self, chunk: bytes) -> list[bytes]:
        """The lines that are complete with this chunk.

        Raises:
            WatchError: a line is longer than any object.
        """
        first, *others = chunk.split(b"\n")
        self._begun.append(first)
        self._size += len(first)
        if self._size > self._longest:
            raise no_api()
        if not others:
            return []
        line, rest = b"".join(self._begun), others.pop()
        self._begun, self._size = [rest], len(rest)
        return [line, *others]


def notice_in(line: bytes, resource: Resource, version: str) -> Change | Bookmark:
    """What a line of a watch tells, that went on from a version.

    Raises:
        WatchError: that the watch has failed, or nothing that an API tells.
    """
    told = _parsed(line)
    thing = told.get("object")
    thing = thing if isinstance(thing, dict) else {}
    match told.get("type"):
        case "ADDED" | "MODIFIED" | "DELETED" as kind:
            return Change(kind, thing)
        case "BOOKMARK":
            return Bookmark(version_of(thing))
        case "ERROR":
            raise told_fault(thing, resource, version)
    raise no_api()


def version_of(thing: Object) -> str:
    """The resourceVersion of an object or of a list; empty where it has none."""
    return _metadata(thing, "resourceVersion")


def is_identified(thing: Object) -> bool:
    """Whether an object says which it is, and as of when; without either nobody can tell what is new of it."""
    return bool(version_of(thing) and _metadata(thing, "uid"))


def _metadata(thing: Object, name: str) -> str:
    metadata = thing.get("metadata")
    value = metadata.get(name) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""


def _parsed(text: bytes) -> Mapping[str, Any]:
    try:
        document = from_json(text, cache_strings="keys")
    except ValueError:
        raise no_api() from None  # without the cause: it would show what may be a secret
    if not isinstance(document, dict):
        raise no_api()
    return document


def _is_later(version: str, than: str) -> bool:
    """Versions of one resource are decimal numbers that only grow."""
    return (len(version), version) > (len(than), than)
