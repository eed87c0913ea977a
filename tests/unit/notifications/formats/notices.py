"""Notices to try formats on: a typical one, what is over, and whatever can be thought up."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from app.delivery.outcome import Impossible
from app.notifications.channel import request_of
from app.notifications.destinations.kinds import Destination
from app.notifications.formats.notice import Notice, writable
from app.notifications.formats.request import Request
from app.notifications.routing import configuration

NOW = 1_790_000_000.123  # Unix seconds
IDENTITY = "0123456789abcdef0123456789abcdef"  # of a delivery

TYPICAL = Notice(
    title="disk full",
    message="the disk of node-a is full\nfree: 1 %",
    severity="error",
    link="https://ops.example.com/nodes/node-a?tab=disk&x=1",
    key="node-a/disk",
    source="prod",
    fields={"provider": "ksyun", "host": "node-a"},
)
RESOLVED = replace(TYPICAL, resolved=True)
BARE = Notice(title="", message="")

# What some service would read as a mention, a link, markup, a tag or an end of what stands around it.
HOSTILE = (
    "<!channel> <!here> <@U012AB3CD> <https://evil.example|click>",
    '@all @everyone <@all> <at user_id="-1">all</at> <at id=all></at>',
    "[click](https://evil.example) ![](https://evil.example/x.png)",
    "# big\n## bigger\n> quoted\n- listed\n1. numbered",
    "**bold** __under__ ~~gone~~ `code` ```block``` *_*",
    '</font><font color="info">fine</font>',
    "&lt;!channel&gt; &amp;",
    '"}],"text":"broken out',
    "\\ \\n \\u0000 \\[click\\](https://evil.example)",
    "{{title}} {% raw %} ${x} @{x} %s {0}",
    "\N{FIRE}" * 50 + "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{BOY}",
    "\u202egnp.exe \u2028 \u2029 \ufeff",
)

_LONG = 5_000  # characters: beyond most limits, and still to be shown where a test fails
_texts = (
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(HOSTILE),
        st.builds(
            lambda text, times: text * times,
            st.sampled_from((*HOSTILE, "a", "\N{FIRE}", "\\", '"', "&", "<", "\n", "\u4e2d")),
            st.sampled_from((2, 60, _LONG)),
        ),
    )
    .map(writable)
    .map(lambda text: text[:_LONG])
)
_short = _texts.map(lambda text: text[:500])

LINKS = ("", "https://a.example/b?c=(d)[e]|f", "http://grafana/d/x", "https://a.example/" + "b" * 1_980)
NOTICES = st.builds(
    Notice,
    title=_texts,
    message=_texts,
    severity=st.sampled_from(("", "debug", "info", "warning", "error", "critical", "Fatal", "<b>")),
    link=st.sampled_from(
        ("", "https://a.example/b?c=(d)[e]|f", "http://grafana/d/x", "https://a.example/" + "b" * 1_980)
    ),
    key=_short,
    resolved=st.booleans(),
    source=_short,
    fields=st.dictionaries(_short.map(lambda text: text[:200]), _short, max_size=22),
)


def destination(written: str) -> Destination:
    """The destination of a receiver, as people write it."""
    return configuration.parse(f"receivers: [{{name: r, destination: {written}}}]".encode()).receivers[0].destination


def asked(written: str, notice: Notice, now: float = NOW) -> Request:
    """The request of an attempt."""
    found = request_of(destination(written), notice, now, IDENTITY)
    assert not isinstance(found, Impossible)
    return found
