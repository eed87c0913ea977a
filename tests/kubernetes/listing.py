"""Lists: in pages, as of now or of a version, and in one piece although the world goes on between the pages."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from tests.kubernetes import statuses, tables
from tests.kubernetes.calls import Call
from tests.kubernetes.definitions import Definition
from tests.kubernetes.kinds import Kind, Object
from tests.kubernetes.selectors import Selector, selector
from tests.kubernetes.statuses import RefusedError
from tests.kubernetes.store import ForgottenError, FutureError, Revision, Snapshot, Store


@dataclass(frozen=True, slots=True)
class _Asked:
    version: int
    start: str  # the key that the page begins with
    limit: int  # 0: no limit


@dataclass(frozen=True, slots=True)
class _Page:
    revisions: Sequence[Revision]
    next_key: str  # empty: there is no more
    remaining: int


def answer_list(store: Store, kind: Kind, call: Call, definition: Definition | None) -> bytes:
    """One page, as a list or, where that is wanted and can be, as a table.

    Raises:
        RefusedError: the version or the token is of no use.
    """
    asked = _asked(store, call)
    wanted = selector(kind, call)
    page = _page(_snapshot(store, kind, call, asked), asked, wanted)
    metadata = _metadata(kind, page, asked.version, counted=not wanted.selects)
    items = [revision.item(kind) for revision in page.revisions]
    if definition is not None and tables.is_wanted(call):
        return tables.table(definition, metadata, items)
    return _written(kind, items, metadata)


def version_of(call: Call) -> int | None:
    """The version that a request names; None: it names none.

    Raises:
        RefusedError: it is no version.
    """
    if not (text := call.query.get("resourceVersion", "")):
        return None
    if not (text.isascii() and text.isdigit()):
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise RefusedError(
            statuses.bad_request(f'invalid resource version: resourceVersion: Invalid value: "{text}": {why}')
        )
    return int(text)


def number_of(call: Call, name: str) -> int:
    """A number in the query; 0 where it is not there.

    Raises:
        RefusedError: it is no number.
    """
    if not (text := call.query.get(name, "0") or "0").isdecimal():
        raise RefusedError(statuses.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax'))
    return int(text)


def _asked(store: Store, call: Call) -> _Asked:
    version, match = version_of(call), call.query.get("resourceVersionMatch", "")
    limit, token = number_of(call, "limit"), call.query.get("continue", "")
    _check(version, match, token)
    if token:
        pinned, start = _unpacked(token)
        return _Asked(store.version if pinned < 0 else pinned, start, limit)
    if version and (match == "Exact" or (limit and not match)):
        return _Asked(version, "", limit)
    if version and version > store.version:  # not older than that, which a real server waits 3 s for
        raise RefusedError(statuses.too_large(version, store.version))
    return _Asked(store.version, "", 0 if version == 0 else limit)  # 0: out of a cache, which knows no pages


def _check(version: int | None, match: str, token: str) -> None:
    if token and version:
        raise RefusedError(statuses.bad_request("specifying resource version is not allowed when using continue"))
    if match and match not in {"Exact", "NotOlderThan"}:
        why = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
    elif match and token:
        why = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
    elif match and version is None:
        why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match == "Exact" and version == 0:
        why = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    else:
        return
    options = Kind("meta.k8s.io", "v1", "", "ListOptions", "")
    raise RefusedError(statuses.invalid(options, "", [("resourceVersionMatch", why)]))


def _snapshot(store: Store, kind: Kind, call: Call, asked: _Asked) -> Snapshot:
    try:
        return store.snapshot(kind, asked.version)
    except FutureError:
        raise RefusedError(statuses.too_large(asked.version, store.version)) from None
    except ForgottenError:
        if "continue" in call.query:
            raise RefusedError(statuses.expired_continue(_packed(-1, asked.start))) from None
        raise RefusedError(statuses.expired_list()) from None


def _page(snapshot: Snapshot, asked: _Asked, wanted: Selector) -> _Page:
    start = bisect_left(snapshot, asked.start, key=lambda entry: entry[0])
    rest = [revision for _, revision in snapshot[start:] if wanted(revision)]
    if not asked.limit or len(rest) <= asked.limit:
        return _Page(rest, "", 0)
    last = rest[asked.limit - 1].key
    return _Page(rest[: asked.limit], f"{last}\x00", len(rest) - asked.limit)


def _metadata(kind: Kind, page: _Page, version: int, *, counted: bool) -> Object:
    metadata: Object = {"resourceVersion": str(version)}
    if not page.next_key:
        return {"continue": ""} | metadata if kind.custom else metadata  # as real servers differ
    remaining = {"remainingItemCount": page.remaining} if counted else {}
    return metadata | {"continue": _packed(version, page.next_key)} | remaining


def _written(kind: Kind, items: Sequence[bytes], metadata: Object) -> bytes:
    type_, version = f"{kind.kind}List".encode(), kind.api_version.encode()
    listed, about = b",".join(items), json.dumps(metadata, separators=(",", ":")).encode()
    if kind.custom:
        return b'{"apiVersion":"%b","items":[%b],"kind":"%b","metadata":%b}\n' % (version, listed, type_, about)
    return b'{"kind":"%b","apiVersion":"%b","metadata":%b,"items":[%b]}\n' % (type_, version, about, listed)


def _packed(version: int, start: str) -> str:
    token = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def _unpacked(token: str) -> tuple[int, str]:
    try:
        fields = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return fields["rv"], fields["start"]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise RefusedError(statuses.bad_request(f"continue key is not valid: {error}")) from None
