"""What the API finds wrong with an object, told by field and without its values."""

from __future__ import annotations

from typing import Any

import pytest

from app.sources.kubernetes.causes import problems_in


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("Invalid value: \"s3cret\": spec.url in body should match '^x$'", "should match '^x$'"),
        (r'Invalid value: "a \"s3cret: \" b": must not be', "must not be"),
        (r'Invalid value: "s3cret\\": must not be', "must not be"),
        ('Invalid value: {"password":"s3cret: \\"x\\": y"}: must be empty', "must be empty"),
        ('Invalid value: map[string]interface {}{"password":"s3cret: x"}: must be empty', "is invalid"),
        ('Invalid value: []string{"s3cret"}: must be empty', "is invalid"),
        ("Invalid value: 5: must be less", "must be less"),
        ("Invalid value: 0x0: must be specified for an update", "must be specified for an update"),
        ('Invalid value: "s3cret"', "is invalid"),
        ('Duplicate value: "s3cret"', "duplicate value"),
        ('Not found: "s3cret"', "not found"),
        ("Required value", "Required value"),
        ("Too long: may not be more than 4096 bytes", "Too long: may not be more than 4096 bytes"),
        ("Too many: 101: must have at most 100 items", "Too many: 101: must have at most 100 items"),
        ("", "is not taken by the Kubernetes API"),
    ],
)
def test_the_value_that_a_server_quotes_is_left_out(message: str, why: str) -> None:
    (problem,) = problems_in({"details": {"causes": [{"message": message, "field": "spec.url"}]}})

    assert (problem.field, problem.why) == ("spec.url", why)


@pytest.mark.parametrize("details", [None, {}, {"causes": None}, {"causes": []}, 5])
def test_a_refusal_without_causes_is_told_by_its_message_without_what_it_quotes(details: Any) -> None:
    (problem,) = problems_in({"message": 'json: cannot unmarshal "s3cret" into metadata', "details": details})

    assert (problem.field, problem.why) == ("body", 'json: cannot unmarshal "…" into metadata')
