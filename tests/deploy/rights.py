"""What an account may do, by the manifests, and what was done with it, by the double of the Kubernetes API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from tests.deploy.manifests import Manifest, named, of_kind
from tests.kubernetes import ApiServer, Call


class Right(NamedTuple):
    """A verb on a resource, as RBAC writes it: `patch` on `eventhooks/status` of the group `crd.chenshaowen.com`."""

    verb: str
    group: str
    resource: str


def granted(manifests: Sequence[Manifest], account: str) -> set[Right]:
    """By all that is bound to a service account, wherever."""
    roles = (binding["roleRef"]["name"] for binding in bindings(manifests, account))
    return {right for role in roles for rule in named(manifests, "ClusterRole", role)["rules"] for right in _of(rule)}


def bindings(manifests: Sequence[Manifest], account: str) -> Iterator[Manifest]:
    for binding in (*of_kind(manifests, "ClusterRoleBinding"), *of_kind(manifests, "RoleBinding")):
        if any(subject["name"] == account for subject in binding["subjects"]):
            yield binding


def _of(rule: Manifest) -> Iterator[Right]:
    assert set(rule) == {"apiGroups", "resources", "verbs"}
    for group, resource, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"]):
        yield Right(verb, group, resource)


def used(calls: Iterable[Call]) -> set[Right]:
    """By the requests that an API server got; what names no resource shows as it is, so that it is not overlooked."""
    return {_used(call) for call in calls}


def _used(call: Call) -> Right:
    group, _, plural = call.resource
    resource = f"{plural}/{call.subresource}" if call.subresource else plural
    return Right(call.verb, group, resource or call.path)


def beside(api: ApiServer) -> ApiServer:
    """Another address of the same API: what comes in there is one account's."""
    other = ApiServer()
    other._store, other._watches, other._writing = api._store, api._watches, api._writing
    return other
