"""The readable text of an event, in the forms in which keywords are looked for."""

from __future__ import annotations

from collections.abc import Iterator


class Text:
    """One text. Each form is made once, however many keywords are looked for."""

    __slots__ = ("_values", "encoded", "plain")

    def __init__(self, plain: str) -> None:
        self.plain = plain
        # RE2 reads bytes. What UTF-8 cannot write (half a surrogate pair) must not stop the matching.
        self.encoded = plain.encode("utf-8", "surrogatepass")
        self._values: frozenset[str] | None = None

    def __len__(self) -> int:
        """In bytes."""
        return len(self.encoded)

    @property
    def values(self) -> frozenset[str]:
        """The whole text, and the values of its lines `key: value `, without white space at their ends."""
        if self._values is None:
            self._values = frozenset(_values(self.plain))
        return self._values


def _values(plain: str) -> Iterator[str]:
    yield plain.strip()
    for line in plain.splitlines():
        yield line.partition(": ")[2].rstrip()
