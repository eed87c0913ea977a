"""The events of the bench: 500 bytes each, all different, about a thousand objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SIZE: Final = 500  # bytes of a body that is posted, and of an event that is stored
BATCH: Final = 500  # events in a batch that is posted
OBJECTS: Final = 1000  # subjects that the events are spread over
NAMESPACE: Final = "bench"
SEEN_BY_ALL: Final = "ops.clusters.*.namespaces.*.pods.*.events"

_BELOW: Final = f"ops.clusters.default.namespaces.{NAMESPACE}."
_EDGE: Final = "#"
_MARK_LENGTH: Final = 1 + 8 + 1 + 19 + 1


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it is stored."""

    subject: str
    payload: bytes
    headers: dict[str, str]


def path_of(number: int) -> str:
    """Where an event is posted to."""
    return f"/api/v1/namespaces/{NAMESPACE}/events/pods.web-{number % OBJECTS}.events"


def subject_of(path: str) -> str:
    """The subject of an event that is posted to a path."""
    return _BELOW + path.rpartition("/")[2]


def body(number: int, sent: int = 0) -> bytes:
    """A body to post; `sent` is the monotonic clock in nanoseconds."""
    return _filled({"type": "Warning", "reason": "BackOff", "message": mark(number, sent)})


def batch(run: str, first: int) -> bytes:
    """`BATCH` events from a number on, each with the data that would be posted of it, in an envelope."""
    numbers = range(first, first + BATCH)
    made = [_envelope(run, number) | {"data": json.loads(body(number))} for number in numbers]
    return json.dumps(made, separators=(",", ":")).encode()


def message(run: str, number: int) -> Message:
    """An event as ingress or a watch would store it. Its id is the run's own: no round is a duplicate of another."""
    event = _envelope(run, number)
    data = {"type": "Warning", "reason": "BackOff", "from": "kubelet", "message": mark(number, 0)}
    headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": event["id"]}
    return Message(event["subject"], _filled(data, event), headers)


def _envelope(run: str, number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{run}-{number:08d}",
        "source": "https://github.com/shaowenchen/ops",
        "type": "Kube",
        "subject": subject_of(path_of(number)),
        "datacontenttype": "application/json",
        "time": "2026-01-01T00:00:00Z",
        "cluster": "default",
    }


def mark(number: int, sent: int) -> str:
    """What `read_mark` reads, of one length always; `sent` is in nanoseconds, by whichever clock."""
    return f"{_EDGE}{number:08d}@{sent:019d}{_EDGE}"


def read_mark(text: bytes) -> tuple[int, int]:
    """The number of an event and when it was sent, from whatever text holds its message.

    Raises:
        ValueError: the text holds none.
    """
    start = text.index(_EDGE.encode())
    number, _, sent = text[start + 1 : start + _MARK_LENGTH - 1].partition(b"@")
    return int(number), int(sent)


def _filled(data: Mapping[str, str], envelope: Mapping[str, Any] | None = None) -> bytes:
    """JSON of exactly `SIZE` bytes: the message is made as long as that takes."""

    def encode(message: str) -> bytes:
        full = {**data, "message": message}
        return json.dumps({**envelope, "data": full} if envelope else full, separators=(",", ":")).encode()

    return encode(data["message"] + "x" * (SIZE - len(encode(data["message"]))))
