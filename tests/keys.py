"""Keys and signed claims of NATS, as `nsc` makes them: an operator, an account, a user."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass
from typing import Any

import nkeys  # type: ignore[import-untyped]


def seed(kind: int) -> str:
    """The seed of a new key of a kind (`nkeys.PREFIX_BYTE_…`)."""
    return bytes(nkeys.encode_seed(os.urandom(32), kind)).decode()


@dataclass(frozen=True)
class Key:
    """A key pair."""

    seed: str

    @property
    def public(self) -> str:
        return bytes(nkeys.from_seed(self.seed.encode()).public_key).decode()

    def claim(self, subject: Key, name: str, about: dict[str, Any]) -> str:
        """A JWT by which this key says something about another."""
        claims: dict[str, Any] = {"iat": int(time.time()), "iss": self.public, "name": name, "sub": subject.public}
        claims["nats"] = {**about, "version": 2}
        claims["jti"] = base64.b32encode(hashlib.sha256(_json(claims)).digest()).decode().rstrip("=")
        signed = b".".join(_encoded(_json(part)) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
        return (signed + b"." + _encoded(nkeys.from_seed(self.seed.encode()).sign(signed))).decode()


def credentials(jwt: str, key: Key) -> str:
    """A creds file."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{key.seed}\n------END USER NKEY SEED------\n"
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")
