"""Shelters as JSON text, made once a population: the alert path only copies columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from eew.contract.message import ShelterReference
from eew.fanout.fixed_width import Bytes2D, integers, padded
from eew.fanout.publish_template import Slot
from eew.model.records import ShelterColumns, Shelters

__all__ = [
    "CellText",
    "ShelterIdText",
    "ShelterMembers",
    "ShelterText",
    "cell_shelter_ids",
    "cell_shelters",
]

#: Names are cut to this many bytes of UTF-8, so that one long name does not make every alert long.
MAX_NAME_BYTES = 48
_DISTANCE_WIDTH = 8
#: What stands behind the distance, by bearing; the last one is for those who have no shelter.
_BEARING = padded([*(b',"bearing_deg":%3d}' % bearing_deg for bearing_deg in range(360)), b""])


class ShelterMembers(Protocol):
    """What alerts say of shelters."""

    @property
    def parts(self) -> Sequence[bytes | Slot]:
        """The members, each with the comma before it."""
        ...

    def columns(self, row: npt.NDArray[np.int32]) -> dict[str, Bytes2D]:
        """Return what stands in the slots for these targets, by name."""
        ...


class ShelterText:
    """The ``shelter`` member of each device's alert, in full.

    Parameters
    ----------
    shelters
        The catalogue.
    columns
        The nearest of each device.
    """

    def __init__(self, shelters: Shelters, columns: ShelterColumns) -> None:
        self._columns = columns
        self._head, self._text_row = _texts(
            shelters,
            columns,
            lambda row: msgspec.json.encode(_reference(shelters, row))[:-1] + b',"distance_m":',
        )
        self.parts: list[bytes | Slot] = [
            b',"shelter":',
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


class ShelterIdText:
    """The nearest shelter of each device by its id alone; parameters as of ``ShelterText``."""

    def __init__(self, shelters: Shelters, columns: ShelterColumns) -> None:
        self._shelter_row = columns.shelter_row
        self._id, self._text_row = _texts(shelters, columns, lambda row: msgspec.json.encode(shelters.id[row]))
        self.parts: list[bytes | Slot] = [b',"shelter":null']
        if len(self._id) > 1:
            self.parts += [b',"shelter_id":', Slot("shelter_id", self._id.shape[1])]

    def columns(self, device_row: npt.NDArray[np.int32]) -> dict[str, Bytes2D]:
        """Return what stands in the slot for these devices; ``null`` where there is no shelter."""
        shelter_row = self._shelter_row.take(device_row)
        return {"shelter_id": self._id.take(self._text_row.take(shelter_row, mode="wrap"), axis=0)}


@dataclass(frozen=True, slots=True)
class CellText:
    """What the alerts of cells say of shelters."""

    parts: list[bytes | Slot]
    #: What stands in the slot ``shelters``, shape ``(n, width)``, padded with spaces.
    text: Bytes2D

    def columns(self, cell_row: npt.NDArray[np.int32]) -> dict[str, Bytes2D]:
        """Return what stands in the slot for these cells."""
        return {"shelters": self.text.take(cell_row, axis=0)}


def cell_shelters(shelters: Shelters, nearest_row: npt.NDArray[np.int32]) -> CellText:
    """Return the ``shelters`` member of each cell's alert, in full.

    Parameters
    ----------
    shelters
        The catalogue.
    nearest_row
        Shape ``(n, k)``, nearest first, −1 where there are fewer.
    """
    text = padded(
        msgspec.json.encode([_reference(shelters, int(row)) for row in rows if row >= 0]) for rows in nearest_row
    )
    return CellText([b',"shelters":', Slot("shelters", text.shape[1])], text)


def cell_shelter_ids(shelters: Shelters, nearest_row: npt.NDArray[np.int32]) -> CellText:
    """Return the shelters of each cell by their ids alone; parameters as of ``cell_shelters``."""
    text = padded(msgspec.json.encode([shelters.id[row] for row in rows if row >= 0]) for rows in nearest_row)
    parts: list[bytes | Slot] = [b',"shelters":[]']
    if (nearest_row >= 0).any():
        parts += [b',"shelter_ids":', Slot("shelters", text.shape[1])]
    return CellText(parts, text)


def _texts(
    shelters: Shelters, columns: ShelterColumns, made: Callable[[int], bytes]
) -> tuple[Bytes2D, npt.NDArray[np.int32]]:
    """Return the texts of the shelters that are anybody's nearest, and which of them each row of the catalogue has.

    The last text, ``null``, is for those who have no shelter: row −1 is the last one, too.
    """
    used_row = np.unique(columns.shelter_row)
    used_row = used_row[used_row >= 0]
    text_row = np.full(len(shelters) + 1, len(used_row), dtype=np.int32)
    text_row[used_row] = np.arange(len(used_row), dtype=np.int32)
    return padded([*(made(row) for row in used_row.tolist()), b"null"]), text_row


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
