"""Hooks as they lie in the bucket: sealed, and opened only by who has the key, in the place where they were put."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet

from app.errors import UnavailableError
from app.hooks.hook import Hook, parse
from app.hooks.secrets.sealing import Sealing
from tests.unit.hooks.resources import NAMESPACE, resource

KEY, OTHER = Fernet.generate_key().decode(), Fernet.generate_key().decode()
URL = "https://ops:hunter2@example.com/hooks/capability?token=t0ken"
SECRETS = ("hunter2", "capability", "t0ken", "letmein")


def a_hook(name: str = "h", **spec: Any) -> Hook:
    options = {"password": "letmein", "format": "text"}
    spec = {"url": URL, "options": options, **spec}
    return parse({**resource(**spec), "metadata": {"name": name, "resourceVersion": "7"}}, NAMESPACE)


def plain(hook: Hook) -> bytes:
    """As it was written before there were keys."""
    return hook.model_dump_json(by_alias=True, exclude={"metadata": {"resource_version"}}).encode()


def changed(value: bytes, **changes: Any) -> bytes:
    document = json.loads(value)
    return json.dumps({**document, "spec": {**document["spec"], **changes}}).encode()


def unversioned(hook: Hook) -> Hook:
    return hook.model_copy(update={"metadata": hook.metadata.model_copy(update={"resource_version": ""})})


def test_what_lies_in_the_bucket_shows_no_secret_and_opens_with_the_key() -> None:
    sealing = Sealing([KEY])
    value = sealing.seal(a_hook())
    assert not any(secret.encode() in value for secret in SECRETS)
    assert json.loads(value)["spec"]["url"] == "https://ops:***@example.com/hooks/***?token=***"
    opened = sealing.open(a_hook().key, value)
    assert (opened.hook, opened.locked, opened.current) == (unversioned(a_hook()), "", True)


def test_a_hook_without_secrets_lies_there_as_it_is() -> None:
    hook = a_hook(url="https://example.com/hook", options={})
    assert json.loads(Sealing().seal(hook)) == json.loads(plain(hook))
    opened = Sealing().open(hook.key, plain(hook))
    assert (opened.hook, opened.locked, opened.current) == (unversioned(hook), "", True)


def test_without_a_key_no_secret_is_taken() -> None:
    with pytest.raises(UnavailableError, match="no key yet"):
        Sealing().seal(a_hook())


def test_a_hook_that_was_written_in_plain_sight_is_read_and_is_to_be_sealed() -> None:
    opened = Sealing([KEY]).open(a_hook().key, plain(a_hook()))
    assert (opened.hook, opened.locked, opened.current) == (unversioned(a_hook()), "", False)


def test_every_key_opens_and_what_an_old_one_sealed_is_to_be_sealed_anew() -> None:
    value = Sealing([OTHER]).seal(a_hook())
    opened = Sealing([KEY, OTHER]).open(a_hook().key, value)
    assert (opened.hook, opened.current) == (unversioned(a_hook()), False)
    assert Sealing([KEY, OTHER]).open(a_hook().key, Sealing([KEY]).seal(a_hook())).current


def test_with_another_key_the_hook_is_there_and_locked() -> None:
    value = Sealing([OTHER]).seal(a_hook())
    for sealing in (Sealing([KEY]), Sealing()):
        opened = sealing.open(a_hook().key, value)
        assert "SECRETS_KEY" in opened.locked
        assert opened.hook.spec.url == "https://ops:***@example.com/hooks/***?token=***"
        assert opened.hook.spec.options == {"password": "***", "format": "text"}
        assert opened.hook.spec.keywords == a_hook().spec.keywords


def test_a_locked_hook_can_be_read_though_its_masks_break_the_rules_of_its_type() -> None:
    hook = a_hook(type="elasticsearch", url="https://example.com/abcdefghijklmnopqrstuvwx/_doc", options={})
    opened = Sealing().open(hook.key, Sealing([KEY]).seal(hook))
    assert opened.locked
    assert opened.hook.spec.type == "elasticsearch"


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "https://ops:***@evil.example/hooks/***?token=***"},
        {"url": "https://evil.example/"},
        {"type": "xiezuo"},
        {"options": {"password": "***"}},
        {"options": {"password": "***", "format": "text", "more": "x"}},
    ],
)
def test_what_is_sealed_goes_nowhere_else_by_a_change_of_what_is_not(changes: dict[str, Any]) -> None:
    sealing = Sealing([KEY])
    opened = sealing.open(a_hook().key, changed(sealing.seal(a_hook()), **changes))
    assert "sealed for another" in opened.locked
    assert not any(secret in opened.hook.model_dump_json() for secret in SECRETS)


def test_what_is_sealed_for_one_hook_does_not_open_for_another() -> None:
    sealing = Sealing([KEY])
    ours, theirs = json.loads(sealing.seal(a_hook("mine"))), json.loads(sealing.seal(a_hook("theirs")))
    opened = sealing.open(a_hook("mine").key, json.dumps({**ours, "sealed": theirs["sealed"]}).encode())
    assert "sealed for another" in opened.locked


def test_masks_without_what_was_sealed_are_locked() -> None:
    document = json.loads(Sealing([KEY]).seal(a_hook()))
    del document["sealed"]
    assert "missing" in Sealing([KEY]).open(a_hook().key, json.dumps(document).encode()).locked


@pytest.mark.parametrize(
    "token",
    ["", "nonsense", 5, [], Fernet(OTHER).encrypt(b"{}").decode()],
    ids=["empty", "no token", "a number", "a list", "of another key"],
)
def test_a_token_that_is_none_locks_the_hook(token: object) -> None:
    document = json.loads(Sealing([KEY]).seal(a_hook()))
    assert Sealing([KEY]).open(a_hook().key, json.dumps({**document, "sealed": token}).encode()).locked


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"sealed": "x"}',
        b'{"sealed": "x", "spec": []}',
        b'{"sealed": "x", "spec": {"url": "hunter2", "type": "webhook", "options": {}}}',
        b'{"metadata": {"name": "h"}, "spec": {"url": "hunter2"}}',
    ],
)
def test_what_is_no_hook_is_refused_without_its_content(value: bytes) -> None:
    with pytest.raises(ValueError, match="it is no hook") as caught:
        Sealing([KEY]).open("ops-system.h", value)
    assert "hunter2" not in str(caught.value)


def test_a_hook_under_the_key_of_another_is_refused() -> None:
    sealing = Sealing([KEY])
    with pytest.raises(ValueError, match=r"it is the hook ops-system\.h"):
        sealing.open("ops-system.other", sealing.seal(a_hook()))
