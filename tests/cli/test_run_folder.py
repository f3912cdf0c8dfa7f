"""Where a run goes, and what stays of it."""

import errno
import os
from pathlib import Path

import pytest

from eew.cli.run_folder import run_folder
from eew.model.errors import InputError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_run_has_a_folder_and_what_it_works_with_is_gone() -> None:
    """Two of the same second have two."""
    for _ in range(2):
        with run_folder(None, "drill") as (folder, work):
            (folder / "summary.json").touch()
            (work / "column").touch()
    assert len(list(Path("runs").glob("*-drill*"))) == 2
    assert sorted(path.name for path in Path("runs").glob("*/*")) == ["summary.json"] * 2


@pytest.mark.parametrize("runs", [None, "elsewhere/deep"])
def test_of_a_run_without_results_nothing_stays(runs: str | None) -> None:
    """Nor the folder of all runs, where it was made for this one."""
    with pytest.raises(KeyboardInterrupt), run_folder(runs, "drill"):
        raise KeyboardInterrupt
    assert not Path(runs or "runs").exists()


def test_a_folder_of_ones_own_choice_is_made() -> None:
    """With its parents."""
    with run_folder("elsewhere/deep", "drill") as (folder, _):
        (folder / "summary.json").touch()
    assert folder.parent == Path("elsewhere/deep")
    assert not Path("runs").exists()


def test_a_working_folder_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run goes to the user's own folder, and that is said."""
    mkdir = Path.mkdir

    def read_only(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        if not self.is_absolute():
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))
        mkdir(self, mode, parents, exist_ok)

    monkeypatch.setattr(Path, "mkdir", read_only)
    monkeypatch.setattr("platformdirs.user_state_path", lambda name: tmp_path / "state" / name)
    with run_folder(None, "drill") as (folder, _):
        (folder / "summary.json").touch()
    assert folder.parent == tmp_path / "state" / "eew" / "runs"
    assert f"the working folder cannot be written: the run goes to {folder.parent}" in capsys.readouterr().err


def test_a_full_disk_is_no_reason_to_go_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error that names the folder."""

    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="runs"), run_folder(None, "drill"):
        pass


def test_a_folder_that_was_named_must_be_usable() -> None:
    """No other is taken for it."""
    Path("file").touch()
    with pytest.raises(InputError, match=r"file/runs: --runs: "), run_folder("file/runs", "drill"):
        pass
