"""One row of a shelter list: what is wrong with it, or what is kept of it.

Only id, name, place, hazards and capacity are ever taken from a source. Names and telephone numbers of the people in
charge, which some lists carry, are never read.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from eew.model.records import Hazard, Shelters

__all__ = ["UNNAMED", "WORLD", "Extent", "ImportResult", "Reason", "Rejected", "ShelterRows", "hazards_named"]

#: Coordinates are kept to this many decimals of a degree, 1 cm: so they fit 32 bits on disk.
COORDINATE_DECIMALS = 7
#: A longer id is a fault of the list; a longer name is cut. The longest of the national lists have 14 and 87.
MAX_ID_BYTES = 64
MAX_NAME_LETTERS = 200
#: The name where a list gives a place none.
UNNAMED = "Assembly point"
#: How a list writes that it does not know how many people have room [NSS].
_UNKNOWN_CAPACITY = -999
#: A list's word for a shelter that has yet to be opened [NSS].
_CLOSED = "closed"

_BLANK = re.compile(r"\s+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WORDS = re.compile(r"[\s,;|/、，；・]+")
_HAZARD_WORDS: Mapping[str, Hazard] = {
    "earthquake": Hazard.EARTHQUAKE,
    "地震": Hazard.EARTHQUAKE,
    "震災": Hazard.EARTHQUAKE,
    "tsunami": Hazard.TSUNAMI,
    "津波": Hazard.TSUNAMI,
    "海嘯": Hazard.TSUNAMI,
}


class Reason(StrEnum):
    """Why a row is left out."""

    FIELDS = "wrong number of fields"
    TEXT = "not UTF-8"
    SHAPE = "no place on Earth"
    ID = "no usable id"
    NAME = "no name"
    NUMBER = "not a number"
    ZERO = "zero coordinate"
    SWAPPED = "latitude and longitude swapped"
    RANGE = "out of range"
    HAZARD = "unknown hazard mark"
    DUPLICATE = "duplicate id"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was left out."""

    #: Line where the row begins, counted from 1; in GeoJSON the number of the feature.
    line: int
    reason: Reason
    #: What was found; never more of the row than the faulty value.
    value: str


@dataclass(frozen=True, slots=True)
class Extent:
    """The box, in degrees, that every shelter of a country lies in."""

    south: float
    north: float
    west: float
    east: float

    def holds(self, lat_deg: float, lon_deg: float) -> bool:
        """Whether a place lies in the box."""
        return self.south <= lat_deg <= self.north and self.west <= lon_deg <= self.east


WORLD = Extent(-90, 90, -180, 180)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of every row of a list."""

    shelters: Shelters
    rejected: tuple[Rejected, ...]
    #: Rows in the source, good and bad.
    n_read: int
    #: Kept rows whose capacity could not be read and counts as unknown.
    n_capacity_unreadable: int
    #: The source says nowhere what its shelters are meant for: all count as meant for earthquakes, none for tsunamis.
    is_hazard_assumed: bool
    #: What ``Rejected.line`` counts: ``line`` or ``feature``.
    counted: str
    #: Kept rows that the list gives no name, and what they are called.
    n_unnamed: int
    unnamed: str | None
    #: Kept rows that the list marks as closed.
    n_closed: int
    #: Kept rows that are no point, by what they are: each lies at a point inside.
    n_by_shape: Mapping[str, int]

    @property
    def n_by_reason(self) -> dict[Reason, int]:
        """How many rows were left out for each reason, the commonest first."""
        return dict(Counter(rejected.reason for rejected in self.rejected).most_common())


class ShelterRows:
    """The rows of a list, as they come in: good ones are kept, bad ones noted.

    Parameters
    ----------
    extent
        Where shelters of this list may lie.
    counted
        What the line numbers count.
    unnamed
        What a row without a name is called; ``None``: it is left out.
    """

    def __init__(self, extent: Extent = WORLD, counted: str = "line", unnamed: str | None = None) -> None:
        self.extent = extent
        self.counted = counted
        self.unnamed = unnamed
        self.rejected: list[Rejected] = []
        self._n_capacity_unreadable = 0
        self._n_unnamed = 0
        self._n_closed = 0
        self._n_by_shape: Counter[str] = Counter()
        #: The ids are the keys, in the order of the rows.
        self._name_by_id: dict[str, str] = {}
        self._lat_deg: list[float] = []
        self._lon_deg: list[float] = []
        self._hazards: list[int] = []
        self._capacity: list[float] = []

    def reject(self, line: int, reason: Reason, value: object) -> None:
        """Note a row that is left out."""
        self.rejected.append(Rejected(line, reason, _printable(str(value))))

    def add(
        self,
        line: int,
        shelter_id: str,
        name: str,
        lat: str,
        lon: str,
        hazards: int | None,
        capacity: str = "",
        *,
        status: str = "",
        shape: str | None = None,
    ) -> None:
        """Check one row as its source gives it; keep it or note why not.

        Parameters
        ----------
        line
            Where the row begins.
        shelter_id, name, lat, lon, capacity
            Texts of the source; an empty capacity is unknown.
        hazards
            Bits of ``Hazard``; ``None`` where the source has an unknown mark.
        status
            Whether the source says that it is closed.
        shape
            What the source has in place of a point.
        """
        shelter_id, given_name = _plain(shelter_id), _plain(name)
        name = given_name or self.unnamed or ""
        if _SURROGATE.search(shelter_id + name):
            self.reject(line, Reason.TEXT, shelter_id + " " + name)
        elif not shelter_id or " " in shelter_id or len(shelter_id.encode()) > MAX_ID_BYTES:
            self.reject(line, Reason.ID, shelter_id)
        elif not name:
            self.reject(line, Reason.NAME, shelter_id)
        elif (place := self._place(line, lat, lon)) is None:
            pass
        elif hazards is None:
            self.reject(line, Reason.HAZARD, shelter_id)
        elif shelter_id in self._name_by_id:
            self.reject(line, Reason.DUPLICATE, shelter_id)
        else:
            self._name_by_id[shelter_id] = name[:MAX_NAME_LETTERS]
            self._lat_deg.append(round(place[0], COORDINATE_DECIMALS))
            self._lon_deg.append(round(place[1], COORDINATE_DECIMALS))
            self._hazards.append(hazards)
            self._capacity.append(self._people(capacity))
            self._n_unnamed += not given_name
            self._n_closed += status.strip().lower() == _CLOSED
            if shape is not None:
                self._n_by_shape[shape] += 1

    def result(self, *, title: str, licence: str, is_hazard_assumed: bool = False) -> ImportResult:
        """Return the good rows as a catalogue, and the bad ones."""
        hazards = np.array(self._hazards, dtype=np.uint8)
        if is_hazard_assumed:
            hazards[:] = Hazard.EARTHQUAKE
        shelters = Shelters(
            id=tuple(self._name_by_id),
            name=tuple(self._name_by_id.values()),
            lat_deg=np.array(self._lat_deg, dtype=np.float64),
            lon_deg=np.array(self._lon_deg, dtype=np.float64),
            hazards=hazards,
            capacity=np.array(self._capacity, dtype=np.float32),
            title=title,
            licence=licence,
            is_synthetic=False,
        )
        for column in (shelters.lat_deg, shelters.lon_deg, shelters.hazards, shelters.capacity):
            column.flags.writeable = False
        return ImportResult(
            shelters=shelters,
            rejected=tuple(self.rejected),
            n_read=len(shelters) + len(self.rejected),
            n_capacity_unreadable=self._n_capacity_unreadable,
            is_hazard_assumed=is_hazard_assumed,
            counted=self.counted,
            n_unnamed=self._n_unnamed,
            unnamed=self.unnamed,
            n_closed=self._n_closed,
            n_by_shape=dict(self._n_by_shape.most_common()),
        )

    def _place(self, line: int, lat: str, lon: str) -> tuple[float, float] | None:
        """Return the coordinates, or note what is wrong with them."""
        lat_deg, lon_deg = _number(lat), _number(lon)
        shown = f"{lat.strip()}, {lon.strip()}"
        if lat_deg is None or lon_deg is None:
            self.reject(line, Reason.NUMBER, shown)
        elif lat_deg == 0 or lon_deg == 0:
            # No shelter stands to the metre on the equator or the prime meridian; a missing number is written so.
            self.reject(line, Reason.ZERO, shown)
        elif not self.extent.holds(lat_deg, lon_deg):
            is_swapped = self.extent.holds(lon_deg, lat_deg)
            self.reject(line, Reason.SWAPPED if is_swapped else Reason.RANGE, shown)
        else:
            return lat_deg, lon_deg
        return None

    def _people(self, text: str) -> float:
        """Return a capacity; NaN where it is unknown or makes no sense."""
        text = text.strip().replace(",", "")
        if not text:
            return math.nan
        people = _number(text)
        if people == _UNKNOWN_CAPACITY:
            return math.nan
        if people is None or people < 0:
            self._n_capacity_unreadable += 1
            return math.nan
        return people


def hazards_named(text: str) -> int:
    """Return the bits of the hazards named in a text such as ``earthquake;tsunami``; other words count for nothing."""
    bits = 0
    for word in _WORDS.split(text.lower()):
        bits |= _HAZARD_WORDS.get(word, 0)
    return bits


def _number(text: str) -> float | None:
    """Return a finite number, ``None`` for anything else."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _plain(text: str) -> str:
    """Return a text on one line, without blanks at its ends (full-width ones too) and without control characters."""
    return _CONTROL.sub("", _BLANK.sub(" ", text)).strip()


def _printable(text: str) -> str:
    """Return a text short enough to show and fit for a UTF-8 file."""
    return _SURROGATE.sub("\ufffd", _plain(text))[:80]
