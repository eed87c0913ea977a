"""Tokens for stories of access."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from app.ingress.access import tokens


def entry(name: str, **rights: Any) -> dict[str, Any]:
    """An entry of the access file; the token is `{name}-token`."""
    return {"name": name, "sha256": tokens.digest(f"{name}-token".encode()).hex(), **rights}


def write(path: Path, *entries: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump({"tokens": list(entries)}))


def swap(path: Path, *entries: dict[str, Any]) -> None:
    """Write the file as Kubernetes changes one that is mounted: a symbolic link takes its place."""
    content, link = path.with_suffix(".content"), path.with_suffix(".link")
    write(content, *entries)
    link.symlink_to(content)
    link.replace(path)


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}-token"}
