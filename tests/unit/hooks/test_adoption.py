"""Hooks that become custom resources: what is written, and what is done where the API does not take them."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import ConflictError, FieldProblem, InvalidResourceError, OpsError, UnavailableError
from app.hooks.hook import MIRRORED, ORDERED_SINCE, Hook, parse
from app.hooks.kubernetes.adoption import Adoption, resource_of
from tests.app import hook


def a_hook(**spec: Any) -> Hook:
    given = hook("one", "http://ops:hunter2@127.0.0.1:1/x", "ops.a", **spec)
    annotations = {"note": "x", MIRRORED: "1", ORDERED_SINCE: "2026-11-23T04:50:41+00:00"}
    return parse({**given, "metadata": {"name": "one", "annotations": annotations, "uid": "A"}}, "ns")


class Api:
    """Takes what it is given, or does not."""

    def __init__(self, refusal: OpsError | None = None) -> None:
        self.refusal = refusal
        self.made: list[Any] = []

    async def create(self, namespace: str, resource: Any) -> Any:
        self.made.append((namespace, resource))
        if self.refusal is not None:
            raise self.refusal
        return resource


def adoption(api: Api) -> Adoption:
    return Adoption(api)  # type: ignore[arg-type]  # no other method is called


def test_a_resource_is_as_somebody_would_write_it() -> None:
    assert resource_of(a_hook(keywords={"include": ["x"]})) == {
        "apiVersion": "crd.chenshaowen.com/v1",
        "kind": "EventHooks",
        "metadata": {"name": "one", "namespace": "ns", "annotations": {"note": "x"}},
        "spec": {
            "type": "webhook",
            "subject": "ops.a",
            "url": "http://ops:hunter2@127.0.0.1:1/x",
            "keywords": {"include": ["x"]},
        },
    }


async def test_what_the_api_refuses_is_told_once_and_not_tried_again_until_it_is_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    adopting = adoption(Api(InvalidResourceError([FieldProblem("metadata.namespace", "there is no namespace ns")])))
    assert await adopting.adopt(a_hook()) is None
    assert await adopting.adopt(a_hook()) is None
    assert adopting.is_refused(a_hook())
    assert not adopting.is_refused(a_hook(additional="!"))
    assert len(caplog.records) == 1
    assert "there is no namespace ns" in caplog.text
    assert "hunter2" not in caplog.text


async def test_an_api_that_is_away_may_take_it_later(caplog: pytest.LogCaptureFixture) -> None:
    adopting = adoption(Api(UnavailableError("the Kubernetes API does not answer")))
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await adopting.adopt(a_hook())
    assert not adopting.is_refused(a_hook())
    assert len(caplog.records) == 1


async def test_one_that_somebody_else_has_made_is_left_to_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    adopting = adoption(Api(ConflictError("it exists")))
    assert await adopting.adopt(a_hook()) is None
    assert not adopting.is_refused(a_hook())
    assert caplog.records == []
