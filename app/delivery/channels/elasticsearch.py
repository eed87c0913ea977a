"""The channel `elasticsearch`: the event's data as a document, sent in bulk with what others send at the same time.

Why not the official client: its connector is its own, so that `egress/policy.py` would not see where it connects, it
tries again by a schedule of its own, and it speaks only with servers of its own version.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final

import aiohttp

from app.delivery.channels import bulk
from app.delivery.channels.documents import Cluster, cluster_of, lines_of
from app.delivery.delivery import Delivery
from app.delivery.outcome import Outcome

_MOST_DOCUMENTS: Final = 500  # in a request
_MOST_BYTES: Final = 5 * 1024 * 1024
_GATHER_SECONDS: Final = 0.005  # in which documents come together while another request is under way


class _Batch:
    """Documents that go in one request, and the request."""

    def __init__(self, send: Callable[[_Batch], Coroutine[None, None, Sequence[Outcome]]]) -> None:
        self.documents: list[bytes] = []
        self.size = 0
        self.outcomes = asyncio.create_task(send(self))

    def has_room_for(self, document: bytes) -> bool:
        return len(self.documents) < _MOST_DOCUMENTS and self.size + len(document) <= _MOST_BYTES

    def add(self, document: bytes) -> int:
        """Returns the document's place in the batch."""
        self.documents.append(document)
        self.size += len(document)
        return len(self.documents) - 1


class Elasticsearch:
    """Stores documents. A document alone goes at once; under load they gather, each with an outcome of its own."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._open: dict[Cluster, _Batch] = {}  # that still take documents
        self._under_way: Counter[Cluster] = Counter()  # requests

    async def send(self, delivery: Delivery) -> Outcome:
        document = lines_of(delivery)
        batch = self._batch(cluster_of(delivery.target), document)
        place = batch.add(document)
        # One attempt that is cancelled takes the others nothing away.
        return (await asyncio.shield(batch.outcomes))[place]

    def _batch(self, cluster: Cluster, document: bytes) -> _Batch:
        batch = self._open.get(cluster)
        if batch is None or not batch.has_room_for(document):
            batch = self._open[cluster] = _Batch(partial(self._gather_and_send, cluster))
        return batch

    async def _gather_and_send(self, cluster: Cluster, batch: _Batch) -> Sequence[Outcome]:
        await asyncio.sleep(_GATHER_SECONDS if self._under_way[cluster] else 0)
        if self._open.get(cluster) is batch:
            del self._open[cluster]
        self._under_way[cluster] += 1
        try:
            return await bulk.send(self._session, cluster, batch.documents)
        finally:
            self._under_way[cluster] -= 1
            if not self._under_way[cluster]:
                del self._under_way[cluster]
