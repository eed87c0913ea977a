"""The headers by which a receiver knows a delivery again and whose it is: those of Standard Webhooks 1.0. Pure.

Used by the channels that speak HTTP; `keys.py` finds the keys, `hooks/rules.py` checks them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from app.delivery.delivery import Delivery

PREFIX: Final = "whsec_"  # of a key in the form that Standard Webhooks gives it

_LEAST_BYTES: Final = 24  # of a key behind the prefix: the bounds of the specification
_MOST_BYTES: Final = 64


def standard_headers(delivery: Delivery, timestamp: int, body: bytes, keys: Sequence[bytes] = ()) -> dict[str, str]:
    """The headers of an attempt at `timestamp`, Unix seconds; signed with each key, so that one can replace another.

    `webhook-id` is the same in every repeat, and in a replay too, which `webhook-replay` tells apart.
    """
    headers = {"webhook-id": delivery.id, "webhook-timestamp": str(timestamp)}
    if keys:
        content = b"%s.%d.%s" % (delivery.id.encode(), timestamp, body)
        headers["webhook-signature"] = " ".join(_signature(key, content) for key in keys)
    if delivery.replay:
        headers["webhook-replay"] = delivery.replay
    return headers


def _signature(key: bytes, content: bytes) -> str:
    return f"v1,{base64.b64encode(hmac.digest(key, content, 'sha256')).decode()}"


@lru_cache(maxsize=1024)
def keys_of(secret: str) -> tuple[bytes, ...]:
    """The keys in a secret, separated by white space: `whsec_` and base64, or base64, or else the text's own bytes.

    Base64 may lack its padding. As in the libraries of Standard Webhooks the prefix can be left out: a text that can
    be read as base64 is.

    Raises:
        ValueError: a key is not what its prefix promises. The message does not show it.
    """
    return tuple(_key(text) for text in secret.split())


def _key(text: str) -> bytes:
    if not text.startswith(PREFIX):
        return _base64(text) or text.encode()
    key = _base64(text.removeprefix(PREFIX))
    if not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise ValueError(f"behind {PREFIX} must stand base64 of {_LEAST_BYTES} to {_MOST_BYTES} bytes")
    return key


def _base64(text: str) -> bytes:
    """What the text encodes; nothing where it is no base64."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):  # the latter where the text is not ASCII
        return b""
