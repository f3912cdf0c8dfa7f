"""From a device's id back to its row."""

import numpy as np
import numpy.typing as npt

from eew.devices.swarm.layout import RowRange
from eew.model.records import Devices, RowColumn

__all__ = ["RowById"]

_Ids = npt.NDArray[np.bytes_]


class RowById:
    """Finds rows by device ids: read from the id where a population numbers its devices, else by search.

    Parameters
    ----------
    devices
        The population.
    rows
        The part of it that is looked for, not empty.
    """

    def __init__(self, devices: Devices, rows: RowRange) -> None:
        ids = np.asarray(devices.id[rows.first : rows.end])
        self._first_row = rows.first
        is_numbered = bool((_numbers(ids) == np.arange(rows.first, rows.end)).all())
        self._order = None if is_numbered else np.argsort(ids, kind="stable")
        self._ids = ids if self._order is None else ids[self._order]

    def rows(self, device_id: _Ids) -> RowColumn:
        """Return the row of each id, −1 where it is not in the part; shape ``(n,)`` as the ids."""
        last = len(self._ids) - 1
        if self._order is None:
            at = np.clip(_numbers(device_id) - self._first_row, 0, last)
            row = at
        else:
            at = np.minimum(np.searchsorted(self._ids, device_id), last)
            row = self._order[at]
        return np.where(self._ids[at] == device_id, row + self._first_row, -1).astype(np.int32)


def _numbers(ids: _Ids) -> npt.NDArray[np.int64]:
    """Return the number in ids of a letter and nine digits, −1 in ids of another length; any other id gives any."""
    if ids.dtype.itemsize != 10:
        return np.full(len(ids), -1, dtype=np.int64)
    digits = np.ascontiguousarray(ids).view(np.uint8).reshape(-1, 10)[:, 1:].astype(np.int64) - ord("0")
    return digits @ (10 ** np.arange(8, -1, -1, dtype=np.int64))
