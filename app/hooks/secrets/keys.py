"""The keys that seal the secrets of hooks: given by the setting SECRETS_KEY, else made once and kept.

With a setting, a key that was made before still opens what it sealed; the registry then seals that anew with the first
key of the setting. Each function here that returns keys is a step of the start: `main` chooses one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.errors import ConfigurationError, ConflictError, UnavailableError
from app.jetstream.bucket import Bucket
from streams.subjects import KEYS_BUCKET

log = logging.getLogger(__name__)

FILE: Final = "secrets.key"
_KEY: Final = "secrets"  # in the bucket
_PAUSE: Final = 0.5  # seconds before JetStream is asked again
_HOW_TO_MAKE_ONE: Final = (
    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' makes one"
)
_KEPT_IN_NATS: Final = (
    "SECRETS_KEY is not set: the secrets of hooks are sealed with a key that was made now, and lies in the bucket"
    f" {KEYS_BUCKET}. That protects a listing or a copy of the hooks, not against who may read all of NATS: for that,"
    f" set SECRETS_KEY ({_HOW_TO_MAKE_ONE})"
)


def parse(text: str) -> tuple[str, ...]:
    """The Fernet keys in a text, separated by commas or white space.

    Raises:
        ValueError: there is none, or one is no key; the message shows none.
    """
    keys = tuple(text.replace(",", " ").split())
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(
                f"key {number} of {len(keys)} is no Fernet key, 32 bytes in URL-safe base64: {_HOW_TO_MAKE_ONE}"
            ) from None
    if not keys:
        raise ValueError(f"holds no key: {_HOW_TO_MAKE_ONE}")
    return keys


async def in_folder(given: Sequence[str], folder: Path) -> tuple[str, ...]:
    """The keys where NATS is embedded: those given, and that of a file beside its store, which is made if need be.

    Raises:
        ConfigurationError: the file cannot be read or written, or holds no key.
    """
    return (*given, *await asyncio.to_thread(_in_file, folder / FILE, make=not given))


async def in_nats(given: Sequence[str], connection: Callable[[], Client | None]) -> tuple[str, ...]:
    """The keys where NATS is somebody else's: those given, and that of a bucket there, which is made if need be.

    Waits for JetStream as long as it takes.

    Raises:
        ConfigurationError: the bucket holds no key, but something else.
    """
    bucket, told = Bucket(connection, KEYS_BUCKET), ""
    while True:
        try:
            return (*given, *await _in_bucket(bucket, make=not given))
        except UnavailableError as error:
            if str(error) != told:
                log.warning("the key that seals secrets is waited for: %s", told := str(error))
            await asyncio.sleep(_PAUSE)


def _in_file(path: Path, *, make: bool) -> tuple[str, ...]:
    try:
        if make and not path.exists():
            _make_file(path)
        return parse(path.read_text()) if path.exists() else ()
    except (OSError, UnicodeError, ValueError) as error:
        raise ConfigurationError(f"the file {path}: {getattr(error, 'strerror', None) or error}") from error


def _make_file(path: Path) -> None:
    """Make it whole or not at all: of several processes that begin at once one wins, and the others read its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that was killed here
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())  # without the key no secret that it sealed can be read again
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


async def _in_bucket(bucket: Bucket, *, make: bool) -> tuple[str, ...]:
    kept = await bucket.get(_KEY)
    if kept is None and make:
        kept = await _made(bucket)
    try:
        return () if kept is None else parse(kept.decode())
    except ValueError as error:
        raise ConfigurationError(f"the bucket {bucket.name}, key {_KEY}: {error}") from error


async def _made(bucket: Bucket) -> bytes | None:
    made = Fernet.generate_key()
    try:
        await bucket.create(_KEY, made)
    except ConflictError:  # another process was quicker
        return await bucket.get(_KEY)
    log.warning("%s", _KEPT_IN_NATS)
    return made
