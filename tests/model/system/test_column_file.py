"""Columns on disk."""

import io
from pathlib import Path

import numpy as np
import pytest

from eew.model.system.column_file import write_column


@pytest.mark.parametrize("dtype", ["<i4", "<f4", "|u1", "S12"])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_it_reads_as_numpy_wrote_it(dtype: str, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, whatever the size of a part, also from a column that is not in one piece."""
    monkeypatch.setattr("eew.model.system.column_file._CHUNK_ROWS", 2)
    column = np.arange(2 * n).astype(dtype)[::2]
    ours, theirs = io.BytesIO(), io.BytesIO()
    n_rows: list[int] = []
    write_column(ours, column, on_rows=n_rows.append)
    np.save(theirs, np.ascontiguousarray(column))
    assert ours.getvalue() == theirs.getvalue()
    assert sum(n_rows) == n


def test_it_is_stored_as_asked_for() -> None:
    """As a population's columns are."""
    file = io.BytesIO()
    write_column(file, np.array([1.5, 2.5]), "<f4")
    file.seek(0)
    stored = np.load(file)
    assert (stored.dtype, stored.tolist()) == (np.dtype("<f4"), [1.5, 2.5])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_a_full_disk_is_an_error() -> None:
    """Also where all would fit into a buffer."""

    def write() -> None:
        with io.BufferedWriter(io.FileIO("/dev/full", "wb")) as file:
            try:
                write_column(file, np.zeros(3, dtype=np.float32))
            finally:
                file.raw.close()

    with pytest.raises(OSError, match="No space"):
        write()
