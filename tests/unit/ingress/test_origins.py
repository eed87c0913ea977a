from __future__ import annotations

import pytest

from app.errors import ConfigurationError
from app.ingress.access import origins
from app.settings import load


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://a.example, http://localhost:3000,", ("https://a.example", "http://localhost:3000")),
        ("http://[::1]:80", ("http://[::1]:80",)),
    ],
)
def test_origins_are_a_list_with_commas(text: str, found: tuple[str, ...]) -> None:
    assert origins.parse(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "a.example",
        "https://a.example/",
        "https://A.example",
        "null",
        "https://u:p@a",
        "https://*.a",
        "ftp://a",
        "http://a b",
    ],
)
def test_what_no_browser_sends_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        origins.parse(text)


def test_a_star_stands_alone() -> None:
    with pytest.raises(ValueError, match="write it alone"):
        origins.parse("*,https://a")


def test_every_page_may_ask_only_where_tokens_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "*")
    monkeypatch.delenv("SERVER_TOKEN", raising=False)
    with pytest.raises(ConfigurationError, match=r"CORS_ORIGINS: .* set SERVER_TOKEN or ACCESS_FILE"):
        load()
    monkeypatch.setenv("SERVER_TOKEN", "x")
    assert load().origins == ("*",)
