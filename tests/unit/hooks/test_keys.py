"""The keys that seal secrets: read from the setting, or made once in a file."""

from __future__ import annotations

import asyncio
import stat
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.errors import ConfigurationError
from app.hooks.secrets import keys
from tests.app import ROOT

KEY, OTHER = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


SEPARATED = ("commas", "commas and spaces", "lines")


@pytest.mark.parametrize("text", [f"{KEY},{OTHER}", f" {KEY} , {OTHER}\n", f"{KEY}\n{OTHER}"], ids=SEPARATED)
def test_several_keys_are_separated_by_commas_or_white_space(text: str) -> None:
    assert keys.parse(text) == (KEY, OTHER)


@pytest.mark.parametrize("text", ["", " ", ","])
def test_no_key_is_told_how_one_is_made(text: str) -> None:
    with pytest.raises(ValueError, match=r"holds no key: .*generate_key"):
        keys.parse(text)


@pytest.mark.parametrize("bad", ["hunter2", KEY[:-2], "é" * 44], ids=["another", "cut off", "no ASCII"])
def test_what_is_no_key_is_named_by_its_place_and_not_shown(bad: str) -> None:
    with pytest.raises(ValueError, match=r"key 2 of 2 is no Fernet key") as caught:
        keys.parse(f"{KEY},{bad}")
    assert bad not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_embedded_process_makes_a_key_that_only_its_user_may_read(tmp_path: Path) -> None:
    made = await keys.in_folder((), tmp_path / "data")
    file = tmp_path / "data" / "secrets.key"
    assert made == keys.parse(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await keys.in_folder((), tmp_path / "data") == made
    assert files(tmp_path / "data") == ["secrets.key"]


async def test_processes_that_make_a_key_at_once_agree_on_one(tmp_path: Path) -> None:
    script = (
        "import asyncio, pathlib, sys\n"
        "from app.hooks.secrets import keys\n"
        "sys.stdin.readline()\n"
        "print(asyncio.run(keys.in_folder((), pathlib.Path(sys.argv[1]))))\n"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, str(tmp_path)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert {answer for answer, _ in answers} == {f"{keys.parse((tmp_path / keys.FILE).read_text())}\n".encode()}


async def test_a_key_that_is_given_comes_first_and_the_one_that_was_made_before_still_opens(tmp_path: Path) -> None:
    assert await keys.in_folder((KEY,), tmp_path) == (KEY,)
    assert files(tmp_path) == [], "none is made where one is given"
    (made,) = await keys.in_folder((), tmp_path)
    assert await keys.in_folder((KEY,), tmp_path) == (KEY, made)


async def test_a_file_that_holds_no_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / keys.FILE).write_text("hunter2")
    with pytest.raises(ConfigurationError, match=keys.FILE) as caught:
        await keys.in_folder((), tmp_path)
    assert "hunter2" not in str(caught.value)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"file/secrets\.key"):
        await keys.in_folder((), tmp_path / "file")
