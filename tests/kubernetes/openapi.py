"""The OpenAPI documents that kubectl reads before `apply`: whether the server checks fields itself. It says it does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from tests.kubernetes.kinds import Kind, Object

_CHECKS: Final = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}


def documents(kinds: Iterable[Kind]) -> dict[str, Object]:
    """By path."""
    versions = {base: list(group) for base, group in groupby(sorted(kinds, key=_base), _base)}
    paths = {base: {"serverRelativeURL": f"/openapi/v3/{base}?hash=0"} for base in versions}
    described = {f"/openapi/v3/{base}": _document(group) for base, group in versions.items()}
    return {"/openapi/v3": {"paths": paths}} | described


def _base(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"


def _document(kinds: Iterable[Kind]) -> Object:
    paths = {kind.path("{namespace}", "{name}"): {"patch": _patch(kind)} for kind in kinds}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.2"}, "paths": paths}


def _patch(kind: Kind) -> Object:
    about = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return {"parameters": [_CHECKS], "responses": {}, "x-kubernetes-group-version-kind": about}
