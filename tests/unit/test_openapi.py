from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from unittest.mock import create_autospec

import pytest

from app.hooks.hook import parse
from app.hooks.status import HookWithStatus
from app.ingress.attempts import AttemptEndpoints
from app.ingress.cloudevents import CloudEvents
from app.ingress.health import Health
from app.ingress.hooks import HookEndpoints
from app.ingress.letters import LetterEndpoints
from app.ingress.pauses import PauseEndpoints
from app.ingress.publish import PostedEvents
from app.ingress.questions import QuestionEndpoints
from app.ingress.replays import ReplayEndpoints
from app.ingress.statistics import StatisticsEndpoints
from app.ingress.table import openapi, schemas
from app.ingress.table.cloudevents_operations import cloudevents_operations
from app.ingress.table.delivery_operations import attempt_operations, letter_operations, statistics_operations
from app.ingress.table.operations import Operation, event_operations, health_operations, hook_operations
from app.ingress.table.operator_operations import pause_operations, question_operations, replay_operations
from app.ingress.table.tail_operations import tail_operations
from app.ingress.tail import TailEndpoint

OPERATIONS = (
    *tail_operations(create_autospec(TailEndpoint, instance=True)),
    *event_operations(create_autospec(PostedEvents, instance=True)),
    *cloudevents_operations(create_autospec(CloudEvents, instance=True)),
    *hook_operations(create_autospec(HookEndpoints, instance=True)),
    *attempt_operations(create_autospec(AttemptEndpoints, instance=True)),
    *letter_operations(create_autospec(LetterEndpoints, instance=True)),
    *statistics_operations(create_autospec(StatisticsEndpoints, instance=True)),
    *pause_operations(create_autospec(PauseEndpoints, instance=True)),
    *replay_operations(create_autospec(ReplayEndpoints, instance=True)),
    *question_operations(create_autospec(QuestionEndpoints, instance=True)),
    *health_operations(create_autospec(Health, instance=True)),
)
DOCUMENT = openapi.document(OPERATIONS, {"Hook": HookWithStatus.model_json_schema()}, "1.2.3")
SCHEMAS = DOCUMENT["components"]["schemas"]

CONVERTOR = re.compile(r":\w+}")

each_operation = pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)


def described(row: Operation) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][CONVERTOR.sub("}", row.path)][row.method.lower()]
    return operation


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def resolve(reference: str) -> Any:
    found = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def content(answer: dict[str, Any]) -> dict[str, Any]:
    whole = resolve(answer["$ref"]) if "$ref" in answer else answer
    found: dict[str, Any] = whole["content"]
    return found


def test_it_says_which_specification_it_follows_and_which_version_it_describes() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_it_has_the_operations_of_the_table_and_no_others() -> None:
    found = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert sorted(found) == sorted(row.name for row in OPERATIONS)


@each_operation
def test_an_operation_tells_every_status_that_it_can_answer(row: Operation) -> None:
    everywhere = {"414", "431", "500"} | ({"401", "403", "429", "503"} if row.path.startswith("/api") else set())
    assert (
        set(described(row)["responses"]) == {str(status.value) for status in (row.success, *row.problems)} | everywhere
    )


@each_operation
def test_an_operation_has_a_summary_and_a_tag_that_the_document_explains(row: Operation) -> None:
    assert described(row)["summary"] == row.summary
    assert set(described(row)["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}


@each_operation
def test_the_token_is_asked_for_under_api_only(row: Operation) -> None:
    assert ("security" in described(row)) is row.path.startswith("/api/")


def test_what_asks_for_the_token_names_a_scheme_that_exists() -> None:
    asked = {name for node in nodes(DOCUMENT["paths"]) for need in node.get("security", ()) for name in need}
    assert asked == set(DOCUMENT["components"]["securitySchemes"])


@each_operation
def test_each_name_in_braces_in_a_path_is_a_described_parameter_with_an_example(row: Operation) -> None:
    path = CONVERTOR.sub("}", row.path)
    parameters = [part for part in described(row)["parameters"] if part["in"] == "path"]
    assert [f"{{{part['name']}}}" for part in parameters] == [part for part in path.split("/") if part[:1] == "{"]
    assert all(part["required"] and part["description"] and part["example"] for part in parameters)


@each_operation
def test_query_and_headers_are_parameters(row: Operation) -> None:
    found = {(part["in"], part["name"]) for part in described(row)["parameters"] if part["in"] != "path"}
    assert found == {("query", query.name) for query in row.query} | {("header", name) for name in row.headers or ()}


@each_operation
def test_an_operation_with_a_body_shows_examples_of_it(row: Operation) -> None:
    names = openapi.media_of(row)
    assert ("requestBody" in described(row)) is bool(names)
    for media, name in names.items():
        body = described(row)["requestBody"]["content"][media]
        assert body["schema"] == {"$ref": f"#/components/schemas/{name}"}
        assert body["examples"]


@each_operation
def test_a_success_in_json_comes_in_the_envelope(row: Operation) -> None:
    media = content(described(row)["responses"][str(row.success.value)])
    if "application/json" in media:
        schema, example = media["application/json"]["schema"], media["application/json"]["example"]
        assert (example["code"], example["message"]) == (0, "success")
        assert set(schema["required"]) == set(example)
        assert schema["properties"]["data"] == {"$ref": f"#/components/schemas/{row.answer}"}
    else:
        assert (row.name, *media) in {("metrics", "text/plain"), ("tailEvents", "text/event-stream")}


@each_operation
def test_a_problem_comes_in_the_envelope_of_errors(row: Operation) -> None:
    answers = {status: answer for status, answer in described(row)["responses"].items() if int(status) >= 400}
    for answer in answers.values():
        media = content(answer)["application/json"]
        assert media["example"]["code"] == -1
        assert media["example"]["message"]


def test_each_reference_leads_somewhere() -> None:
    references = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    assert references
    for reference in references:
        resolve(reference)


def test_the_parts_of_a_pydantic_schema_stand_among_the_components() -> None:
    assert not [node for node in nodes(DOCUMENT) if "$defs" in node]
    assert {"HookMetadata", "HookSpec", "HookKeywords"} <= set(SCHEMAS)
    assert SCHEMAS["Hook"]["properties"]["spec"]["$ref"] == "#/components/schemas/HookSpec"


@pytest.mark.parametrize(
    "name",
    [name for name, schema in schemas.SCHEMAS.items() if name != "Custom" and "properties" in schema],
)
def test_each_field_of_an_answer_has_a_description_and_an_example(name: str) -> None:
    for field in SCHEMAS[name]["properties"].values():
        assert field["description"]
        assert field["examples"]


def test_the_example_of_a_hook_is_a_hook() -> None:
    [example] = DOCUMENT["paths"]["/api/v1/namespaces/{namespace}/eventhooks"]["post"]["requestBody"]["content"][
        "application/json"
    ]["examples"].values()
    assert parse(example["value"], "ops-system").spec.type == "webhook"


def test_the_example_of_a_stored_hook_is_what_the_model_writes() -> None:
    answer = DOCUMENT["paths"]["/api/v1/namespaces/{namespace}/eventhooks/{name}"]["get"]["responses"]["200"]
    example = content(answer)["application/json"]["example"]["data"]
    assert HookWithStatus.model_validate(example).model_dump(mode="json", by_alias=True) == example


def test_a_row_that_names_an_unknown_schema_is_refused() -> None:
    row = replace(OPERATIONS[-1], answer="Novel")
    with pytest.raises(KeyError, match="Novel"):
        openapi.document([row], {}, "1.2.3")


def test_a_row_that_answers_a_status_without_an_explanation_is_refused() -> None:
    row = replace(OPERATIONS[-1], problems=(HTTPStatus.IM_A_TEAPOT,))
    with pytest.raises(KeyError):
        openapi.document([row], {}, "1.2.3")


def test_two_documents_of_one_table_are_equal() -> None:
    assert openapi.document(OPERATIONS, {"Hook": HookWithStatus.model_json_schema()}, "1.2.3") == DOCUMENT
