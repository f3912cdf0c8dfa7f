"""Shelters as JSON text, made once a population: the alert path only copies columns."""

import msgspec
import numpy as np
import numpy.typing as npt

from eew.fanout.slot import Bytes2D, integers, padded
from eew.model import ShelterColumns, Shelters
from eew.wire.message import ShelterReference

__all__ = ["ShelterText", "cell_shelters"]

#: Names are cut to this many bytes of UTF-8, so that one long name does not make every alert long.
MAX_NAME_BYTES = 48
_DISTANCE, _BEARING = b'"distance_m":', b',"bearing_deg":'
_DISTANCE_WIDTH, _BEARING_WIDTH = 8, 3


class ShelterText:
    """The ``shelter`` member of each device's alert.

    Parameters
    ----------
    shelters
        The catalogue.
    columns
        The nearest of each device.
    """

    def __init__(self, shelters: Shelters, columns: ShelterColumns) -> None:
        self._columns = columns
        used_row = np.unique(columns.shelter_row)
        used_row = used_row[used_row >= 0]
        heads = [msgspec.json.encode(_reference(shelters, int(row)))[:-1] + b"," for row in used_row]
        self._head = padded(heads)
        n_head = self._head.shape[1]
        self._text_row = np.full(len(shelters), -1, dtype=np.int32)
        self._text_row[used_row] = np.arange(len(used_row), dtype=np.int32)
        distance_at = n_head + len(_DISTANCE)
        bearing_at = distance_at + _DISTANCE_WIDTH + len(_BEARING)
        self._distance = slice(distance_at, distance_at + _DISTANCE_WIDTH)
        self._bearing = slice(bearing_at, bearing_at + _BEARING_WIDTH)
        blank = b" " * n_head + _DISTANCE + b" " * _DISTANCE_WIDTH + _BEARING + b" " * _BEARING_WIDTH + b"}"
        self._blank = np.frombuffer(blank, dtype=np.uint8)
        self._none = padded([b"null".ljust(len(blank))])[0]
        #: Bytes of every slot.
        self.width = len(blank)

    def slots(self, device_row: npt.NDArray[np.int32]) -> Bytes2D:
        """Return the JSON of the nearest shelter of each device, shape ``(n, width)``; ``null`` where there is none."""
        out = np.empty((len(device_row), self.width), dtype=np.uint8)
        shelter_row = self._columns.shelter_row[device_row]
        has_shelter = shelter_row >= 0
        if not has_shelter.any():
            out[:] = self._none
            return out
        out[:] = self._blank
        out[:, : self._head.shape[1]] = self._head[self._text_row[shelter_row]]
        distance_m = np.where(has_shelter, np.nan_to_num(self._columns.distance_m[device_row]), 0)
        out[:, self._distance] = integers(np.rint(distance_m).astype(np.int32), _DISTANCE_WIDTH)
        out[:, self._bearing] = integers(self._columns.bearing_deg[device_row], _BEARING_WIDTH)
        if not has_shelter.all():
            out[~has_shelter] = self._none
        return out


def cell_shelters(shelters: Shelters, nearest_row: npt.NDArray[np.int32]) -> Bytes2D:
    """Return JSON arrays of the shelters nearest to each cell, shape ``(n, width)``.

    Parameters
    ----------
    shelters
        The catalogue.
    nearest_row
        Shape ``(n, k)``, nearest first, −1 where there are fewer.
    """
    return padded(
        [msgspec.json.encode([_reference(shelters, int(row)) for row in rows if row >= 0]) for rows in nearest_row]
    )


class _Place(ShelterReference, frozen=True, kw_only=True, omit_defaults=True):
    """A reference that leaves out distance and bearing."""


def _reference(shelters: Shelters, row: int) -> _Place:
    name = shelters.name[row].encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    return _Place(
        id=shelters.id[row],
        name=name,
        lat_deg=round(float(shelters.lat_deg[row]), 5),
        lon_deg=round(float(shelters.lon_deg[row]), 5),
    )
