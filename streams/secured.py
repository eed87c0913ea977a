"""A NATS client that sends no password over a connection which is not encrypted, where it was told to encrypt.

nats-py encrypts when the server says that it must: one that says nothing (or whoever sits between) is sent user and
password as they are, also for `tls://` and with certificates given.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any, Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

_HANG_UP: Final = 1.0  # seconds
_CODES: Final = {  # OpenSSL's reasons why a certificate does not hold
    9: "its certificate is not valid yet: look at the clocks",
    10: "its certificate has expired: renew it",
    18: "its certificate is signed by itself: name it in EVENT_TLS_CA",
    19: "its authority is not trusted: name it in EVENT_TLS_CA",
    20: "its authority is not trusted: name it in EVENT_TLS_CA",
    21: "its authority is not trusted: name it in EVENT_TLS_CA",
    62: "its certificate is for another name: write in EVENT_ENDPOINT a name that stands in it",
    64: "its certificate is for another address: write in EVENT_ENDPOINT a name that stands in it",
}
_ALERTS: Final = {  # what a server says of ours
    "CERTIFICATE_REQUIRED": "it wants a certificate of ours: name one in EVENT_TLS_CERT and EVENT_TLS_KEY",
    "CERTIFICATE_EXPIRED": "our certificate (EVENT_TLS_CERT) has expired: renew it",
    "UNKNOWN_CA": "it does not trust the authority of our certificate (EVENT_TLS_CERT)",
    "BAD_CERTIFICATE": "it does not take our certificate (EVENT_TLS_CERT): has it expired, is it for clients?",
    "HANDSHAKE_FAILURE": "it wants a certificate of ours: name one in EVENT_TLS_CERT and EVENT_TLS_KEY",
}


class NotEncryptedError(NatsError):
    """The server does not encrypt, and we were told to."""

    def __str__(self) -> str:
        return (
            "it does not encrypt: give it a certificate, or write nats:// and leave out EVENT_TLS_CA and EVENT_TLS_CERT"
        )


class SecuredClient(Client):
    """The client of the app and of `python -m streams`."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 -- as nats-py has it
        if initial_connection and self._encrypts() and not info.get("tls_required"):
            raise NotEncryptedError
        await super()._process_info(info, initial_connection)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except OSError:
            await self._hang_up()
            raise

    async def _hang_up(self) -> None:
        """As nats-py does it, in bounded time: it waits for ever where a failed handshake took its protocol away."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()  # type: ignore[no-untyped-call]
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(transport.wait_closed(), _HANG_UP)  # type: ignore[no-untyped-call]

    def _encrypts(self) -> bool:
        """Whether we were told to."""
        server = self._current_server
        return "tls" in self.options or (server is not None and server.uri.scheme == "tls")


def explained(error: BaseException) -> str:
    """Why a server cannot be reached, and how to mend it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CODES.get(error.verify_code, f"its certificate does not hold ({error.verify_message})")
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        return next((told for alert, told in _ALERTS.items() if alert in reason), f"TLS failed ({reason or 'unknown'})")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        # It says why before it does, but what it says may be lost with the connection.
        return (
            f"it hung up ({error}): it may not let this user in: check the password or the key; or it wants a"
            " certificate (EVENT_TLS_CERT) that is another, or has not expired"
        )
    return str(error) or type(error).__name__
