"""A bulk request to Elasticsearch, and what its answer means for each document. Called by `elasticsearch.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from pydantic_core import from_json

from app.delivery.channels.documents import Cluster
from app.delivery.channels.http import USER_AGENT, Post, exchange, judge
from app.delivery.outcome import Answer, Delivered, Failure, Outcome, Refused, TryLater
from app.events.cloudevent import compact_json

_ANSWER_BYTES: Final = 4096  # read at most for each document
_KEPT_BYTES: Final = 1024
_TYPE = re.compile(r"[a-z_]{1,100}")

# Under a status of 400, but no fault of the document: the cluster has as many shards as it may have.
_FULL: Final = "shards open"


async def send(session: aiohttp.ClientSession, cluster: Cluster, documents: Sequence[bytes]) -> list[Outcome]:
    """Store documents; an outcome for each, in their order.

    Where the endpoint refuses the request as it is (too large, or with one document it cannot read), its halves are
    sent: one document does not stop the others.
    """
    reply = await exchange(session, _request(cluster, documents), _ANSWER_BYTES * (1 + len(documents)), patience=None)
    if isinstance(reply, TryLater):
        return [reply] * len(documents)
    outcome = judge(reply.answer, reply.retry_after)
    if isinstance(outcome, Delivered):
        return _outcomes(reply.answer, reply.body, len(documents))
    if isinstance(outcome, Refused) and len(documents) > 1:
        half = len(documents) // 2
        return [
            *await send(session, cluster, documents[:half]),
            *await send(session, cluster, documents[half:]),
        ]
    return [outcome] * len(documents)


def _request(cluster: Cluster, documents: Sequence[bytes]) -> Post:
    headers = {"Content-Type": "application/x-ndjson", "User-Agent": USER_AGENT}
    if cluster.authorization:
        headers["Authorization"] = cluster.authorization
    return Post(cluster.bulk, headers, b"".join(documents))


def _outcomes(answer: Answer, body: bytes, count: int) -> list[Outcome]:
    """An outcome for each document. Of which there is no word, because the answer ends early, comes again."""
    items = _items(body)
    unknown = TryLater("no word of the document: the answer is cut off, or not that of Elasticsearch", answer=answer)
    return [*map(_outcome, items[:count]), *[unknown] * (count - len(items))]


def _items(body: bytes) -> list[Mapping[str, Any]]:
    """What an answer says of each document, as far as it was read and as long as it makes sense."""
    try:
        said = from_json(body, allow_partial="trailing-strings")
    except ValueError:
        return []
    found = said.get("items") if isinstance(said, dict) else None
    items: list[Mapping[str, Any]] = []
    for entry in found if isinstance(found, list) else ():
        result = next(iter(entry.values()), None) if isinstance(entry, dict) else None
        if not isinstance(result, dict) or type(result.get("status")) is not int:
            break
        items.append(result)
    return items


def _outcome(item: Mapping[str, Any]) -> Outcome:
    answer = Answer(item["status"], compact_json(item)[:_KEPT_BYTES])
    if answer.status == HTTPStatus.CONFLICT:  # an earlier try stored it, or a newer document has its id
        return Delivered(answer)
    error = item.get("error")
    kind, why = (error.get("type"), str(error.get("reason"))) if isinstance(error, dict) else (None, "")
    reason = f"Elasticsearch answered {answer.status}" + (f" ({kind})" if _TYPE.fullmatch(str(kind)) else "")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or _FULL in why:  # one shard's trouble, not the cluster's
        return TryLater(reason, answer=answer)
    outcome = judge(answer)
    return replace(outcome, reason=reason) if isinstance(outcome, Failure) else outcome
