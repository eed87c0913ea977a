"""What stands in for Elasticsearch 8: its bulk API, as far as `create` and `index` go, and its words for faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web

Fault = tuple[int, str, str]  # of a document: status, type, reason
Judge = Callable[[Mapping[str, Any]], Fault | None]

MAPPING: Fault = (400, "document_parsing_exception", "[1:6] failed to parse field [n] of type [long] in document")
BUSY: Fault = (429, "es_rejected_execution_exception", "rejected execution of coordinating operation [bulk]")
NO_SHARD: Fault = (503, "unavailable_shards_exception", "[events][0] primary shard is not active Timeout: [1m]")
READ_ONLY: Fault = (403, "cluster_block_exception", "index [events] blocked by: [FORBIDDEN/8/index write (api)];")
NO_INDEX: Fault = (404, "index_not_found_exception", "no such index [events]")
FULL: Fault = (
    400,
    "validation_exception",
    "Validation Failed: 1: this action would add [2] shards, but this cluster has [9]/[9] maximum normal shards open;",
)


@dataclass
class Stored:
    version: int
    source: Any


@dataclass
class FakeElasticsearch:
    """Keeps documents by index and id. `judge` may find fault with a document; a request waits while it is not let."""

    judge: Judge = lambda _: None
    most_bytes: int = 100 * 1024 * 1024  # http.max_content_length
    malformed: str = ""  # a document that holds this makes the whole request unreadable
    let: asyncio.Event = field(default_factory=asyncio.Event)
    documents: dict[tuple[str, str], Stored] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)  # documents in each
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.let.set()

    @property
    def sources(self) -> list[Any]:
        return [stored.source for stored in self.documents.values()]

    async def until_requested(self, count: int) -> None:
        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.paths.append(request.path_qs)
        self.headers.append(dict(request.headers))
        self.requests.append(body.count(b"\n") // 2)
        async with self._arrived:
            self._arrived.notify_all()
        await self.let.wait()
        if len(body) > self.most_bytes:
            return web.Response(status=413)
        return self._answer(request, body)

    def _answer(self, request: web.Request, body: bytes) -> web.Response:
        if request.content_type not in {"application/x-ndjson", "application/json"}:
            said = {"error": f"Content-Type header [{request.content_type}] is not supported", "status": 406}
            return web.json_response(said, status=406)
        if request.method not in {"POST", "PUT"} or not request.path.endswith("/_bulk"):
            return _failed(405, "Incorrect HTTP method for uri, allowed: [POST]")
        if not body.endswith(b"\n"):
            return _failed(400, "The bulk request must be terminated by a newline [\\n]")
        if self.malformed and self.malformed.encode() in body:
            return _failed(400, "Malformed action/metadata line [1], expected FIELD_NAME but found [VALUE_STRING]")
        items = [{action: self._result(action, about, source)} for action, about, source in _actions(body)]
        errors = any("error" in result for item in items for result in item.values())
        said = {"errors": errors, "took": 3, "items": items}
        if wanted := request.query.get("filter_path"):
            said = _filtered(said, [path.split(".") for path in wanted.split(",")])
        return web.json_response(said, headers={"X-elastic-product": "Elasticsearch"})

    def _result(self, action: str, about: Mapping[str, Any], source: Any) -> dict[str, Any]:
        index, identifier = about["_index"], about["_id"]
        named = {"_index": index, "_id": identifier}
        fault = self.judge(source) or self._conflict(action, about)
        if fault:
            status, kind, reason = fault
            return {**named, "status": status, "error": {"type": kind, "reason": reason, "index": index, "shard": "0"}}
        before = self.documents.get((index, identifier))
        version = about.get("version", 1 + (before.version if before else 0))
        self.documents[index, identifier] = Stored(version, source)
        return {
            **named,
            "_version": version,
            "result": "updated" if before else "created",
            "_shards": {"total": 2, "successful": 1, "failed": 0},
            "_seq_no": len(self.documents) - 1,
            "_primary_term": 1,
            "status": 200 if before else 201,
        }

    def _conflict(self, action: str, about: Mapping[str, Any]) -> Fault | None:
        before = self.documents.get((about["_index"], about["_id"]))
        if before is None:
            return None
        if action == "create":
            why = f"document already exists (current version [{before.version}])"
        elif about.get("version_type") == "external_gte" and about["version"] < before.version:
            why = f"current version [{before.version}] is higher than the one provided [{about['version']}]"
        else:
            return None
        return 409, "version_conflict_engine_exception", f"[{about['_id']}]: version conflict, {why}"


def _actions(body: bytes) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    lines = iter(body.splitlines())
    for line in lines:
        ((action, about),) = json.loads(line).items()
        assert action in {"create", "index"}
        assert about.keys() <= {"_index", "_id", "version", "version_type"}
        yield action, about, json.loads(next(lines))


def _failed(status: int, reason: str) -> web.Response:
    cause = {"type": "illegal_argument_exception", "reason": reason}
    return web.json_response({"error": {"root_cause": [cause], **cause}, "status": HTTPStatus(status)}, status=status)


def _filtered(value: Any, paths: list[list[str]]) -> Any:
    """What the parameter `filter_path` leaves: * stands for any name, lists are looked through."""
    if not all(paths):
        return value
    if isinstance(value, list):
        return [kept for kept in (_filtered(each, paths) for each in value) if kept]
    if not isinstance(value, dict):
        return None
    left = {
        name: _filtered(each, [path[1:] for path in paths if path[0] in {name, "*"}])
        for name, each in value.items()
        if any(path[0] in {name, "*"} for path in paths)
    }
    return {name: kept for name, kept in left.items() if kept is not None}
