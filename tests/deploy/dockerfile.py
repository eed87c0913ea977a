"""A Dockerfile as its instructions, by stage: enough to hold ours to rules, and to take its steps without Docker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "deploy/Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """`RUN a && b`: its name in capitals, and the rest in one line."""

    name: str
    value: str

    @property
    def flags(self) -> dict[str, str]:
        """Of `COPY --from=build --chown=1 a b`: from and chown."""
        return dict(re.findall(r"--(\w+)=(\S+)", self.value))

    @property
    def words(self) -> list[str]:
        """What is not a flag."""
        return [word for word in self.value.split() if not word.startswith("--")]

    @property
    def exec_form(self) -> list[str]:
        """The list of an exec form.

        Raises:
            ValueError: it is in shell form.
        """
        return [str(word) for word in json.loads(self.value)]


@dataclass(frozen=True)
class Stage:
    base: str
    instructions: Sequence[Instruction]

    def of(self, *names: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name in names]

    def only(self, name: str) -> Instruction:
        (found,) = self.of(name)
        return found


@dataclass(frozen=True)
class Dockerfile:
    arguments: dict[str, str]  # before the first stage
    stages: Sequence[Stage]

    @property
    def last(self) -> Stage:
        return self.stages[-1]

    @property
    def instructions(self) -> list[Instruction]:
        return [instruction for stage in self.stages for instruction in stage.instructions]

    def base(self, stage: Stage) -> str:
        """The image that a stage begins with, its arguments filled in."""
        return re.sub(r"\$\{(\w+)\}", lambda found: self.arguments[found[1]], stage.base)


def read(text: str) -> Dockerfile:
    arguments: dict[str, str] = {}
    stages: list[tuple[str, list[Instruction]]] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            stages.append((instruction.words[0], []))
        elif stages:
            stages[-1][1].append(instruction)
        else:
            name, _, value = instruction.value.partition("=")
            arguments[name] = value
    return Dockerfile(arguments, [Stage(base, instructions) for base, instructions in stages])


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        name, _, value = line.strip().partition(" ")
        if name:
            yield Instruction(name.upper(), re.sub(r"\s+", " ", value.strip()))
