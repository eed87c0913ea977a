"""Mail, by way of an SMTP server. TLS unless the configuration says otherwise; never plain where TLS was asked for."""

from __future__ import annotations

import asyncio
import html
import logging
import socket
import ssl
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from functools import cached_property
from hashlib import blake2b
from typing import Final

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponse, SMTPResponseException

from app.delivery.channels.http import ATTEMPT_SECONDS
from app.delivery.egress.dial import dial
from app.delivery.egress.policy import ForbiddenAddressError, Policy
from app.delivery.outcome import Answer, Delivered, Outcome, Refused, TryLater
from app.notifications.destinations.kinds import Email
from app.notifications.formats.notice import Notice, clip, writable

log = logging.getLogger(__name__)

_SUBJECT: Final = 200  # characters
_TEXT: Final = 200_000
_PERMANENT: Final = range(500, 600)
_TAKEN: Final = 250
_SEVEN_BITS: Final = SMTP_POLICY.clone(cte_type="7bit")  # not every server takes eight


class EmailSender:
    """Sends a message at a time, over a connection of its own."""

    def __init__(self, policy: Policy, tls: ssl.SSLContext | None = None) -> None:
        """Connect where the policy allows; `tls` is for servers whose certificates the system does not know."""
        self._policy = policy
        self._given = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once: to read the authorities takes 20 ms."""
        return self._given or ssl.create_default_context()

    async def send(self, where: Email, notice: Notice, identity: str) -> Outcome:
        """Send a notice once, under an id that a repeat carries too."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._sent(where, message(where, notice, identity))
        except TimeoutError:
            return TryLater(f"no answer within {ATTEMPT_SECONDS:g} s")
        except ForbiddenAddressError as error:
            return TryLater(str(error))
        except OSError as error:
            return TryLater(f"cannot connect: {error.strerror or type(error).__name__}")

    async def _sent(self, where: Email, mail: EmailMessage) -> Outcome:
        connection = await dial(self._policy, where.host, where.port)
        client = SMTP(
            hostname=where.host,
            sock=connection,
            use_tls=where.tls == "implicit",
            start_tls=where.tls == "starttls",
            tls_context=self._tls,
            local_hostname="ops-events",
            timeout=ATTEMPT_SECONDS,
        )
        try:
            await client.connect()
            if where.username and where.password:
                await client.login(where.username, where.password.get_secret_value())
        except (SMTPException, ssl.SSLError) as error:  # whoever mends it wants what was missed
            return TryLater(_reason("the server does not let us in", error))
        else:
            return await _handed_over(client, where, mail)
        finally:
            _hang_up(client, connection)


def _hang_up(client: SMTP, connection: socket.socket) -> None:
    """End it without a farewell: what was taken is taken, and to wait for an answer could only spoil it.

    A socket that has become a transport's is closed by that alone.
    """
    transport = client.transport
    client.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    else:
        connection.close()


async def _handed_over(client: SMTP, where: Email, mail: EmailMessage) -> Outcome:
    """Delivered where at least one of the recipients was taken: to try again would tell that one twice."""
    try:
        refused, _ = await client.sendmail(where.sender, list(where.to), mail.as_bytes())
    except SMTPRecipientsRefused as error:
        codes = [one.code for one in error.recipients]
        return _judged(f"no recipient was taken ({', '.join(map(str, codes))})", min(codes, default=0))
    except SMTPResponseException as error:
        return _judged(_reason("the message was not taken", error), error.code)
    except SMTPException as error:
        return TryLater(_reason("the connection failed", error))
    return Delivered(_taken(refused, len(where.to)))


def _taken(refused: Mapping[str, SMTPResponse], number: int) -> Answer:
    """What the ledger keeps; addresses are no part of it."""
    if not refused:
        return Answer(_TAKEN)
    codes = ", ".join(sorted({str(response.code) for response in refused.values()}))
    log.warning("a mail was taken for %d of %d recipients; the others: %s", number - len(refused), number, codes)
    return Answer(_TAKEN, f"{len(refused)} of {number} recipients were refused ({codes})".encode())


def _judged(reason: str, code: int) -> Outcome:
    return Refused(reason) if code in _PERMANENT else TryLater(reason)


def _reason(what: str, error: Exception) -> str:
    """Why, by the code: the text of a server may hold addresses."""
    code = f" ({error.code})" if isinstance(error, SMTPResponseException) else f" ({type(error).__name__})"
    return what + code


def message(where: Email, notice: Notice, identity: str) -> EmailMessage:
    """The mail. Those about one thing share a thread: they refer to a message that stands for its key."""
    mail = EmailMessage(policy=_SEVEN_BITS)
    mail["Subject"] = writable(clip(notice.headline, _SUBJECT))
    mail["From"], mail["To"] = where.sender, ", ".join(where.to)
    mail["Date"], mail["Message-ID"] = formatdate(), f"<{identity}@ops-events>"
    mail["Auto-Submitted"] = "auto-generated"
    if notice.key:
        thread = f"<{blake2b(notice.key.encode('utf-8', 'replace'), digest_size=16).hexdigest()}@ops-events>"
        mail["References"] = mail["In-Reply-To"] = thread
    mail.set_content(writable("\n".join(_lines(notice))))
    mail.add_alternative(writable(_html(notice)), subtype="html")
    return mail


def _lines(notice: Notice) -> Iterator[str]:
    yield clip(notice.message or notice.headline, _TEXT)
    if notice.fields:
        yield f"\n{notice.listed}"
    if notice.link:
        yield f"\n{notice.link}"


def _html(notice: Notice) -> str:
    rows = "".join(f"<tr><th>{_shown(name)}</th><td>{_shown(value)}</td></tr>" for name, value in notice.fields.items())
    link = f'<p><a href="{html.escape(notice.link)}">Open</a></p>' if notice.link else ""
    text = f'<p style="white-space: pre-wrap">{_shown(clip(notice.message, _TEXT))}</p>' if notice.message else ""
    return f"<h3>{_shown(notice.headline)}</h3>{text}<table>{rows}</table>{link}"


def _shown(text: str) -> str:
    return html.escape(text)
