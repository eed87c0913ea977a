"""What kubectl asks of the double: tried by hand with kubectl itself, which is not there where tests run."""

from __future__ import annotations

from typing import Any

from tests.kubernetes import EVENTHOOKS, ApiServer
from tests.unit.kubernetes_double.client import Client
from tests.unit.kubernetes_double.samples import HOOKS, hook

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
DEFINITION = {
    "spec": {
        "group": "crd.chenshaowen.com",
        "names": {"kind": "EventHooks", "plural": "eventhooks", "singular": "eventhooks", "shortNames": ["eh"]},
        "versions": [
            {
                "name": "v1",
                "additionalPrinterColumns": [
                    {"name": "Type", "type": "string", "jsonPath": ".spec.type"},
                    {
                        "name": "Ready",
                        "type": "string",
                        "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
                        "priority": 1,
                    },
                    {"name": "Oldest", "type": "date", "jsonPath": ".status.oldestPendingTime"},
                ],
            }
        ],
    }
}
STATUS: dict[str, Any] = {
    "conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}],
    "oldestPendingTime": "2020-01-01T00:00:00Z",
}


async def get_table(client: Client) -> Any:
    async with client.session.get(HOOKS, headers=TABLE) as response:
        return await response.json()


async def test_a_table_has_the_columns_of_the_definition(api: ApiServer, client: Client) -> None:
    api.define(DEFINITION)
    api.create(EVENTHOOKS, hook("a") | {"metadata": {"namespace": "ns", "name": "a"}, "status": STATUS})
    api.create(EVENTHOOKS, hook("b") | {"metadata": {"namespace": "ns", "name": "b"}})
    table = await get_table(client)
    assert [(column["name"], column["priority"]) for column in table["columnDefinitions"]] == [
        *(("Name", 0), ("Type", 0), ("Ready", 1), ("Oldest", 0)),
    ]
    full, empty = (row["cells"] for row in table["rows"])
    assert full[:3] == ["a", "webhook", "True"]
    assert full[3].endswith("d")
    assert empty == ["b", "webhook", None, None]
    assert table["rows"][0]["object"]["metadata"]["name"] == "a"


async def test_without_a_definition_a_list_is_all_there_is(api: ApiServer, client: Client) -> None:
    api.create(EVENTHOOKS, hook("a") | {"metadata": {"namespace": "ns", "name": "a"}})
    assert (await get_table(client))["kind"] == "EventHooksList"


async def test_discovery_tells_the_short_names_of_a_definition(api: ApiServer, client: Client) -> None:
    api.define(DEFINITION)
    resources = (await client.get("/apis/crd.chenshaowen.com/v1"))["resources"]
    assert [resource["name"] for resource in resources if resource.get("shortNames") == ["eh"]] == ["eventhooks"]


async def test_the_server_says_that_it_checks_fields_itself(client: Client) -> None:
    path = (await client.get("/openapi/v3"))["paths"]["apis/crd.chenshaowen.com/v1"]["serverRelativeURL"]
    document = await client.get(path)
    patch = document["paths"][EVENTHOOKS.path("{namespace}", "{name}")]["patch"]
    assert [parameter["name"] for parameter in patch["parameters"]] == ["fieldValidation"]
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "EventHooks"


async def test_a_namespace_is_there_that_is_asked_for(client: Client) -> None:
    assert (await client.get("/api/v1/namespaces/ns"))["metadata"]["name"] == "ns"
