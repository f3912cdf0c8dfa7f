"""What a command writes: looked at before, whole or not at all, and named where it fails."""

import errno
import os
import stat
from pathlib import Path

import pytest

from eew.model.errors import InputError
from eew.model.system.output import check_file, check_folder, naming, new_folder, write_file

FULL = Path("/dev/full")


def test_a_file_may_be_new_or_there_or_none(tmp_path: Path) -> None:
    """Nothing is made by looking."""
    check_file(None, "--summary")
    check_file(tmp_path / "new.json", "--summary")
    (tmp_path / "old.json").touch()
    check_file(tmp_path / "old.json", "--summary")
    check_file("/dev/null", "--summary")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere/x.json", "in a folder that exists"), (".", "'a folder': expected a file"), ("file/x", "in a folder")],
)
def test_where_no_file_can_be_is_said(name: str, said: str, tmp_path: Path) -> None:
    """With the path and the option."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=said) as caught:
        check_file(tmp_path / name, "--summary")
    assert caught.value.file == str(tmp_path / name)
    assert caught.value.field == "--summary"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    """For files in it, and for folders."""
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        check_file(tmp_path / "x", "--summary")
    with pytest.raises(InputError, match="Permission denied"):
        check_folder(tmp_path / "x" / "y", "--out")


def test_a_folder_may_be_made_but_not_under_a_file(tmp_path: Path) -> None:
    """Its parents are made too."""
    check_folder(tmp_path / "a" / "b", "--out")
    check_folder(None, "--out")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="expected a folder") as caught:
        check_folder(tmp_path / "file" / "b", "--out")
    assert caught.value.value == f"{tmp_path / 'file'} is none"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """What stood there keeps its permissions; nothing else is left."""
    path = tmp_path / "x.json"
    path.write_text("old")
    path.chmod(0o600)
    write_file(path, "né")
    assert path.read_bytes() == "né".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is written."""
    (tmp_path / "link").symlink_to(tmp_path / "x.json")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "x.json").read_bytes() == b"new"


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing half-written; the error names the file that was meant."""
    path = tmp_path / "x.json"
    path.write_text("old")

    def full(self: Path, _: bytes) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_file(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.skipif(not FULL.exists(), reason="no device here that is always full")
def test_a_device_that_is_full_is_named() -> None:
    """The system itself says no path when it has no room."""
    with pytest.raises(OSError, match="No space") as caught:
        write_file(FULL, "x")
    assert caught.value.filename == "/dev/full"


def test_a_path_that_the_system_names_stays() -> None:
    """It is the better one."""
    with pytest.raises(OSError, match="other") as caught, naming(Path("mine")):
        raise OSError(errno.EIO, "other", "theirs")
    assert caught.value.filename == "theirs"


def test_a_folder_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    """Until then, and after an error or an interrupt, the former one stands there."""
    path = tmp_path / "deep" / "folder"
    with new_folder(path) as fresh:
        (fresh / "a").touch()
        assert not path.exists()

    def fail(error: BaseException) -> None:
        with new_folder(path) as fresh:
            (fresh / "b").touch()
            raise error

    for error in (OSError(errno.ENOSPC, "full"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            fail(error)
    assert [each.name for each in path.iterdir()] == ["a"]
    with new_folder(path) as fresh:
        (fresh / "c").touch()
    assert [each.name for each in path.iterdir()] == ["c"]
    assert [each.name for each in path.parent.iterdir()] == ["folder"]
