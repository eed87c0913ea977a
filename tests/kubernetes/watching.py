"""Watches: the changes after a version, one line of JSON each, in an answer that does not end.

Tests reach all open watches through `Watches`: to end them, cut them, hold them still, or put a line of their own in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from tests.kubernetes import statuses
from tests.kubernetes.calls import Call, is_true
from tests.kubernetes.kinds import Kind, Object
from tests.kubernetes.listing import number_of, version_of
from tests.kubernetes.selectors import Selector, selector
from tests.kubernetes.statuses import RefusedError
from tests.kubernetes.store import Change, ForgottenError, Store, stored_as

ExpiredAs = Literal["event", "status"]


@dataclass(eq=False)
class Watch:
    """A watch that is open: the lines that are to be sent, and how it is to end."""

    kind: Kind
    call: Call
    wanted: Selector
    after: int  # versions up to this one are known to the client
    held: bool = False  # nothing is sent
    cut_at_next: bool = False
    _lines: list[bytes] = field(default_factory=list)
    _ends: Literal["", "clean", "cut"] = ""
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_cut(self) -> bool:
        return self._ends == "cut"

    def told(self, change: Change) -> None:
        """Tell of a change, if it is one for this watch."""
        if change.version > self.after and self.wanted(change.after):
            self.tell(change.line(self.kind))

    def tell(self, line: bytes) -> None:
        if self._ends:
            return
        self._lines.append(line[: len(line) // 2] if self.cut_at_next else line)
        if self.cut_at_next:
            self._ends = "cut"
        self._stirred.set()

    def end(self, how: Literal["clean", "cut"]) -> None:
        self._ends = self._ends or how
        self._stirred.set()

    def hold(self, *, held: bool) -> None:
        self.held = held
        self._stirred.set()

    async def next(self) -> bytes:
        """The lines that have come together; empty: that was all."""
        while (self.held or not self._lines) and not self._ends:
            await self._stir()
        lines, self._lines = ([] if self.held else self._lines), []
        return b"".join(lines)

    async def released(self) -> None:
        """Wait while it is held: it does not even end then, unless it is made to."""
        while self.held and not self._ends:
            await self._stir()

    async def _stir(self) -> None:
        await self._stirred.wait()
        self._stirred.clear()


class Watches:
    """All watches that are open."""

    def __init__(self, store: Store) -> None:
        self.held = False
        self._store = store
        self._open: list[Watch] = []
        self._counted = asyncio.Event()
        store.listeners.append(self._changed)

    def of(self, kind: Kind | None = None) -> list[Watch]:
        return [watch for watch in self._open if kind is None or watch.kind == kind]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true that depends on which watches are open."""
        while not true():
            await self._counted.wait()

    def hold(self, *, held: bool) -> None:
        self.held = held
        for watch in self._open:
            watch.hold(held=held)

    def end(self, how: Literal["clean", "cut"], kind: Kind | None = None) -> None:
        for watch in self.of(kind):
            watch.end(how)

    def cut(self, kind: Kind | None = None) -> None:
        """In the middle of a line that looks like any other."""
        for watch in self.of(kind):
            watch.cut_at_next = True
            watch.tell(_bookmark(watch.kind, self._store.version))

    def bookmark(self) -> None:
        for watch in self._open:
            if is_true(watch.call.query.get("allowWatchBookmarks")):
                watch.tell(_bookmark(watch.kind, self._store.version))

    async def answer(self, kind: Kind, request: web.Request, call: Call, expired_as: ExpiredAs) -> web.StreamResponse:
        """Serve a watch until it ends.

        Raises:
            RefusedError: the version is no version, or (as the test wishes) has been forgotten.
        """
        watch = Watch(kind, call, selector(kind, call), version_of(call) or 0, self.held)
        try:
            self._begin(watch)
        except ForgottenError:
            expired = statuses.expired(watch.after, self._store.oldest)
            if expired_as == "status":
                raise RefusedError(expired) from None
            watch.tell(error_line(expired))
            watch.end("clean")
        return await self._serve(request, watch)

    def _begin(self, watch: Watch) -> None:
        """What is to be told at first. A version 0, or none: what there is now."""
        if watch.after:
            changes = self._store.since(watch.kind, watch.after)
        else:
            changes = [Change("ADDED", revision, None) for revision in self._store.all(watch.kind)]
        for change in changes:
            watch.told(change)

    async def _serve(self, request: web.Request, watch: Watch) -> web.StreamResponse:
        response = web.StreamResponse(headers=statuses.headers())
        with self._listed(watch):
            await response.prepare(request)
            with suppress(TimeoutError):
                async with asyncio.timeout(number_of(watch.call, "timeoutSeconds") or None):
                    while lines := await watch.next():
                        await response.write(lines)
            await watch.released()
        if watch.is_cut and request.transport is not None:
            request.transport.close()
        return response

    @contextmanager
    def _listed(self, watch: Watch) -> Iterator[None]:
        self._open.append(watch)
        self._recount()
        try:
            yield
        finally:
            self._open.remove(watch)
            self._recount()

    def _recount(self) -> None:
        self._counted.set()
        self._counted = asyncio.Event()

    def _changed(self, stored: str, change: Change) -> None:
        for watch in self._open:
            if stored_as(watch.kind) == stored:
                watch.told(change)


def error_line(failure: Object) -> bytes:
    return line_of("ERROR", failure)


def line_of(type_: str, document: Object) -> bytes:
    return json.dumps({"type": type_, "object": document}, separators=(",", ":")).encode() + b"\n"


def _bookmark(kind: Kind, version: int) -> bytes:
    return line_of("BOOKMARK", kind.type | {"metadata": {"resourceVersion": str(version), "creationTimestamp": None}})
