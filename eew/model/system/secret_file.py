"""Files that hold a secret: only their owner may read or write them."""

import os
import stat
from pathlib import Path

from eew.model.errors import InputError

__all__ = ["read_secret"]


def read_secret(path: Path, n_most: int) -> bytes:
    """Return what a secret's file holds, at most so many bytes.

    The permissions judged are those of what was opened, not of what the name means a moment later.

    Raises
    ------
    InputError
        If others may read or write it.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            expected = f"permissions 0600, as it is a secret: chmod 600 {path}"
            raise InputError(expected, file=path, field="permissions", value=f"{mode:04o}")
        return file.read(n_most)
