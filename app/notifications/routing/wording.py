"""What is wrong with a configuration, a silence or a question, in words for people. Pure."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.notifications.routing import severity

Path = tuple[str | int, ...]

_FORMS: Final = "must be a text, a list of texts, {not: …} or, for a severity, {atLeast: …}"

# What people are told of what pydantic finds, by its type.
_WORDS: Final = {
    "missing": "is missing",
    "invalid_key": "is no field here: a field's name is a text",
    "string_type": "must be a text: put quotes around it",
    "tuple_type": "must be a list, such as [a, b]",
    "model_type": "must have fields of its own below it",
    "dict_type": "must have fields of its own below it",
    "mapping_type": "must have fields of its own below it",
    "model_attributes_type": "must have fields of its own below it",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_long": "has too many items: at most {max_length}",
    "too_short": "must have at least {min_length}",
    "union_tag_not_found": "has no type: write which, such as type: slack",
    "union_tag_invalid": "the type must be one of {expected_tags}",
}
_OF_SEVERAL_FORMS: Final = frozenset({"destination", "rate"})
_TIMES: Final = frozenset({"wait", "interval", "repeat", "per"})


def written(path: Path) -> str:
    """A path as people write it, such as `routes[0].match.severity`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".") or "the file"


def explained(error: ValidationError, fields: Collection[str] = ()) -> list[tuple[Path, str]]:
    """The problems, each once: where a value may have several forms, pydantic tells of each form.

    One of `fields` may be meant by a name that is none.
    """
    told: dict[Path, str] = {}
    for problem in error.errors(include_url=False, include_input=False):
        path, is_form = _place(problem["loc"])
        why = _why(problem, fields, is_form=is_form)
        told[path] = why if problem["type"] == "literal_error" else told.get(path, why)
    return [*told.items()]


def _why(problem: ErrorDetails, fields: Collection[str], *, is_form: bool) -> str:
    match problem["type"]:
        case "literal_error" if is_form:
            return f"atLeast must be one of {', '.join(severity.ORDER)}"
        case "extra_forbidden" if not is_form:
            return f"is no field here: mend its name, or leave it out{meant(str(problem['loc'][-1]), fields)}"
        case _ if is_form:
            return _FORMS
        case "less_than_equal" if problem["loc"][-1] in _TIMES:
            return "must be at most 1d"
        case kind if kind in _WORDS:
            return _WORDS[kind].format_map(problem.get("ctx", {}))
        case _:
            return problem["msg"].removeprefix("Value error, ")


def _place(location: Path) -> tuple[Path, bool]:
    """Where a problem is, and whether it is at a condition, of whose forms none was meant for sure."""
    for place, part in enumerate(location):
        if part == "match":
            depth = place + (3 if location[place + 1 : place + 2] == ("data",) else 2)
            return location[:depth], len(location) > depth
        if part in _OF_SEVERAL_FORMS:
            return (*location[: place + 1], *location[place + 2 :]), False  # without the form, which pydantic names
    return location, False


def meant(name: str, names: Collection[str]) -> str:
    """The name that is perhaps meant, to be put behind a problem."""
    near = get_close_matches(name, names, n=1)
    return f": is {near[0]} meant?" if near else ""
