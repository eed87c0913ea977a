"""A mail server on loopback: aiosmtpd, in the test's own event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "localhost"


@dataclass
class Mailbox:
    """What came, and what is refused: replies by recipient, or to every message."""

    port: int = 0
    raw: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)  # whether each message came over TLS
    refused: Mapping[str, str] = field(default_factory=dict)  # replies to RCPT
    reply: str = "250 OK"  # to DATA

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=policy.default) for one in self.raw]

    async def handle_RCPT(self, *called: Any) -> str:  # noqa: N802 -- as aiosmtpd calls it
        _, _, envelope, address, _ = called
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.envelopes.append((envelope.mail_from or "", envelope.rcpt_tos))
            self.secure.append(session.ssl is not None)
        return self.reply

    def authenticate(self, *called: Any) -> AuthResult:
        data = called[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1] == ("ops", "PASSW0RD-x1"), handled=False)


@asynccontextmanager
async def mail_server(mailbox: Mailbox, tls: str, authority: trustme.CA, **options: Any) -> AsyncIterator[Mailbox]:
    """A server with TLS as a destination calls it: `starttls`, `implicit` or `none`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    loop = asyncio.get_running_loop()
    ours: dict[str, Any] = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
    ours |= {"authenticator": mailbox.authenticate, "hostname": HOST, "loop": loop, **options}
    calls: list[SMTP] = []

    def answer() -> SMTP:
        calls.append(SMTP(mailbox, **ours))
        return calls[-1]

    server = await loop.create_server(answer, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        for call in calls:
            if isinstance(call.transport, asyncio.WriteTransport):
                call.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0.05)  # what was cut off tells its protocol so


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's TLS that knows the server's authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context
