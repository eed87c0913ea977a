"""Texts of others are shown without the secrets of the target, as it is and as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.delivery.delivery import Target
from app.delivery.secrets import masks
from app.delivery.secrets.masks import Masks


@dataclass
class Hooks:
    """Targets that change, as the registry tells of them."""

    targets: dict[str, Target] = field(default_factory=dict)
    tell: Callable[[frozenset[str]], None] = lambda _: None

    def subscribe(self, tell: Callable[[frozenset[str]], None]) -> None:
        self.tell = tell

    def target(self, target: str) -> Target | None:
        return self.targets.get(target)

    def change(self, key: str, password: str | None) -> None:
        self.targets.pop(key, None)
        if password is not None:
            self.targets[key] = Target(key, "webhook", "http://h/", "", {"password": password})
        self.tell(frozenset({key}))


def test_the_secrets_of_a_target_are_masked_in_its_texts_and_in_no_others() -> None:
    hooks = Hooks()
    masked = Masks(hooks)
    hooks.change("one", "hunter2")
    assert masked("one", "not hunter2") == "not ***"
    assert masked("two", "not hunter2") == "not hunter2"


def test_a_secret_of_before_is_masked_too_also_where_the_target_is_gone() -> None:
    hooks = Hooks()
    masked = Masks(hooks)
    for password in ("first-one", "second-one", None):
        hooks.change("one", password)
    assert masked("one", "first-one second-one") == "*** ***"


def test_what_is_remembered_has_a_bound() -> None:
    hooks = Hooks()
    masked = Masks(hooks)
    for number in range(masks._REMEMBERED + 1):
        hooks.change("one", f"password-{number:04}")
    assert masked("one", f"password-0000 password-{masks._REMEMBERED:04}") == "password-0000 ***"
    hooks.change("back", "hunter2")
    hooks.change("back", None)
    hooks.change("back", "hunter2")
    for number in range(masks._GONE + 1):
        hooks.change(f"gone-{number}", "hunter2")
        hooks.change(f"gone-{number}", None)
    assert masked("gone-0", "hunter2") == "hunter2"
    assert masked("gone-1", "hunter2") == "***"
    assert masked("back", "hunter2") == "***", "who came back is not forgotten"
