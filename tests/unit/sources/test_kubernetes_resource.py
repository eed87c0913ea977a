"""What a resource of the API is called, and where it is."""

from __future__ import annotations

from app.sources.kubernetes.resource import Resource
from tests.kubernetes import KINDS

HOSTS = Resource("crd.chenshaowen.com", "v1", "hosts")


def test_a_path_leads_where_the_api_serves_the_resource() -> None:
    assert HOSTS.path == "/apis/crd.chenshaowen.com/v1/hosts"
    assert HOSTS.within("ns").path == "/apis/crd.chenshaowen.com/v1/namespaces/ns/hosts"
    assert HOSTS.within("ns").within("") == HOSTS
    assert Resource("", "v1", "events").path == "/api/v1/events"
    assert {Resource(kind.group, kind.version, kind.plural, "ns").path for kind in KINDS} == {
        kind.path("ns") for kind in KINDS
    }


def test_a_permission_names_the_resource_as_rights_do() -> None:
    assert str(HOSTS.permission("watch")) == "watch hosts.crd.chenshaowen.com in all namespaces"
    assert str(Resource("", "v1", "events", "ns").permission("list")) == "list events in namespace ns"
