"""Requests that nobody should send, as Hypothesis makes them up: bytes, which are sent as they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

INJECTED: Final = b"injected"  # what is smuggled in has this in its name

_PUB: Final = b"\r\nPUB ops.injected 2\r\n{}\r\n"
_EVIL: Final = (
    *(b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b"\x7f", b"\xff", b"\xe2\x80\xa8", b"\xc0\xae", b"\xf0\x9f\x92\xa9"),
    *(b"%0d%0a", b"%0D%0APUB%20ops.injected%202%0D%0A%7B%7D", b"%00", b"%20", b"%09", b"%2e%2e", b"%2F", b"%25", b"%"),
    *(
        b"%250d%250a",
        b"%2500",
        b"%FF",
        b"%C0%AE",
        b"%E2%80%A8",
        b"%ED%A0%80",
        b"..",
        b"/",
        b"//",
        b"\\",
        b"?",
        b"#",
        b";",
    ),
    *(b"*", b">", b"%2A", b"%3E", b".", b"$JS.API.STREAM.DELETE.ops", b"_INBOX.x", b"$KV.x.y", b"ops.injected"),
    *(_PUB, b"\r\nX-Injected: injected\r\n", b"x" * 300, b"{}", b"'", b'"', b"<script>", b"0", b"-1", b"1e999"),
)
_PLAIN: Final = (
    *(b"a", b"web-1", b"alerts.disk", b"status", b"ops.", b"nodes.n.events", b"team-a", b"team-b", b"ops-system"),
    *(b"ops.clusters.default.namespaces.team-a.a.b", b"ops.clusters.default.namespaces.team-b.a.b"),
    *(b"ops.clusters.default.namespaces.team-a.>", b"ops.>", b"ops.clusters.*.namespaces.team-a.x"),
)

pieces = st.lists(st.one_of(st.sampled_from(_PLAIN), st.sampled_from(_EVIL), st.binary(max_size=4)), max_size=4)
texts = st.one_of(st.sampled_from(_PLAIN), pieces.map(b"".join))
names = st.one_of(st.sampled_from((b"team-a", b"team-a", b"team-a", b"team-b", b"ops-system")), texts)


def _path(namespace: bytes, name: bytes, place: int) -> bytes:
    below = b"/api/v1/namespaces/%b" % namespace
    return (
        b"%b/events/%b" % (below, name),
        b"%b/events/a%b" % (below, name),
        b"/api/v1/events",
        b"/api/v1/events",
        b"/api/v1/events?search=%b&page=%b" % (name, namespace),
        b"/api/v1/events/%b" % name,
        b"/api/v1/events/ops.clusters.default.namespaces.team-a.>?type=%b&start_time=%b" % (name, namespace),
        b"/api/v1/events/ops.clusters.default.namespaces.team-a.%b/tail" % name,
        b"%b/eventhooks" % below,
        b"%b/eventhooks/%b" % (below, name),
        b"%b/eventhooks/%b/replays" % (below, name),
        b"/docs/assets/%b" % name,
        b"/%b" % name,
    )[place]


_PATHS: Final = st.builds(_path, names, texts, st.one_of(st.integers(0, 3), st.integers(0, 12)))

_IDS: Final = st.one_of(
    st.sampled_from(("a", "b\r\nPUB ops.injected 0", "\x00", " ", "ü", "a b", "x" * 3000)), st.text(max_size=8)
)
_SUBJECTS: Final = st.sampled_from(
    (
        "ops.clusters.default.namespaces.team-a.x",
        "ops.clusters.default.namespaces.team-b.x",
        "ops.clusters.default.namespaces.team-a.x\r\nPUB ops.injected 0\r\n",
        *("ops.a b", "ops.>", "ops.*.x", "$JS.API.STREAM.DELETE.ops", "injected", "ops.", "ops..x", "ops.\x00", ""),
    )
)
_VALUES: Final = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


def _json(value: object) -> bytes:
    """As JSON, and what is like it: NaN and lone surrogates are not."""
    return json.dumps(value).encode()


_EVENTS: Final = st.fixed_dictionaries(
    {"specversion": st.sampled_from(("1.0", "1.0", "1.0", "0.3", "")), "id": _IDS, "source": _IDS, "type": _IDS},
    optional={"subject": _SUBJECTS, "data": _VALUES, "time": _IDS, "X-Y": _VALUES, "ext": _VALUES, "data_base64": _IDS},
)
_HOOKS: Final = st.fixed_dictionaries(
    {
        "metadata": st.one_of(_VALUES, st.fixed_dictionaries({"name": st.one_of(st.just("h"), _IDS)})),
        "spec": st.fixed_dictionaries(
            {"type": st.sampled_from(("webhook", "event", "xiezuo", "elasticsearch", "\r\n")), "subject": _SUBJECTS},
            optional={"url": st.sampled_from(("http://127.0.0.1:9/", "http://[::1", "ops.injected", "http://h\r\n/"))},
        ),
    }
)
bodies = st.one_of(
    st.sampled_from((b"{}", b'{"type":"a","message":"b"}', b'{"type":"a\\r\\nPUB ops.injected 0\\r\\n"}')),
    _VALUES.map(_json),
    st.dictionaries(st.text(max_size=5), _VALUES, max_size=3).map(_json),
    _EVENTS.map(_json),
    st.lists(_EVENTS, max_size=4).map(_json),
    _HOOKS.map(_json),
    st.binary(max_size=40),
    st.sampled_from(
        (b"[" * 5000, b'{"a":' * 3000, b'{"\\ud800":1}', b"1e400", b"NaN", b'{"a":1,"a":2}', b"\xef\xbb\xbf{}")
    ),
)

_BINARY: Final = b"ce-specversion: 1.0\r\nce-source: s\r\n"
_LINES: Final = (
    b"Idempotency-Key: %b",
    b"Content-Encoding: %b",
    b"Transfer-Encoding: chunked",
    b"Content-Length: 0",
    b"Origin: %b",
    b"Nats-Msg-Id: %b",
    b"Last-Event-ID: %b",
    _BINARY + b"ce-type: t\r\nce-id: %b\r\nce-subject: ops.clusters.default.namespaces.team-a.y",
    _BINARY + b"ce-type: %b\r\nce-id: 1\r\nce-subject: %b",
    b"ce-%b: 1",
    b" folded: %b",
    b"Expect: 100-continue",
    b"%b",
)
headers = st.lists(st.builds(lambda line, text: line.replace(b"%b", text), st.sampled_from(_LINES), texts), max_size=2)

_MEDIA: Final = st.sampled_from(
    (
        *(b"application/json", b"application/json", b"application/cloudevents+json", b"application/cloudevents+json"),
        *(b"application/cloudevents-batch+json", b"text/plain", b"\xff", b""),
    )
)
_METHODS: Final = st.sampled_from((*[b"POST"] * 6, *[b"GET"] * 4, b"PUT", b"DELETE", b"HEAD", b"PATCH", b"NO\x00NE"))


@dataclass(frozen=True)
class Request:
    """A request in two parts, between which the Authorization header is to come."""

    begin: bytes
    rest: bytes

    @property
    def ends_early(self) -> bool:
        """Whether a blank line stands among its headers, so that it is followed by what is no request."""
        return self.rest.index(b"\r\n\r\n") < self.rest.index(b"Connection: close")

    def __repr__(self) -> str:
        return f"Request({(self.begin + self.rest)[:160]!r})"


@st.composite
def requests(draw: st.DrawFn) -> Request:
    body = draw(bodies)
    lines = [b"Host: 127.0.0.1", b"Content-Type: %b" % draw(_MEDIA), b"Content-Length: %d" % len(body), *draw(headers)]
    begin = b"%b %b HTTP/1.1\r\n" % (draw(_METHODS), draw(_PATHS))
    return Request(begin, b"\r\n".join([*lines, b"Connection: close", b"", body]))
