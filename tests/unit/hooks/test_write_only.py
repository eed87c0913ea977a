"""Credentials are write-only: reads mask them, and what comes back as it was read keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import InvalidResourceError
from app.hooks.hook import Hook, parse
from app.hooks.secrets.write_only import refuse_masks, restored, shown, without_copy
from tests.unit.hooks.resources import NAMESPACE, resource

URL = "https://ops:hunter2@example.com/hooks/capability?token=t0ken"
OPTIONS = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "format": "text", "header": "Bearer letmein"}


def a_hook(**spec: Any) -> Hook:
    return parse(resource(**{"url": URL, "options": OPTIONS, **spec}), NAMESPACE)


def as_read(hook: Hook) -> dict[str, Any]:
    read: dict[str, Any] = shown(hook).model_dump(mode="json", by_alias=True)
    return read


def edited(**spec: Any) -> dict[str, Any]:
    """What a client sends back that has read the hook and changed its spec."""
    read = as_read(a_hook())
    return {**read, "spec": {**read["spec"], **spec}}


def problems(given: dict[str, Any], stored: Hook) -> dict[str, str]:
    with pytest.raises(InvalidResourceError) as caught:
        restored(given, stored.spec)
    return {problem.field: problem.why for problem in caught.value.problems}


def test_a_read_shows_masks_in_place_of_secrets_and_all_else() -> None:
    read = as_read(a_hook())
    assert read["spec"]["url"] == "https://ops:***@example.com/hooks/***?token=***"
    assert read["spec"]["options"] == {"secret": "***", "format": "text", "header": "***"}
    plain = as_read(a_hook(url="https://h/", options={}))
    assert plain == a_hook(url="https://h/", options={}).model_dump(mode="json", by_alias=True)


def test_what_is_sent_back_as_it_was_read_keeps_what_is_stored() -> None:
    stored = a_hook()
    assert parse(restored(as_read(stored), stored.spec), NAMESPACE).spec == stored.spec


def test_an_edit_of_something_else_keeps_the_secrets() -> None:
    given = restored(edited(additional="!", keywords={}), a_hook().spec)
    assert parse(given, NAMESPACE).spec == a_hook(additional="!", keywords={}).spec


def test_a_secret_is_replaced_where_it_is_written() -> None:
    given = edited(options={"secret": "another-key", "header": "***"})
    assert restored(given, a_hook().spec)["spec"]["options"] == {"secret": "another-key", "header": "Bearer letmein"}
    given = edited(url="https://example.com/hooks/another")
    assert restored(given, a_hook().spec)["spec"]["url"] == "https://example.com/hooks/another"


def test_an_option_that_is_left_out_is_gone() -> None:
    assert restored(edited(options={}), a_hook().spec)["spec"]["options"] == {}


@pytest.mark.parametrize(
    "url",
    [
        "https://ops:***@example.com/hooks/***",
        "https://other:***@example.com/hooks/***?token=***",
        "https://ops:***@example.com/hooks/***?token=new",
        "https://ops:***@example.com/hooks/capability?token=t0ken",
    ],
)
def test_a_masked_url_that_was_edited_is_refused_with_a_way_on(url: str) -> None:
    found = problems(edited(url=url), a_hook())
    assert list(found) == ["spec.url"]
    assert "is not the URL as it was read: write it anew, with its secrets, or leave it unchanged" in found["spec.url"]


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "http://example.com/", "https://example.com:444/", "https://[", "https://h:x/"]
)
def test_stored_secrets_do_not_go_to_another_endpoint(url: str) -> None:
    found = problems(edited(url=url), a_hook())
    assert list(found) == ["spec.options.secret", "spec.options.header"]
    assert all("another than before: write it anew" in why for why in found.values())


def test_stored_secrets_do_not_go_to_another_channel() -> None:
    assert list(problems(edited(type="elasticsearch"), a_hook())) == [
        "spec.url",
        "spec.options.secret",
        "spec.options.header",
    ]


def test_a_mask_for_an_option_that_is_not_stored_is_refused() -> None:
    found = problems(edited(options={"password": "***"}), a_hook())
    assert "there is no such option yet" in found["spec.options.password"]


def test_a_new_hook_has_no_secret_that_a_mask_could_stand_for() -> None:
    with pytest.raises(InvalidResourceError) as caught:
        refuse_masks(edited(), "write it")
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["spec.url", "spec.options.secret", "spec.options.header"]
    refuse_masks(resource(), "write it")


def test_the_subject_of_an_event_hook_may_hold_stars() -> None:
    refuse_masks(resource(type="event", url="ops.***"), "write it")


@pytest.mark.parametrize("spec", [None, [], "x", {"url": None, "options": None}, {"url": 5, "options": ["***"]}])
def test_what_is_no_spec_is_left_to_the_rules_of_the_resource(spec: object) -> None:
    given = {**resource(), "spec": spec}
    refuse_masks(given, "write it")
    assert restored(given, a_hook().spec) == given


def test_a_masked_url_beside_options_that_are_none_is_left_to_the_rules_too() -> None:
    given = restored(edited(options=None), a_hook().spec)
    assert (given["spec"]["url"], given["spec"]["options"]) == (URL, None)


def test_the_copy_that_kubectl_writes_beside_a_resource_is_not_kept() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": URL, "team": "a"}
    hook = parse({**resource(), "metadata": {"name": "h", "annotations": annotations}}, NAMESPACE)
    assert without_copy(hook).metadata.annotations == {"team": "a"}


@pytest.mark.parametrize(
    "spec",
    [
        {"url": "https://ops:hunter2@example.com:port/"},
        {"url": "ftp://ops:hunter2@example.com/"},
        {"url": "https://example.com/ hunter2"},
        {"type": "event", "url": "https://ops:hunter2@example.com/"},
        {"url": 5, "options": {"password": ["hunter2"]}},
        {"options": {"secret": "whsec_hunter2"}},
        {"options": {"secret": "a b hunter2"}},
        {"options": {"secretRef": "hunter2 "}},
        {"type": "elasticsearch", "url": "https://example.com/", "options": {"password": "hunter2"}},
        {"type": "elasticsearch", "url": "https://example.com/", "options": {"username": "a:hunter2"}},
        {"options": {"format": "hunter2"}},
        {"options": "hunter2"},
        {"password": "hunter2"},
    ],
    ids=str,
)
def test_no_refusal_repeats_a_secret(spec: dict[str, Any]) -> None:
    with pytest.raises(InvalidResourceError) as caught:
        parse(resource(**spec), NAMESPACE)
    assert "hunter2" not in str(caught.value)


def test_nothing_that_is_printed_shows_a_secret() -> None:
    hook = a_hook()
    for secret in ("hunter2", "capability", "t0ken", "whsec", "letmein"):
        assert secret not in repr(hook) + str(hook) + repr(hook.target) + repr(hook.spec)
