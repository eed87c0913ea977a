"""How to get into NATS: from what people write to what the NATS client takes, for the app and for the command line.

Looks into the files that are named, so that what is wrong with one is told before anything connects. No message shows
a password, a key or a token.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import nkeys  # type: ignore[import-untyped]

from streams.endpoint import credentials_file, servers

_MISMATCH: Final = "KEY_VALUES_MISMATCH"
_USER_SEED: Final = "SU"  # how the seed of a user begins; those of accounts and operators cannot log in


@dataclass(frozen=True)
class Access:
    """Where NATS is, who we are, and whom we trust. Each field but the first is a file."""

    endpoint: str = field(repr=False)
    credentials: str | None = None
    nkey: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    def options(self) -> dict[str, Any]:
        """For `SecuredClient.connect(…)`.

        Raises:
            ValueError: something cannot be read or does not fit; the message names the variable and how to mend it.

        """
        if self.credentials and self.nkey:
            raise ValueError("EVENT_CREDENTIALS and EVENT_NKEY both say who we are: leave one out")
        found: dict[str, Any] = {"servers": _named("EVENT_ENDPOINT", servers, self.endpoint)}
        if self.credentials:
            found["user_credentials"] = _named("EVENT_CREDENTIALS", credentials_file, self.credentials)
        if self.nkey:
            found["nkeys_seed_str"] = _named("EVENT_NKEY", _seed, self.nkey)
        if (context := self._tls()) is not None:
            found["tls"] = context
        return found

    def _tls(self) -> ssl.SSLContext | None:
        """None where the client's own will do: the machine's authorities, and no certificate of ours."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("EVENT_TLS_CERT and EVENT_TLS_KEY go together: name the certificate and its key")
        if not (self.tls_ca or self.tls_cert):
            return None
        context = _trusting(self.tls_ca)
        if self.tls_cert and self.tls_key:
            _present(context, self.tls_cert, self.tls_key)
        return context


def _named(variable: str, read: Any, value: str) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{variable}: {error}") from None


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read ({error.strerror}): name one that can") from error
    except UnicodeDecodeError:
        raise ValueError(f"the file {path} is not text: name a PEM file or a seed") from None


def _seed(path: str) -> str:
    """The seed of a user's nkey, by which the client signs the server's challenge; it is never sent."""
    seed = _text(path).strip()
    try:
        if seed.startswith(_USER_SEED):
            nkeys.from_seed(seed.encode()).wipe()
            return seed
    except (nkeys.ErrInvalidSeed, ValueError, TypeError):
        pass
    raise ValueError(f"the file {path} holds no seed of a user's nkey: it is one line that begins with {_USER_SEED}")


def _trusting(authority: str | None) -> ssl.SSLContext:
    if authority is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=_named("EVENT_TLS_CA", _text, authority))
    except ssl.SSLError:
        raise ValueError(f"EVENT_TLS_CA: {authority} holds no certificate of an authority in PEM") from None


def _present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Show a certificate to servers that ask for one."""
    _named("EVENT_TLS_CERT", _text, certificate)
    _named("EVENT_TLS_KEY", _text, key)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == _MISMATCH:
            raise ValueError(f"EVENT_TLS_KEY: {key} is not the key of the certificate {certificate}") from None
        raise ValueError(
            f"EVENT_TLS_CERT and EVENT_TLS_KEY: {certificate} and {key} are no certificate and key in PEM, "
            "or the key has a password, which cannot be given here"
        ) from None


def _no_password() -> str:
    """Else OpenSSL would ask at the terminal."""
    return ""
