"""Names as tokens, templates, and the way back."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.events import subject
from app.events.subject import InvalidSubjectError
from tests.unit.events.examples import any_text

NODE = "ops.clusters.{cluster}.nodes.{node}.{observation}"
SPACES = sorted({char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace()})


@given(any_text)
@example("")
@example("%")
@example("%25")
@example("%2E_.")
@example("\ud800\udc00")
@example("%ED%A0%80\ud800")
def test_decoding_is_the_exact_inverse_of_encoding(name: str) -> None:
    assert subject.decode(subject.encode(name)) == name


@given(any_text)
@example("")
@example("*")
@example(">")
def test_every_encoded_name_is_one_legal_token(name: str) -> None:
    token = subject.encode(name)

    assert "." not in token
    assert subject.validate(token) == token


def test_a_name_with_the_replacement_character_is_a_legal_token_too() -> None:
    token = subject.encode("web\ufffd0")

    assert subject.validate(token) == token
    assert subject.decode(token) == "web\ufffd0"


@given(any_text, any_text)
@example(".", "_")
@example("", "%")
@example("%2E", ".")
@example("_", "%5F")
def test_distinct_names_never_share_a_token(one: str, other: str) -> None:
    assert (subject.encode(one) == subject.encode(other)) == (one == other)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: f"U+{ord(space):04X}")
def test_white_space_of_every_kind_is_percent_encoded(space: str) -> None:
    token = subject.encode(f"a{space}b")

    assert token == "a" + "".join(f"%{byte:02X}" for byte in space.encode()) + "b"
    assert subject.decode(token) == f"a{space}b"


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_control_characters_are_percent_encoded(code: int) -> None:
    assert unicodedata.category(chr(code)) == "Cc"
    assert subject.encode(f"a{chr(code)}b").startswith("a%")


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("ip-10-0-0-1.ec2.internal", "ip-10-0-0-1_ec2_internal"),
        ("web.v1.0", "web_v1_0"),
        ("a_b", "a%5Fb"),
        ("100%", "100%25"),
        ("a b", "a%20b"),
        ("a*", "a%2A"),
        (">", "%3E"),
        ("a\r\nb", "a%0D%0Ab"),
        ("web-0", "web-0"),
        ("日本", "日本"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_names_are_written_as_the_contract_says(name: str, token: str) -> None:
    assert subject.encode(name) == token
    assert subject.decode(token) == name


@pytest.mark.parametrize("token", ["100%", "%zz", "%F", "50%%", "%FF", "%C3", "a%E3%81"])
def test_a_stray_percent_that_others_wrote_is_taken_as_it_stands(token: str) -> None:
    assert subject.decode(token) == token


def test_an_escape_in_lower_case_is_read_too() -> None:
    assert subject.decode("a%2a%c3%a9") == "a*é"


def test_a_template_is_filled_with_encoded_names() -> None:
    names = {"cluster": "prod.eu", "node": "ip-10-0-0-1.ec2.internal", "observation": "events"}

    assert subject.fill(NODE, names) == "ops.clusters.prod_eu.nodes.ip-10-0-0-1_ec2_internal.events"


def test_a_name_cannot_add_tokens_wildcards_or_lines_to_a_template() -> None:
    filled = subject.fill(NODE, {"cluster": "c", "node": "a.b.>\r\nPUB x 1", "observation": "*"})

    assert filled == "ops.clusters.c.nodes.a_b_%3E%0D%0APUB%20x%201.%2A"


def test_the_tokens_of_an_event_are_put_into_a_template_as_they_are() -> None:
    assert subject.fill("ops.{a}.{event}", {"a": "x.y", "event": "b_c.%2A.d"}) == "ops.x_y.b_c.%2A.d"


def test_an_event_of_no_tokens_fills_no_template() -> None:
    with pytest.raises(InvalidSubjectError, match="empty token"):
        subject.fill("ops.{event}", {"event": ""})


@given(st.lists(any_text, min_size=1, max_size=3))
def test_joined_names_are_tokens_one_for_each(names: list[str]) -> None:
    assert [subject.decode(token) for token in subject.join(*names).split(".")] == names


def test_the_filter_of_a_template_with_an_event_sees_however_many_tokens_it_has() -> None:
    pattern = subject.as_filter("ops.{a}.{event}")

    assert pattern == "ops.*.>"
    assert subject.matches(pattern, subject.fill("ops.{a}.{event}", {"a": "x", "event": "b.c.d"}))


def test_braces_in_a_name_are_no_fields() -> None:
    assert subject.fill("ops.{a}", {"a": "{b}"}) == "ops.{b}"


def test_names_that_a_template_does_not_ask_for_are_ignored() -> None:
    assert subject.fill("ops.{a}", {"a": "x", "b": "y"}) == "ops.x"


def test_filling_names_every_name_that_is_missing() -> None:
    with pytest.raises(InvalidSubjectError, match="node, observation"):
        subject.fill(NODE, {"cluster": "c"})


def test_filling_refuses_a_subject_that_becomes_too_long() -> None:
    with pytest.raises(InvalidSubjectError, match="bytes long"):
        subject.fill("ops.{a}", {"a": "*" * 400})


def test_the_fields_of_a_template_come_in_order() -> None:
    assert subject.fields(NODE) == ("cluster", "node", "observation")
    assert subject.fields("ops.clusters") == ()


def test_the_filter_of_a_template_has_a_wildcard_for_each_field() -> None:
    assert subject.as_filter(NODE) == "ops.clusters.*.nodes.*.*"


@given(any_text, any_text)
def test_the_filter_of_a_template_sees_whatever_the_template_is_filled_with(cluster: str, node: str) -> None:
    filled = NODE.format(cluster=subject.encode(cluster), node=subject.encode(node), observation="events")

    assert subject.matches(subject.as_filter(NODE), filled)


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("Pod", "pods"),
        ("Deployment", "deployments"),
        ("Ingress", "ingresss"),
        ("Endpoints", "endpointss"),
        ("PersistentVolumeClaim", "persistentvolumeclaims"),
        ("", "%"),
        ("My.Kind", "my_kinds"),
    ],
)
def test_a_resource_type_is_the_kind_in_lower_case_and_a_literal_s(kind: str, token: str) -> None:
    assert subject.resource_type(kind) == token


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "ops.clusters.c.namespaces.n.pods.web_v1_0.events",
            [("cluster", "c"), ("namespace", "n"), ("pod", "web.v1.0")],
        ),
        ("ops.clusters.c.nodes.ip-1_ec2_internal.events", [("cluster", "c"), ("node", "ip-1.ec2.internal")]),
        (
            "ops.clusters.c.namespaces.n.ingresss.a%5Fb.status",
            [("cluster", "c"), ("namespace", "n"), ("ingress", "a_b")],
        ),
        ("ops.clusters.c.endpointss.e.events", [("cluster", "c"), ("endpoints", "e")]),
        ("ops.test", []),
        ("ops", []),
        ("", []),
        ("other.clusters.c.events", []),
    ],
)
def test_the_names_in_a_subject_come_with_their_keys_in_singular(text: str, names: list[tuple[str, str]]) -> None:
    assert list(subject.named(text)) == names
