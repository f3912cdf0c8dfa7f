"""What a command leaves behind: looked at before the work, written whole or not at all, and named where that fails."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from eew.model.errors import InputError
from eew.model.system.interrupt import held, work_folder

__all__ = ["check_file", "check_folder", "given_path", "naming", "new_folder", "write_file", "write_parts"]


def given_path(path: str | Path, field: str | None = None) -> Path:
    """Return a path that was given; raise ``InputError`` where it is empty, which else means the working folder."""
    if path == "":
        raise InputError("a path that is not empty", field=field, value=path)
    return Path(path)


def check_file(path: str | Path | None, field: str | None = None) -> None:
    """Raise ``InputError`` unless a file can be written there, or none is wanted; to be asked before the work."""
    if path is None:
        return
    path = given_path(path, field)
    if path.is_dir():
        raise InputError("a file", file=path, field=field, value="a folder")
    if not path.parent.is_dir():
        raise InputError("a file in a folder that exists", file=path, field=field)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError("a file that can be written", file=path, field=field, value="Permission denied")


def check_folder(path: str | Path | None, field: str | None = None) -> None:
    """Raise ``InputError`` unless a folder can be made or written there, or none is wanted."""
    if path is None:
        return
    path = given_path(path, field)
    there = next(each for each in (path, *path.absolute().parents) if each.exists() or each.is_symlink())
    if not there.is_dir():
        raise InputError("a folder", file=path, field=field, value=f"{there} is none")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError("a folder that can be written", file=path, field=field, value=f"{there}: Permission denied")


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the system that says no path, as of a full disk, say this one."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8: beside its place, then renamed into it; straight into a pipe or a device.

    Raises
    ------
    OSError
        With the path; what stood there still does, and nothing half-written is left.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    target = path.resolve()
    is_plain = target.is_file() or not target.exists()
    with held(), naming(path):
        if not is_plain or not os.access(target.parent, os.W_OK):
            path.write_bytes(data)
            return
        beside = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            beside.write_bytes(data)
            if target.exists():
                import shutil

                shutil.copymode(target, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def write_parts(path: str | Path, parts: Iterable[str]) -> None:
    """Write a long file in UTF-8, part by part; else as ``write_file``, but that it may be interrupted.

    Raises
    ------
    OSError
        With the path; what stood there still does, and nothing half-written is left.
    """
    path = Path(path)
    target = path.resolve()
    is_plain = target.is_file() or not target.exists()
    with naming(path):
        if not is_plain:
            with path.open("w", encoding="utf-8") as file:
                file.writelines(parts)
            return
        with work_folder(f".{target.name}.", target.parent) as beside:
            fresh = beside / "new"
            with fresh.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(parts)
            fresh.replace(target)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside a place; when the block has ended well it is there, instead of what was there.

    Parameters
    ----------
    path
        Its parents are made where they are missing.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path), work_folder(f".{path.name}.", path.parent) as beside:
        fresh, former = beside / "new", beside / "former"
        fresh.mkdir()
        yield fresh
        with held():
            try:
                if path.exists():
                    path.rename(former)
                fresh.rename(path)
            except OSError:
                if former.exists() and not path.exists():
                    former.rename(path)
                raise
