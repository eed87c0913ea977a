"""Mail, by way of a real SMTP server: TLS, signing in, and what servers refuse."""

from __future__ import annotations

import logging
import ssl
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import trustme

from app.delivery.egress.policy import Policy
from app.delivery.outcome import Delivered, Outcome, Refused, TryLater
from app.notifications.destinations.kinds import Email
from app.notifications.formats.notice import Notice, clip
from app.notifications.senders.email import EmailSender
from tests.server.mailing import HOST, Mailbox, mail_server, trusting
from tests.server.telling import OPEN
from tests.servers import free_port
from tests.unit.notifications.formats.notices import HOSTILE, TYPICAL, destination

ID = "0123456789abcdef"
PASSWORD = "PASSW0RD-x1"
SIGNED_IN = f", username: ops, password: {PASSWORD}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def where(mailbox: Mailbox, tls: str = "starttls", more: str = "", to: str = "oncall@example.com") -> Email:
    found = destination(
        f"{{type: email, host: {HOST}, port: {mailbox.port}, tls: {tls}, from: ops@example.com, to: [{to}]{more}}}"
    )
    assert isinstance(found, Email)
    return found


async def send(
    authority: trustme.CA, to: Email, notice: Notice = TYPICAL, policy: Policy = OPEN, tls: ssl.SSLContext | None = None
) -> Outcome:
    return await EmailSender(policy, tls or trusting(authority)).send(to, notice, ID)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it does not know of TLS from the start
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_mail_goes_over_tls_as_who_signed_in(tls: str, authority: trustme.CA) -> None:
    signing_in = {"auth_required": True, "auth_require_tls": tls == "starttls"}
    async with mail_server(Mailbox(), tls, authority, **signing_in) as mailbox:
        outcome = await send(authority, where(mailbox, tls, SIGNED_IN))
    assert isinstance(outcome, Delivered), outcome
    assert mailbox.logins == [("ops", PASSWORD)]
    assert mailbox.secure == [True] or tls == "implicit"
    assert mailbox.envelopes == [("ops@example.com", ["oncall@example.com"])]


async def test_a_mail_says_title_message_severity_fields_and_link(authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), "starttls", authority) as mailbox:
        assert isinstance(await send(authority, where(mailbox, to="a@example.com, b@example.com")), Delivered)
    mail = mailbox.mails[0]
    assert (mail["Subject"], mail["From"], mail["To"]) == (
        "[ERROR] disk full",
        "ops@example.com",
        "a@example.com, b@example.com",
    )
    assert mail["Message-ID"] == f"<{ID}@ops-events>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = (mail.get_body(kind) for kind in (["plain"], ["html"]))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == (
        "the disk of node-a is full\nfree: 1 %\n\nprovider: ksyun\nhost: node-a\n\n"
        "https://ops.example.com/nodes/node-a?tab=disk&x=1\n"
    )
    assert '<a href="https://ops.example.com/nodes/node-a?tab=disk&amp;x=1">Open</a>' in html.get_content()
    assert "<th>host</th><td>node-a</td>" in html.get_content()


async def test_mails_about_one_thing_are_one_thread_and_a_repeat_has_the_same_id(authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), "starttls", authority) as mailbox:
        to = where(mailbox)
        over, other, none = replace(TYPICAL, resolved=True), replace(TYPICAL, key="another"), replace(TYPICAL, key="")
        for notice in (TYPICAL, over, other, none):
            assert isinstance(await send(authority, to, notice), Delivered)
    threads = [mail["References"] for mail in mailbox.mails]
    assert threads == [mail["In-Reply-To"] for mail in mailbox.mails]
    assert threads[0] == threads[1] != threads[2]
    assert threads[3] is None
    assert {mail["Message-ID"] for mail in mailbox.mails} == {f"<{ID}@ops-events>"}


class _Tags(HTMLParser):
    """The tags that a reader of HTML finds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 -- as it is called
        self.found.append(tag)


FORGED = "a\r\nBcc: evil@example.com\r\n\r\nbody"


@pytest.mark.parametrize("text", [*HOSTILE, FORGED, "\u4e2d\u6587 \N{FIRE}", "a\n.\nb", "a" * 3_000])
async def test_whatever_others_wrote_is_neither_header_nor_tag(text: str, authority: trustme.CA) -> None:
    notice = Notice(text, text, "error", "https://a.example/", text, fields={text: text})
    async with mail_server(Mailbox(), "starttls", authority) as mailbox:
        assert isinstance(await send(authority, where(mailbox), notice), Delivered)
    mail, raw = mailbox.mails[0], mailbox.raw[0]
    assert mail.keys().count("Bcc") == 0
    assert mail["Subject"].strip() == clip(f"[ERROR] {' '.join(text.split())}", 200)
    assert mailbox.envelopes == [("ops@example.com", ["oncall@example.com"])]
    raw.decode("ascii")  # seven bits: not every server takes more
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    plain, html = mail.get_body(["plain"]), mail.get_body(["html"])
    assert plain is not None
    assert html is not None
    assert text.split(maxsplit=1)[0] in plain.get_content()
    assert _Tags(html.get_content()).found == ["h3", "p", "table", "tr", "th", "td", "p", "a"]


async def test_a_wrong_password_is_kept_until_it_is_mended(authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), "starttls", authority, auth_required=True) as mailbox:
        outcome = await send(authority, where(mailbox, more=", username: ops, password: wr0ng-one"))
    assert outcome == TryLater("the server does not let us in (535)")
    assert mailbox.raw == []


async def test_a_name_and_a_password_may_have_any_letters(authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), "starttls", authority, auth_required=True) as mailbox:
        outcome = await send(authority, where(mailbox, more=", username: \u00fcser, password: p\u00e4ss \u4e2d\u6587"))
    assert outcome == TryLater("the server does not let us in (535)")
    assert mailbox.logins[0] == ("\u00fcser", "p\u00e4ss \u4e2d\u6587")


async def test_a_server_without_starttls_is_told_nothing(authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), "none", authority, auth_require_tls=False) as mailbox:
        outcome = await send(authority, where(mailbox, "starttls", SIGNED_IN))
    assert isinstance(outcome, TryLater)
    assert outcome.reason.startswith("the server does not let us in")
    assert (mailbox.logins, mailbox.raw) == ([], [])


async def test_a_server_that_speaks_plain_is_told_nothing_where_tls_was_meant(authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), "none", authority, auth_require_tls=False) as mailbox:
        outcome = await send(authority, where(mailbox, "implicit", SIGNED_IN))
    assert isinstance(outcome, TryLater)
    assert (mailbox.logins, mailbox.raw) == ([], [])


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_that_nobody_vouches_for_is_told_nothing(tls: str, authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), tls, authority) as mailbox:
        outcome = await send(authority, where(mailbox, tls, SIGNED_IN), tls=trusting(trustme.CA()))
    assert isinstance(outcome, TryLater)
    assert (mailbox.logins, mailbox.raw) == ([], [])


async def test_plain_is_spoken_where_that_is_what_was_asked_for(authority: trustme.CA) -> None:
    async with mail_server(Mailbox(), "none", authority) as mailbox:
        assert isinstance(await send(authority, where(mailbox, "none")), Delivered)
    assert mailbox.secure == [False]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("554 no", Refused("the message was not taken (554)")),
        ("552 too large", Refused("the message was not taken (552)")),
        ("451 later", TryLater("the message was not taken (451)")),
        ("421 closing", TryLater("the message was not taken (421)")),
    ],
)
async def test_a_message_that_is_refused_for_good_is_told_from_one_for_later(
    reply: str, outcome: Outcome, authority: trustme.CA
) -> None:
    async with mail_server(Mailbox(reply=reply), "starttls", authority) as mailbox:
        assert await send(authority, where(mailbox)) == outcome


BOTH = "a@example.com, b@example.com"


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [
        ({"a": "550 unknown", "b": "550 unknown"}, Refused("no recipient was taken (550, 550)")),
        ({"a": "550 unknown", "b": "450 later"}, TryLater("no recipient was taken (550, 450)")),
    ],
)
async def test_where_no_recipient_is_taken_the_mildest_answer_counts(
    refused: dict[str, str], outcome: Outcome, authority: trustme.CA
) -> None:
    replies = {f"{name}@example.com": reply for name, reply in refused.items()}
    async with mail_server(Mailbox(refused=replies), "starttls", authority) as mailbox:
        assert await send(authority, where(mailbox, to=BOTH)) == outcome


async def test_where_some_recipients_are_taken_the_ledger_says_how_many_were_not(
    authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server(Mailbox(refused={"a@example.com": "550 unknown"}), "starttls", authority) as mailbox:
        outcome = await send(authority, where(mailbox, to=BOTH))
    assert isinstance(outcome, Delivered)
    assert outcome.answer is not None
    assert outcome.answer.body == b"1 of 2 recipients were refused (550)"
    assert "taken for 1 of 2 recipients" in caplog.text
    assert "@example.com" not in caplog.text


async def test_an_address_that_the_policy_closes_is_not_connected(authority: trustme.CA) -> None:
    closed = Policy.parse("", "", loopback=False)
    async with mail_server(Mailbox(), "starttls", authority) as mailbox:
        outcome = await send(authority, where(mailbox), policy=closed)
    assert isinstance(outcome, TryLater)
    assert "are not allowed (loopback): see EGRESS_ALLOW" in outcome.reason
    assert mailbox.raw == []


async def test_a_host_that_is_denied_by_name_is_not_connected(authority: trustme.CA) -> None:
    denied = Policy.parse("", HOST, loopback=True)
    async with mail_server(Mailbox(), "starttls", authority) as mailbox:
        outcome = await send(authority, where(mailbox), policy=denied)
    assert outcome == TryLater(f"connections to {HOST} are not allowed (denied by name): see EGRESS_DENY")


async def test_where_nobody_listens_it_is_tried_later(authority: trustme.CA) -> None:
    outcome = await send(authority, where(Mailbox(port=free_port())))
    assert isinstance(outcome, TryLater)
    assert outcome.reason.startswith("cannot connect: ")


async def test_a_host_that_is_no_name_is_a_reason_and_no_fault(authority: trustme.CA) -> None:
    written = f"{{type: email, host: '{'a' * 64}.example.com', from: a@b.c, to: [a@b.c]}}"
    to = destination(written)
    assert isinstance(to, Email)
    assert await send(authority, to) == TryLater("cannot connect: the host is no name")


@pytest.mark.parametrize("reply", ["250 OK", "554 no"])
async def test_a_password_is_in_no_log(reply: str, authority: trustme.CA, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "app")
    caplog.set_level(logging.DEBUG, "aiosmtplib")
    async with mail_server(Mailbox(reply=reply), "starttls", authority) as mailbox:
        to = where(mailbox, more=SIGNED_IN)
        outcome = await send(authority, to)
    for shown in (caplog.text, repr(outcome), repr(to)):
        assert PASSWORD not in shown
