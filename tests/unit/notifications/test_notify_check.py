from __future__ import annotations

from pathlib import Path

import pytest

from app import notify_check

VALID = """\
receivers:
- {name: a, destination: {type: slack, url: https://x.example/hunter2}}
routes:
- match: {severity: {atLeast: error}}
  receivers: [a]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "notify.yaml"
    file.write_text(VALID)
    return file


def test_a_valid_file_is_counted_and_warned_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(file)]) == 0
    assert "is valid: 1 receivers, 1 routes\nwarning: the file: no default" in capsys.readouterr().out


def test_whom_a_notification_reaches_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(file), "--severity", "critical", "--data", '{"x": 1}']) == 0
    assert "reaches: a\n  by routes[0]: a\n" in capsys.readouterr().out


def test_that_a_notification_reaches_nobody_is_an_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(file), "--severity", "info"]) == 1
    assert "reaches: nobody" in capsys.readouterr().out


def test_the_default_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"{VALID}default: a\n")
    assert notify_check.main([str(file), "--severity", "info"]) == 0
    assert "reaches: a\n  as the default: no route takes it" in capsys.readouterr().out


def test_a_file_that_is_not_valid_is_an_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(VALID.replace("[a]", "[b]"))
    assert notify_check.main([str(file)]) == 1
    assert capsys.readouterr().err == "line 5: routes[0].receivers[0]: no receiver is called b\n"


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(tmp_path / "gone")]) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["[]", "{"])
def test_data_that_is_no_object_is_wrong_usage(file: Path, data: str) -> None:
    with pytest.raises(SystemExit) as ended:
        notify_check.main([str(file), "--data", data])
    assert ended.value.code == 2
