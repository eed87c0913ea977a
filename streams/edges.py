"""Edges: clusters with a NATS server of their own, whose events the hub's stream takes over. Pure.

An edge's server is a leaf node of the hub's, with a JetStream domain of its own: the edge's name. It works alone for as
long as the link is away; the hub's server asks for what it has not seen, in order, when the link is back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from nats.js.api import ExternalStream, StreamSource, SubjectTransform

from streams.subjects import NOTIFICATIONS_SUBJECT, OPS

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_API: Final = re.compile(r"\$JS\.([A-Za-z0-9-]+)\.API")


def parse(text: str) -> tuple[str, ...]:
    """The edges of `EVENT_EDGES`: names, comma-separated.

    Raises:
        ValueError: a name that cannot be a JetStream domain and a token of a subject, or that comes twice.

    """
    names = [name for part in text.split(",") if (name := part.strip())]
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: an edge's name is letters, digits and -, at most 63: its EVENT_CLUSTER")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)}: stands there twice: two edges need two names")
    return tuple(names)


def sources(edges: Sequence[str]) -> list[StreamSource] | None:
    """Fresh sources of the hub's stream `ops`; None where there are no edges."""
    return [_source(edge) for edge in edges] or None


def _source(edge: str) -> StreamSource:
    return StreamSource(
        name=OPS,
        # The edge's API and what it delivers have subjects with its name, for which the hub gives its user alone the
        # permission: deploy/nats/permissions/edge.conf.
        external=ExternalStream(api=f"$JS.{edge}.API", deliver=f"deliver.{edge}"),
        # The name of a cluster comes from whose stream it is, not from what its events say: whatever cluster an edge
        # names in a subject, here it is that edge. What names none is taken where it is a notification, and else stays.
        subject_transforms=[
            SubjectTransform(src="ops.clusters.*.>", dest=f"ops.clusters.{edge}.>"),
            SubjectTransform(src=NOTIFICATIONS_SUBJECT, dest=NOTIFICATIONS_SUBJECT),
        ],
    )


def edge_of(source: StreamSource) -> str | None:
    """The edge that a source is of; None where it is somebody else's, whom we leave alone."""
    found = _API.fullmatch(source.external.api) if source.external and source.name == OPS else None
    return found[1] if found else None


def described(found: Iterable[StreamSource] | None) -> tuple[str, ...]:
    """The sources that are edges, as text that is the same for the same meaning."""
    return tuple(sorted(filter(None, map(_described, found or ()))))


def _described(source: StreamSource) -> str:
    edge = edge_of(source)
    if edge is None or source.external is None:
        return ""
    renamed = " ".join(f"{each.src}=>{each.dest or each.src}" for each in source.subject_transforms or ())
    return f"{edge} (by {source.external.deliver}: {renamed or source.filter_subject or '>'})"


def others(found: Iterable[StreamSource] | None) -> list[StreamSource]:
    """The sources that are no edges: an operator's own."""
    return [source for source in found or () if edge_of(source) is None]
