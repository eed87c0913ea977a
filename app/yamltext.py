"""YAML that people write, read strictly: without what YAML allows and nobody means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml


class NotYamlError(ValueError):
    """Text that is no YAML, or has an alias or a key twice. The message never shows what stands there."""


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
            raise yaml.MarkedYAMLError(problem="an alias", problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(set(keys)):
            raise yaml.MarkedYAMLError(problem="a key twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read(text: bytes) -> Document:
    """Read a text.

    Raises:
        NotYamlError: it is not UTF-8, or no YAML; says where.
    """
    try:
        loader = _Loader(text.decode())
        root = loader.get_single_node()
        return Document(loader.construct_document(root) if root else None, root)
    except UnicodeDecodeError:
        raise NotYamlError("is not UTF-8: write it as text") from None
    except yaml.MarkedYAMLError as error:
        raise NotYamlError(f"is not YAML{_place(error)}: {error.problem or 'mend the form'}") from None
    except (yaml.YAMLError, ValueError, RecursionError):  # the error's own text may show what stands there
        raise NotYamlError("is not YAML: mend the form") from None


def _place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
