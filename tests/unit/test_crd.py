"""The definition of EventHooks: an API server takes it, and what it says is what the hooks say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cel_expr_python import cel  # type: ignore[import-untyped]  # it has annotations, and forgot to say so
from kubernetes.client import ApiClient

from app.hooks.hook import Spec
from app.hooks.status import Condition, CustomStatus, Status
from tests import crd
from tests.crd import CRD, NODES, OF_RULES, VERSION, crd_problems
from tests.kubernetes import EVENTHOOKS
from tests.unit.hooks.resources import resource

JSON = Mapping[str, Any]

# Of OpenAPI, but not of a structural schema, or not what a definition of version v1 may say.
FORBIDDEN = {
    *("$ref", "definitions", "dependencies", "deprecated", "discriminator", "id", "patternProperties", "uniqueItems"),
    *("readOnly", "writeOnly", "xml", "allOf", "anyOf", "oneOf", "not", "x-kubernetes-preserve-unknown-fields"),
}
MAX_MESSAGE = 2048


def test_it_is_the_definition_that_the_contract_names() -> None:
    spec = CRD["spec"]
    assert CRD["metadata"]["name"] == "eventhooks.crd.chenshaowen.com"
    assert (spec["group"], spec["scope"]) == (EVENTHOOKS.group, "Namespaced")
    assert {EVENTHOOKS.plural, EVENTHOOKS.kind, "eventhooks", "EventHooksList"} <= {
        name for name in spec["names"].values() if isinstance(name, str)
    }
    assert [version["name"] for version in spec["versions"]] == [EVENTHOOKS.version]
    assert VERSION["served"]
    assert VERSION["storage"]
    assert VERSION["subresources"] == {"status": {}}


def test_kubernetes_knows_every_field_of_it() -> None:
    as_sent: Callable[[Any], Any] = ApiClient().sanitize_for_serialization
    read = ApiClient().deserialize(json.dumps(CRD), "V1CustomResourceDefinition", "application/json")

    assert as_sent(read) == CRD, "a field that it does not know is dropped"


@pytest.mark.parametrize("path", NODES)
def test_each_part_of_the_schema_is_typed_bounded_and_explained(path: str) -> None:
    schema = NODES[path]

    assert schema["type"] in {"object", "array", "string", "integer"}
    assert not FORBIDDEN & schema.keys()
    assert not {"properties", "additionalProperties"} <= schema.keys()
    assert path == ".metadata" or schema["description"]
    bounds = {"string": {"maxLength", "enum", "format"}, "array": {"maxItems"}, "integer": {"format"}}
    if path not in {".apiVersion", ".kind"}:
        assert bounds.get(schema["type"], schema.keys()) & schema.keys(), "what a rule costs is estimated by it"
    if "additionalProperties" in schema:
        assert "maxProperties" in schema
    if "default" in schema:
        assert schema["default"] in schema["enum"]


def test_lists_of_conditions_are_kept_apart_by_their_type() -> None:
    conditions = NODES[".status.conditions"]

    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert "type" in conditions["items"]["required"]


@pytest.mark.parametrize(("path", "rule"), OF_RULES)
def test_each_rule_compiles_to_yes_or_no_and_says_how_to_mend_what_it_refuses(path: str, rule: JSON) -> None:
    assert crd.compiled(rule["rule"], of_text=NODES[path]["type"] == "string").return_type() == cel.Type.BOOL
    assert "\n" not in rule["rule"] + rule["message"]
    assert 0 < len(rule["message"]) <= MAX_MESSAGE
    field = path + rule.get("fieldPath", "")
    assert field in NODES or "additionalProperties" in NODES[field.rpartition(".")[0]]


def test_bounds_and_choices_are_those_of_the_hook() -> None:
    written = Spec.model_json_schema()
    fields = {**written["properties"], **written["$defs"]["Keywords"]["properties"]}
    shared = {path.rpartition(".")[2]: schema for path, schema in NODES.items() if path.startswith(".spec.")}

    for name in ("type", "url", "additional", "include", "exclude", "matchMode", "matchType"):
        for bound in ("enum", "maxLength", "maxItems", "default"):
            if bound in shared[name]:
                assert shared[name][bound] == fields[name][bound], (name, bound)
    assert shared["include[]"]["maxLength"] == fields["include"]["items"]["maxLength"]
    assert shared["include[]"]["minLength"] == fields["include"]["items"]["minLength"]


def test_the_status_is_what_is_told_over_http_but_for_why_it_is_paused() -> None:
    told = CustomStatus.model_json_schema()["properties"].keys() - (Status.model_fields.keys() - {"state"})

    assert NODES[".status"]["properties"].keys() == told
    assert NODES[".status.conditions[]"]["properties"].keys() == Condition.model_json_schema()["properties"].keys()


def test_a_status_that_is_written_is_taken() -> None:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "Invalid",
        "message": "spec.url: is empty",
        "observedGeneration": 2,
        "lastTransitionTime": "2026-11-23T04:50:41Z",
    }
    status = {"state": "paused", "conditions": [condition], "delivered": 0, "oldestPendingTime": "2026-11-23T04:50:41Z"}

    assert crd_problems({**resource(), "status": status}) == []
    assert crd_problems({**resource(), "status": {"delivered": -1, "lastErrorTime": "yesterday"}})[:2] == [
        ("status.delivered", "Invalid value: -1: status.delivered in body should be greater than or equal to 0"),
        (
            "status.lastErrorTime",
            'Invalid value: "yesterday": status.lastErrorTime in body must be of type date-time: "yesterday"',
        ),
    ]


def test_kubectl_shows_how_a_hook_is_doing_and_no_secret() -> None:
    columns = {column["name"]: column for column in VERSION["additionalPrinterColumns"]}

    assert list(columns) == [
        *("Type", "Subject", "Ready", "State", "Delivered", "Failed", "Parked", "Oldest", "Age", "Last Error")
    ]
    assert [name for name, column in columns.items() if column.get("priority")] == ["Last Error"]
    assert columns["Ready"]["jsonPath"] == '.status.conditions[?(@.type=="Ready")].status'
    assert columns["Oldest"]["type"] == columns["Age"]["type"] == "date"
    for column in columns.values():
        path = column["jsonPath"].partition("[")[0]
        assert path in NODES or path == ".metadata.creationTimestamp"
        assert not path.startswith((".spec.url", ".spec.options"))
