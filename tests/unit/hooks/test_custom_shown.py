"""Custom resources as they are shown: by the rules or leniently, with what is wrong, and without secrets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.hooks.kubernetes.shown import read, told
from app.hooks.pauses import Pause
from app.hooks.status import BrokenHook, HookWithStatus, ToldHook, holds
from tests.unit.hooks import custom

PAUSE = Pause(reason="they move", by="operator", since="2026-11-23T04:50:41Z", generation=1)
STATUS = {
    "observedGeneration": 1,
    "state": "active",
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "InForce",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-23T04:50:41Z",
        }
    ],
    "delivered": 4,
    "failed": 3,
    "deadLetters": 2,
    "parked": 1,
    "oldestPendingTime": "2026-11-23T04:50:41Z",
    "lastDeliveryTime": "2026-11-23T04:50:42Z",
    "lastErrorTime": "2026-11-23T04:50:43Z",
    "lastError": "the endpoint answered 503",
}


def shown(resource: dict[str, Any], pause: Pause | None = None) -> ToldHook:
    return told(read(resource), resource, pause)


def as_json(hook: ToldHook) -> dict[str, Any]:
    return hook.model_dump(mode="json", by_alias=True)


def test_a_status_is_told_as_kubectl_shows_it() -> None:
    status = as_json(shown({**custom.given(), "status": STATUS}))["status"]

    assert status == {**STATUS, "reason": None, "by": None, "since": None}


def test_a_pause_is_told_as_it_is_now() -> None:
    status = as_json(shown({**custom.given(), "status": STATUS}, PAUSE))["status"]

    assert (status["state"], status["reason"], status["by"]) == ("paused", "they move", "operator")
    assert as_json(shown({**custom.given(), "status": {"state": "paused", "reason": "x"}}))["status"]["reason"] is None


@pytest.mark.parametrize("status", [None, STATUS, {"delivered": 1}])
def test_what_is_told_is_as_the_api_is_described(status: Any) -> None:
    hook = shown({**custom.given(options={"secret": "letmein"}), "status": status})

    Draft202012Validator(HookWithStatus.model_json_schema()).validate(as_json(hook))


@pytest.mark.parametrize(
    ("spec", "url"),
    [
        ({"subject": "x"}, "http://ops:***@receiver.example/"),
        ({"type": "event", "url": "http://ops:hunter2@h/"}, "http://ops:***@h/"),
        ({"type": "event", "url": "ops.>"}, "ops.>"),
        ({"type": "", "url": "hunter2"}, "***"),
        ({"type": None, "url": None}, ""),
        ({"type": "webhook", "url": ["hunter2"]}, ""),
        ({"type": 5, "options": {"secret": "hunter2", "token": ["hunter2"]}}, "http://ops:***@receiver.example/"),
        ({"subject": "x", "headers": {"Authorization": "hunter2"}}, "http://ops:***@receiver.example/"),
        ({"subject": "x", "options": "hunter2"}, "http://ops:***@receiver.example/"),
    ],
    ids=str,
)
def test_what_breaks_a_rule_is_shown_without_its_secrets(spec: dict[str, Any], url: str) -> None:
    hook = shown(custom.given(**spec))

    assert isinstance(hook, BrokenHook)
    assert hook.spec.url == url
    assert "hunter2" not in repr(as_json(hook)) + repr(hook)
    assert "hunter2" not in repr(read(custom.given(**spec)))


def test_a_spec_that_is_nowhere_is_shown_empty() -> None:
    resource = custom.given()
    del resource["spec"]

    assert as_json(shown(resource))["spec"] == {
        "type": "",
        "subject": "",
        "url": "",
        "keywords": {},
        "additional": "",
        "options": {},
    }


@pytest.mark.parametrize("subject", ["ops.a", "..."])
def test_kubectls_copy_of_the_resource_is_never_shown(subject: str) -> None:
    resource = custom.given(subject=subject)
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "hunter2", "note": "x"}
    resource["metadata"] |= {"annotations": applied, "labels": None}

    assert as_json(shown(resource))["metadata"]["annotations"] == {"note": "x"}


@pytest.mark.parametrize("search", ["ONE", "webhook", "ops.A", "receiver"])
@pytest.mark.parametrize("keywords", [{}, {"matchMode": "SOME"}])
def test_a_hook_is_found_by_what_is_shown_of_it(search: str, keywords: dict[str, Any]) -> None:
    hook = shown(custom.given(keywords=keywords))

    assert holds(hook, search)
    assert not holds(hook, "hunter2")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
FIELDS = st.sampled_from(["type", "subject", "url", "keywords", "additional", "options", "other"])


@given(ANY_JSON | st.dictionaries(FIELDS, ANY_JSON), ANY_JSON | st.dictionaries(st.sampled_from([*STATUS]), ANY_JSON))
def test_whatever_is_kept_is_shown(spec: Any, status: Any) -> None:
    hook = shown({**custom.given(), "spec": spec, "status": status})

    assert as_json(hook)["metadata"]["name"] == "one"
