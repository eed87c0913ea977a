"""Discovery: which groups, versions and resources there are, as kubectl asks before anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.kubernetes.definitions import Definition
from tests.kubernetes.kinds import Kind, Object
from tests.kubernetes.openapi import documents as documents_of

_NAMESPACES: Final = "/api/v1/namespaces/"
_VERBS: Final = ["create", "delete", "get", "list", "patch", "update", "watch"]


def discover(path: str, kinds: Sequence[Kind], definitions: Mapping[Kind, Definition]) -> Object | None:
    """What the API answers to the path; None: it is no path of discovery. Any namespace is there."""
    if path.startswith(_NAMESPACES) and (name := path.removeprefix(_NAMESPACES)).count("/") == 0:
        return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}, "status": {"phase": "Active"}}
    groups = sorted({(kind.group, kind.version) for kind in kinds if kind.group})
    documents = documents_of(kinds) | {
        "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.2", "platform": "linux/amd64"},
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/api/v1": _resources("v1", [kind for kind in kinds if not kind.group], definitions),
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*group) for group in groups]},
    }
    for group, version in groups:
        listed = [kind for kind in kinds if kind.group == group]
        documents[f"/apis/{group}"] = {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, version)
        documents[f"/apis/{group}/{version}"] = _resources(f"{group}/{version}", listed, definitions)
    return documents.get(path)


def _group(group: str, version: str) -> Object:
    offered = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [offered], "preferredVersion": offered}


def _resources(group_version: str, kinds: Sequence[Kind], definitions: Mapping[Kind, Definition]) -> Object:
    listed = [resource for kind in kinds for resource in _resource(kind, definitions.get(kind))]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _resource(kind: Kind, definition: Definition | None) -> list[Object]:
    named = {"name": kind.plural, "singularName": kind.singular, "namespaced": True, "kind": kind.kind}
    resource = named | {"verbs": _VERBS}
    if definition is not None:
        resource |= {"shortNames": definition.short_names, "categories": definition.categories}
    status = named | {"name": f"{kind.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]}
    return [resource, status] if kind.custom else [resource]
