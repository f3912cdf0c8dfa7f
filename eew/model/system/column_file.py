"""One column of numbers in a ``.npy`` file, written so that a full disk is an error.

Not by ``numpy.save``: what C's library still holds when the disk is full is lost without a word. Not through a mapping
either, where the process would be killed.
"""

from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

__all__ = ["write_column"]

#: Rows written at once.
_CHUNK_ROWS = 1 << 21


def write_column(
    file: BinaryIO,
    column: npt.NDArray[Any],
    dtype: npt.DTypeLike | None = None,
    on_rows: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a column to an open file.

    Parameters
    ----------
    file
        As ``open`` gives it, for bytes.
    column
        Shape ``(n,)``.
    dtype
        How to store it; ``None``: as it is.
    on_rows
        Told how many rows more are written.

    Raises
    ------
    OSError
        If there is no room; it names no path.
    """
    stored_as = np.dtype(column.dtype if dtype is None else dtype)
    head = {"descr": np.lib.format.dtype_to_descr(stored_as), "fortran_order": False, "shape": column.shape}
    np.lib.format.write_array_header_1_0(file, head)
    for start in range(0, len(column), _CHUNK_ROWS):
        chunk = np.ascontiguousarray(column[start : start + _CHUNK_ROWS], dtype=stored_as)
        file.write(chunk.data)
        on_rows(len(chunk))
    file.flush()
