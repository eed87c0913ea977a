from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from app.ingress import documents

FOLDER = Path(documents.__file__).parent / "assets"
PAGES = ("/docs", "/docs/asyncapi")

each_page = pytest.mark.parametrize("page", PAGES)
each_asset = pytest.mark.parametrize("name", documents.ASSETS)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def get(path: str, app: Starlette | None = None, **headers: str) -> Answer:
    """What the application answers, as ASGI carries it: bodies stay as they were encoded."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    wire = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": wire, "query_string": b"", "root_path": ""}
    await (app or application())(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))


def application() -> Starlette:
    return Starlette(routes=documents.routes({"openapi": "3.1.0"}, lambda: '{"asyncapi": "3.0.0"}'))


def policy(answer: Answer) -> dict[str, str]:
    directives = answer.headers["content-security-policy"].split("; ")
    return {name: sources for name, _, sources in (directive.partition(" ") for directive in directives)}


@each_page
async def test_a_page_is_html_that_nobody_may_take_for_something_else(page: str) -> None:
    answer = await get(page)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@each_page
async def test_a_page_names_nothing_outside(page: str) -> None:
    html = (await get(page)).body.decode()
    assert "://" not in html
    assert not re.search(r"""(?:src|href)=["']//""", html)


@each_page
async def test_a_page_asks_for_no_favicon(page: str) -> None:
    assert '<link rel="icon" href="data:,">' in (await get(page)).body.decode()


@each_page
async def test_a_page_has_no_script_or_style_of_its_own_that_its_policy_would_block(page: str) -> None:
    html = (await get(page)).body.decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html)


@each_page
async def test_what_a_page_loads_is_there(page: str) -> None:
    loaded = re.findall(r'(?:<script src|<link rel="stylesheet" href)="([^"]+)"', (await get(page)).body.decode())
    assert len(loaded) == 4
    for path in loaded:
        assert (await get(path)).status == 200


@each_page
async def test_a_page_leads_to_the_other_and_to_its_document(page: str) -> None:
    links = re.findall(r'<a href="([^"]+)"', (await get(page)).body.decode())
    assert {*PAGES, "/docs/asyncapi.json" if page.endswith("asyncapi") else "/docs/openapi.json"} <= set(links)


async def test_the_page_of_openapi_may_load_files_of_ours_only() -> None:
    found = policy(await get("/docs"))
    assert found["default-src"] == "'none'"
    assert found["img-src"] == "'self' data:"
    assert {found[kind] for kind in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert {found[kind] for kind in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}


async def test_the_page_of_asyncapi_may_compile_code_too_and_nothing_more() -> None:
    openapi, asyncapi = policy(await get("/docs")), policy(await get("/docs/asyncapi"))
    assert asyncapi == {**openapi, "script-src": "'self' 'unsafe-eval'"}


@pytest.mark.parametrize("name", ["page.css", "openapi-page.js", "asyncapi-page.js"])
def test_our_own_files_name_nothing_outside(name: str) -> None:
    assert not re.search(r"//\w", (FOLDER / name).read_text())


def test_the_viewer_of_openapi_sends_the_document_to_no_validator() -> None:
    assert "validatorUrl: null" in (FOLDER / "openapi-page.js").read_text()


@each_page
async def test_the_document_is_beside_its_page(page: str) -> None:
    path, expected = {
        "/docs": ("/docs/openapi.json", b'{"openapi": "3.1.0"}'),
        "/docs/asyncapi": ("/docs/asyncapi.json", b'{"asyncapi": "3.0.0"}'),
    }[page]
    answer = await get(path)
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == expected


async def test_the_asyncapi_document_is_made_once_and_not_before_it_is_wanted() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("made")
        return "{}"

    app = Starlette(routes=documents.routes({}, make))
    await get("/docs/asyncapi", app)
    assert made == []
    await get("/docs/asyncapi.json", app)
    await get("/docs/asyncapi.json", app)
    assert made == ["made"]


@each_asset
async def test_a_client_that_takes_gzip_gets_what_others_get_uncompressed(name: str) -> None:
    compressed = await get(f"/docs/assets/{name}", accept_encoding="br, gzip;q=0.8")
    plain = await get(f"/docs/assets/{name}")
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(compressed.body) == plain.body
    assert compressed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.000", "br", "x-gzipped"])
async def test_a_client_that_does_not_take_gzip_gets_none(accepted: str) -> None:
    answer = await get("/docs/assets/swagger-ui.css", accept_encoding=accepted)
    assert "content-encoding" not in answer.headers


@each_asset
async def test_an_asset_has_the_media_type_of_its_name(name: str) -> None:
    kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
    answer = await get(f"/docs/assets/{name}")
    assert answer.headers["content-type"] == kinds[name.rpartition(".")[2]]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_client_that_has_an_asset_already_gets_it_not_again() -> None:
    first = await get("/docs/assets/page.css")
    again = await get("/docs/assets/page.css", if_none_match=first.headers["etag"])
    other = await get("/docs/assets/page.css", if_none_match='"something else"')
    assert (again.status, again.body) == (304, b"")
    assert (other.status, other.body) == (200, first.body)


async def test_the_two_forms_of_an_asset_have_tags_of_their_own() -> None:
    plain = await get("/docs/assets/page.css")
    compressed = await get("/docs/assets/page.css", accept_encoding="gzip")
    assert plain.headers["etag"] != compressed.headers["etag"]


@pytest.mark.parametrize("name", ["README.md", "swagger-ui/LICENSE", "..", "../documents.py", "%2e%2e/auth.py"])
async def test_a_name_that_is_not_in_the_table_is_not_served(name: str) -> None:
    assert (await get(f"/docs/assets/{name}")).status == 404


def test_vendored_files_are_those_that_the_readme_lists_unmodified() -> None:
    table = re.findall(r"^\| `([^`]+\.gz)` .* `([0-9a-f]{64})` \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    found = {
        str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.rglob("*.gz") if "LICENSE" not in path.name
    }
    assert dict(table) == {name: hashlib.sha256(gzip.decompress(data)).hexdigest() for name, data in found.items()}
    assert set(found) == {file for file in documents.ASSETS.values() if file.endswith(".gz")}


@pytest.mark.parametrize("folder", ["swagger-ui", "asyncapi"])
def test_a_vendored_viewer_comes_with_its_licence(folder: str) -> None:
    assert "Apache License" in (FOLDER / folder / "LICENSE").read_text()
