"""Names of objects as subjects take them: none is so long that a subject has no room for it. Pure.

`events.py` and `resources.py` give the names for subject templates through this module.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from itertools import accumulate
from typing import Final

from app.events import subject

# Bytes of one encoded name. Three of them, which is what a template has at most, leave 220 of a subject's 1,024 for
# the cluster; Kubernetes has no names longer than 253 characters.
_LONGEST: Final = 256

_WORST: Final = 9  # bytes that one character becomes when it is encoded: U+FFFD, percent-encoded
_DIGEST_BYTES: Final = 8


def fitting(name: str) -> str:
    """The name; of one that is too long its beginning and a digest of the whole, so that no two become one."""
    if len(name) <= _LONGEST // _WORST or _size(name) <= _LONGEST:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
    room = _LONGEST - len(digest) - 1
    kept = sum(size <= room for size in accumulate(map(_size, name[:room])))
    return f"{name[:kept]}~{digest}"


@lru_cache(maxsize=256)
def resource_type(kind: str) -> str:
    """What a template takes as `resource_type`: it is encoded there, so it must not be encoded yet."""
    return fitting(subject.decode(subject.resource_type(kind)))


def _size(name: str) -> int:
    return len(subject.encode(name).encode())
