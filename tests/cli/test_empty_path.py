"""An empty path is a slip of the hand, such as a variable that was not set, and not the working folder."""

from pathlib import Path

import pytest

from eew.cli.main import main


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("init", "DIR"),
        ("devices make --region japan --devices 5 --seed 1 --out", "--out"),
        ("devices import list.csv --out", "--out"),
        ("shelters import csv list.csv --columns id=a,name=b,lat=c,lon=d --out", "--out"),
        ("schema --out", "--out"),
        ("cap false-alarm --out", "--out"),
        ("cap false-alarm --atom", "--atom"),
        ("scenarios convert list.csv --out", "--out"),
        ("feed serve false-alarm --as native --over folder --speed max --dir", "--dir"),
        ("replay false-alarm --devices 5 --runs", "--runs"),
        ("replay false-alarm --devices 5 --summary", "--summary"),
    ],
)
def test_an_empty_path_is_refused_and_nothing_is_written(
    words: str, field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, exit 2, and the working folder is as it was."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main([*words.split(), ""]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"eew {words.split(maxsplit=1)[0]}: {field}: '': expected a ")
    assert err.endswith("that is not empty\n")
    assert list(Path().iterdir()) == []
