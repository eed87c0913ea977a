"""Custom resource definitions, as a test reads them from `deploy/crds`: their short names, and the columns of tables.

Given to the double by `ApiServer.define`; used by `tables.py` and `discovery.py`. The schema is not evaluated here: a
test that needs it sets `ApiServer.admit` and `ApiServer.validate`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.kubernetes.kinds import JSON, Kind


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a custom resource."""

    kind: Kind
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    columns: tuple[JSON, ...]  # as `additionalPrinterColumns` has them


def definition(document: JSON) -> Definition:
    """Read a CustomResourceDefinition with one version."""
    spec = document["spec"]
    names, (version,) = spec["names"], spec["versions"]
    return Definition(
        kind=Kind(spec["group"], version["name"], names["plural"], names["kind"], names["singular"]),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        columns=tuple(version.get("additionalPrinterColumns") or ()),
    )
