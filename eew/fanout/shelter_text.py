"""Shelters as JSON text, made once a population: the alert path only copies columns."""

import msgspec
import numpy as np
import numpy.typing as npt

from eew.fanout.record import Slot
from eew.fanout.slot import Bytes2D, integers, padded
from eew.model import ShelterColumns, Shelters
from eew.wire.message import ShelterReference

__all__ = ["ShelterText", "cell_shelters"]

#: Names are cut to this many bytes of UTF-8, so that one long name does not make every alert long.
MAX_NAME_BYTES = 48
_DISTANCE_WIDTH = 8
#: What stands behind the distance, by bearing; the last one is for those who have no shelter.
_BEARING = padded([*(b',"bearing_deg":%3d}' % bearing_deg for bearing_deg in range(360)), b""])


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
        heads = [msgspec.json.encode(_reference(shelters, int(row)))[:-1] + b',"distance_m":' for row in used_row]
        # The last one is for those who have no shelter, and row −1 is the last.
        self._head = padded([*heads, b"null"])
        self._text_row = np.full(len(shelters) + 1, len(heads), dtype=np.int32)
        self._text_row[used_row] = np.arange(len(used_row), dtype=np.int32)
        #: The member as slots, in their order.
        self.slots = [
            Slot("shelter", self._head.shape[1]),
            Slot("shelter_distance", _DISTANCE_WIDTH),
            Slot("shelter_bearing", _BEARING.shape[1]),
        ]

    def columns(self, device_row: npt.NDArray[np.int32]) -> dict[str, Bytes2D]:
        """Return what stands in the slots for these devices, by name; ``null`` where there is no shelter."""
        shelter_row = self._columns.shelter_row.take(device_row)
        bearing_deg = self._columns.bearing_deg.take(device_row)
        distance_m = self._columns.distance_m.take(device_row)
        has_none = shelter_row < 0
        is_any_without = bool(has_none.any())
        if is_any_without:
            bearing_deg = np.where(has_none, len(_BEARING) - 1, bearing_deg)
            distance_m = np.where(has_none, 0, distance_m)
        distance = integers(np.rint(distance_m).astype(np.int32), _DISTANCE_WIDTH)
        if is_any_without:
            distance[has_none] = ord(" ")
        return {
            "shelter": self._head.take(self._text_row.take(shelter_row, mode="wrap"), axis=0),
            "shelter_distance": distance,
            "shelter_bearing": _BEARING.take(bearing_deg, axis=0),
        }


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
        msgspec.json.encode([_reference(shelters, int(row)) for row in rows if row >= 0]) for rows in nearest_row
    )


class _Place(ShelterReference, frozen=True, kw_only=True, omit_defaults=True):
    """A reference that leaves out distance and bearing."""


def _reference(shelters: Shelters, row: int) -> _Place:
    name = shelters.name[row].encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    return _Place(
        id=shelters.id[row],
        name=name,
        # A zero has no sign.
        lat_deg=round(float(shelters.lat_deg[row]), 5) + 0.0,
        lon_deg=round(float(shelters.lon_deg[row]), 5) + 0.0,
    )
