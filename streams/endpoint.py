"""`EVENT_ENDPOINT` and `EVENT_CREDENTIALS`: from what people write to what the NATS client takes.

Pure but for `credentials_file`, which looks into the file. No message shows a password or a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEMES = {"nats": "nats", "tls": "tls", "http": "nats", "https": "tls"}
"""What may be written, and what it means: http and https are how old configurations name the same servers."""
DEFAULT_PORT = 4222
HIDDEN = "***"

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?/?")
_CREDENTIALS_MARKERS = (b"BEGIN NATS USER JWT", b"BEGIN USER NKEY SEED")


def servers(endpoint: str) -> list[str]:
    """The URLs of `endpoint`, each with a scheme (`nats` or `tls`) and a port, for `nats.connect(servers=…)`.

    `endpoint` is one URL or several, comma-separated: `nats://`, `tls://`, `http://` (for nats), `https://` (for tls)
    or bare `host:port`. A user and password in it may be percent-encoded.

    Raises:
        ValueError: it cannot be read; the message says how to mend it.

    """
    urls = [_server(part) for part in _parts(endpoint)]
    if not urls:
        raise ValueError("the endpoint is empty: write for instance nats://host:4222")
    return urls


def redacted(endpoint: str) -> str:
    """`endpoint` without passwords and tokens, for messages and logs; also of one that cannot be read."""
    return ",".join(_redacted(part) for part in _parts(endpoint))


def credentials_file(path: str) -> str:
    """`path`, once it is sure that the NATS client can read it: with anything else the client reads on without end.

    Raises:
        ValueError: no credentials are there; the message says how to mend it.

    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"the credentials file {path} cannot be read ({error.strerror}): name a creds file") from error
    if not all(marker in content for marker in _CREDENTIALS_MARKERS):
        raise ValueError(
            f"{path} is no NATS credentials file: it needs a user JWT and an NKEY seed, "
            "as `nsc generate creds` writes them"
        )
    return path


def _parts(endpoint: str) -> Iterator[str]:
    """The URLs between the commas; a comma that can only stand inside a password separates nothing."""
    whole = ""
    for part in endpoint.split(","):
        if whole and "@" in part and "://" not in part:
            whole += "," + part
            continue
        if whole.strip():
            yield whole.strip()
        whole = part
    if whole.strip():
        yield whole.strip()


def _split(part: str) -> tuple[str, str, str]:
    """Scheme, user information, address; the first two may be empty."""
    scheme, separator, rest = part.partition("://")
    user, _, address = (rest if separator else part).rpartition("@")
    return (scheme if separator else ""), user, address


def _server(part: str) -> str:
    scheme, user, address = _split(part)
    meant = SCHEMES.get(scheme.lower() or "nats")
    if meant is None:
        raise ValueError(f"{redacted(part)}: begin it with nats:// or tls:// (http:// and https:// mean the same)")
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"{redacted(part)}: write a host name or address, and a port, like nats://host:4222")
    port = int(found["port"] or DEFAULT_PORT)
    if not 0 < port < 65_536:  # noqa: PLR2004 - the ports of TCP
        raise ValueError(f"{redacted(part)}: a port lies between 1 and 65535")
    return f"{meant}://{_user(part, user)}{found['host']}:{port}"


def _user(part: str, written: str) -> str:
    """The user information as nats-py reads it: it does not decode percent signs, so that is done here."""
    if not written:
        return ""
    name, colon, password = (unquote(piece) for piece in written.partition(":"))
    if not _reads_back(f"nats://{name}{colon}{password}@host:1", name, password if colon else None):
        raise ValueError(
            f"{redacted(part)}: its user or password has a character that cannot stand in a NATS URL, "
            "such as / ? # , or a space: take another password, or a credentials file (EVENT_CREDENTIALS); "
            "in a list, begin each URL with nats://"
        )
    return f"{name}{colon}{password}@"


def _reads_back(url: str, name: str, password: str | None) -> bool:
    try:
        read = urlsplit(url)
    except ValueError:
        return False
    return (read.username, read.password, read.hostname) == (name, password, "host") and not re.search(r"[\s,]", url)


def _redacted(part: str) -> str:
    scheme, user, address = _split(part)
    prefix = f"{scheme}://" if scheme.lower() in {*SCHEMES, "ws", "wss"} else ""
    return prefix + (f"{HIDDEN}@" if user else "") + (address if _ADDRESS.fullmatch(address) else HIDDEN)
