"""What the registry is to hold for a custom resource, and what has to be done where it holds something else. Pure.

`mirroring.py` does it. A copy of a custom resource carries the version that it was made of as a mark; a hook without
a mark was made over HTTP, by a process that has no Kubernetes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.hooks.annotations import noted
from app.hooks.hook import MIRRORED, Hook, Metadata, Spec
from app.hooks.kubernetes.originals import Original, number_of
from app.hooks.secrets.write_only import shown


@dataclass(frozen=True, slots=True)
class Copy:
    """A hook as the registry holds it."""

    hook: Hook
    locked: str = ""  # why its secrets cannot be read; `***` stands for them then

    @property
    def mark(self) -> str:
        """The version of the custom resource that it was made of; empty where it is the copy of none."""
        return self.hook.metadata.annotations.get(MIRRORED, "")

    def is_of(self, original: Original) -> bool:
        """Whether it was made of this custom resource, and not of an earlier one of the same name."""
        return bool(self.mark) and self.hook.metadata.uid == original.uid

    def is_newer_than(self, version: str) -> bool:
        return number_of(self.mark) > number_of(version)


@dataclass(frozen=True, slots=True)
class Keep:
    """Put this hook into the registry."""

    hook: Hook


class Deed(Enum):
    """What else there is to do."""

    NOTHING = "nothing"
    DROP = "drop"  # the hook in the registry is a copy of nothing
    ADOPT = "adopt"  # it is nobody's copy: make a custom resource of it
    ASK = "ask"  # the registry knows more than has been told here: the API has to say what is so


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How far what is known of a custom resource can be relied on."""

    complete: bool = True  # every custom resource was listed once
    absent: bool = False  # where none is known there is none
    kept: bool = False  # the registry had the copy of this one already
    sure: bool = False  # the API has said so just now
    may_mend: bool = True  # a copy whose secrets cannot be read here may be written anew


def decide(original: Original | None, copy: Copy | None, knows: Knowledge) -> Keep | Deed:
    """What to do about a hook, given the custom resource, if one is known, and what the registry holds."""
    if original is None:
        return Deed.NOTHING if copy is None else _of_no_original(copy, knows)
    if original.hook is None:
        return _of_an_invalid_one(original, copy, knows)
    if copy is None:
        gone_again = knows.kept and not knows.sure  # with the custom resource, or was it somebody's mistake?
        return Deed.ASK if gone_again else Keep(copy_of(original, original.hook, None))
    wanted = copy_of(original, original.hook, copy)
    if _is_like(copy, wanted, may_mend=knows.may_mend):
        return Deed.NOTHING
    return Deed.ASK if copy.is_newer_than(original.version) and not knows.sure else Keep(wanted)


def _of_no_original(copy: Copy, knows: Knowledge) -> Deed:
    if knows.absent or knows.sure:
        return Deed.DROP if copy.mark else Deed.ADOPT
    return Deed.ASK if knows.complete else Deed.NOTHING


def _of_an_invalid_one(original: Original, copy: Copy | None, knows: Knowledge) -> Deed:
    """Its last valid form stays in force, and what was made over HTTP too; not what an earlier one has left behind."""
    if copy is None or not copy.mark or copy.is_of(original):
        return Deed.NOTHING
    return Deed.ASK if copy.is_newer_than(original.version) and not knows.sure else Deed.DROP


def copy_of(original: Original, hook: Hook, current: Copy | None) -> Hook:
    """A valid custom resource as the registry is to hold it, in place of what it holds now."""
    heir = current is None or not current.mark or current.is_of(original)
    annotations = noted(hook, current.hook if current and heir else None)
    marked = {"annotations": {**annotations, MIRRORED: original.version}, "resource_version": ""}
    return hook.model_copy(update={"metadata": hook.metadata.model_copy(update=marked)})


def _is_like(copy: Copy, wanted: Hook, *, may_mend: bool) -> bool:
    """Whether it is the same but for the version in the mark: that may be new for the sake of the status alone."""
    if not copy.mark:
        return False
    if not copy.locked:
        return _content(copy.hook) == _content(wanted)
    return not may_mend and _content(copy.hook) == _content(shown(wanted))


def _content(hook: Hook) -> tuple[Metadata, Spec]:
    annotations = {name: text for name, text in hook.metadata.annotations.items() if name != MIRRORED}
    unmarked = hook.metadata.model_copy(update={"annotations": annotations, "resource_version": ""})
    return unmarked, hook.spec
