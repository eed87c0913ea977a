"""YAML that people write, read strictly: without what YAML allows and nobody means. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

_HINTS: Final = {
    r"'\t'": "indent with spaces, not with tabs",
    "mapping values are not allowed": "put quotes around a text with a colon, or mend how it is indented",
    "expected <block end>": "what belongs together has to be indented the same",
    "unexpected end of stream": "a quotation mark or a bracket is not closed",
    "another document": "take the line --- away",
}


class NotYamlError(ValueError):
    """Text that is no YAML, or has an alias or a key twice. The message never shows what stands there."""

    def __init__(self, why: str, place: str = "") -> None:
        super().__init__(f"is not YAML at {place}: {why}" if place else why)
        self.why = f"is not YAML: {why}" if place else why
        self.place = place  # such as `line 2, column 5`; empty where that is not known


@dataclass(frozen=True, slots=True)
class Document:
    """A text that was read."""

    value: Any
    _root: yaml.Node | None

    def line(self, path: Sequence[str | int]) -> int:
        """Where a part stands, or what is there of the way to it; lines count from 1."""
        *_, last = _way(self._root, path)
        return last.start_mark.line + 1 if last is not None else 1


def _way(node: yaml.Node | None, path: Sequence[str | int]) -> Iterator[yaml.Node | None]:
    """The nodes on the way, of a mapping the keys, as far as they are there."""
    yield node
    for part in path:
        key, node = _step(node, part)
        if key is None:
            return
        yield key


def _step(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    match node:
        case yaml.MappingNode(value=pairs):
            return next(((key, value) for key, value in pairs if key.value == str(part)), (None, None))
        case yaml.SequenceNode(value=items) if isinstance(part, int) and part < len(items):
            return items[part], items[part]
        case _:
            return None, None


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands there twice, of which the last would count, and aliases, which can be bombs."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            why = "an alias, which is not taken here: write out what it stands for"
            raise yaml.MarkedYAMLError(problem=why, problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in keys:
                raise yaml.MarkedYAMLError(problem="a key twice: keep one of the two", problem_mark=key.start_mark)
            keys.add(str(key.value))
        return super().construct_mapping(node, deep)


class _AsWritten(_Loader):
    """Takes for numbers only what is written as numbers are shown, and for true and false only these words.

    YAML 1.1 makes false of `no`, 1.1 of `1.10`, 630 of `10:30` and a date of `2026-11-23`.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 -- PyYAML's


for _tag, _form, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"-?(?:0|[1-9][0-9]{0,17})", list("-0123456789")),
    ("float", r"(?=.{1,16}$)-?(?:0|[1-9][0-9]*)\.(?:[0-9]*[1-9]|0)", list("-0123456789")),
):
    _AsWritten.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), _first)


def read_as_written(text: bytes) -> Document:
    """The same as `read`, but what looks like a text is one, as `_AsWritten` says."""
    return read(text, _AsWritten)


def read(text: bytes, kind: type[_Loader] = _Loader) -> Document:
    """Read a text.

    Raises:
        NotYamlError: it is not UTF-8, or no YAML; says where.
    """
    try:
        loader = kind(text.decode())
        root = loader.get_single_node()
        return Document(loader.construct_document(root) if root else None, root)
    except UnicodeDecodeError:
        raise NotYamlError("is not UTF-8: write it as text") from None
    except yaml.MarkedYAMLError as error:
        raise NotYamlError(_why(error), _place(error)) from None
    except RecursionError:
        raise NotYamlError("is not YAML: it is nested too deeply") from None
    except (yaml.YAMLError, ValueError):  # the error's own text may show what stands there
        raise NotYamlError("is not YAML: mend the form, and leave out control characters") from None


def _place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _why(error: yaml.MarkedYAMLError) -> str:
    why = error.problem or "mend the form"
    return next((f"{why}: {hint}" for part, hint in _HINTS.items() if part in why), why)
