"""The records between the stages: the only place where stages meet.

    feed ──EventReport──▶ estimate ──Estimate──▶ decision ──AlertPlan──▶ fanout ──Delivery──▶ summary

What has one value an event is a field; what has one value a device (or cell) is a read-only column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from eew.model.region_profile import IssueRule, Level, LevelRule, LevelWord, Profile
from eew.model.report import (
    AlertStatus,
    AreaAnswer,
    EventReport,
    IssueBasis,
    ReportKind,
    Rupture,
    Severity,
    Solution,
    TopicWord,
    Vertex,
)

__all__ = [
    "AlertPlan",
    "AlertStatus",
    "AreaAnswer",
    "Cells",
    "CodeColumn",
    "Delivery",
    "DeviceKind",
    "Devices",
    "Estimate",
    "EventReport",
    "FloatColumn",
    "Hazard",
    "IssueBasis",
    "IssueRule",
    "Level",
    "LevelRule",
    "LevelWord",
    "Profile",
    "ReportKind",
    "RowColumn",
    "Rupture",
    "SentRange",
    "Severity",
    "ShelterColumns",
    "Shelters",
    "Solution",
    "TopicWord",
    "Vertex",
]

FloatColumn = npt.NDArray[np.float32]
RowColumn = npt.NDArray[np.int32]
CodeColumn = npt.NDArray[np.uint8]


class DeviceKind(IntEnum):
    """What sort of device it is."""

    PHONE = 0
    TV = 1


class Hazard(IntEnum):
    """What a shelter is meant for, as bits."""

    EARTHQUAKE = 1
    TSUNAMI = 2


@dataclass(frozen=True, slots=True)
class Shelters:
    """A catalogue of evacuation places; columns have shape ``(n,)``."""

    id: tuple[str, ...]
    name: tuple[str, ...]
    lat_deg: npt.NDArray[np.float64]
    lon_deg: npt.NDArray[np.float64]
    #: Bits of ``Hazard``.
    hazards: npt.NDArray[np.uint8]
    #: People; NaN where unknown.
    capacity: npt.NDArray[np.float32]
    title: str
    licence: str
    is_synthetic: bool

    def __len__(self) -> int:
        """How many places."""
        return len(self.id)


@dataclass(frozen=True, slots=True)
class ShelterColumns:
    """The nearest shelter of each device; columns have shape ``(n,)`` in the order of ``Devices``."""

    #: Row in the catalogue, −1 where there is none.
    shelter_row: RowColumn
    distance_m: FloatColumn
    #: Clockwise from north, 0 to 359, as seen from the device.
    bearing_deg: npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Devices:
    """A population: rows of read-only columns, in Morton order of their cells; columns have shape ``(n,)``."""

    #: ASCII, unique, at most 32 bytes.
    id: npt.NDArray[np.bytes_]
    lat_deg: FloatColumn
    lon_deg: FloatColumn
    #: Cell of ``cells.DEVICE_LEVEL``; never falls from row to row.
    cell: npt.NDArray[np.uint32]
    #: Codes of ``DeviceKind``.
    kind: CodeColumn
    region: str
    seed: int | None

    def __len__(self) -> int:
        """How many devices."""
        return len(self.cell)


@dataclass(frozen=True, slots=True)
class Cells:
    """The populated cells of a population, in Morton order."""

    level: int
    #: Shape ``(n,)``.
    cell: npt.NDArray[np.uint32]
    #: Shape ``(n + 1,)``: the devices of cell ``i`` are rows ``first_row[i]`` to ``first_row[i + 1]``.
    first_row: RowColumn

    def __len__(self) -> int:
        """How many cells."""
        return len(self.cell)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What each target (device or cell) will feel, and when, by one report.

    Only targets that reach the least intensity asked for are in it. Columns have shape ``(n,)``, are in ascending
    order of ``target_row`` and read-only.
    """

    target_row: RowColumn
    intensity: FloatColumn
    #: After origin time.
    p_arrival_s: FloatColumn
    #: After origin time; never before ``p_arrival_s``.
    s_arrival_s: FloatColumn
    #: How much later the S wave arrives each km further out.
    s_slowness_s_km: FloatColumn
    #: Greatest intensity expected anywhere on land or sea, at the epicentre; ``None`` where nothing is known.
    max_intensity: float | None

    def taken(self, position: npt.NDArray[np.integer]) -> "Estimate":
        """Return the estimate of some of its targets; positions ascending, shape ``(m,)``."""
        columns = (self.intensity, self.p_arrival_s, self.s_arrival_s, self.s_slowness_s_km)
        target_row = self.target_row[position]
        intensity, p_arrival_s, s_arrival_s, s_slowness_s_km = (column[position] for column in columns)
        for column in (target_row, intensity, p_arrival_s, s_arrival_s, s_slowness_s_km):
            column.setflags(write=False)
        return Estimate(target_row, intensity, p_arrival_s, s_arrival_s, s_slowness_s_km, self.max_intensity)


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """Whom to tell by one report, in sending order; columns have shape ``(n,)``."""

    report: EventReport
    expires_at: datetime
    scale: str
    info: str
    target_row: RowColumn
    #: Codes of ``Level``.
    level: CodeColumn
    intensity: FloatColumn
    p_arrival_s: FloatColumn
    s_arrival_s: FloatColumn
    s_slowness_s_km: FloatColumn
    #: How far out each level reaches, by its word, km.
    radius_km_by_level: Mapping[str, float]

    def __len__(self) -> int:
        """How many alerts."""
        return len(self.target_row)

    def n_by_level(self) -> dict[LevelWord, int]:
        """Return how many alerts there are of each level that is sent, the loudest first."""
        counts = np.bincount(self.level, minlength=len(Level))
        return {level.word: int(counts[level]) for level in sorted(Level, reverse=True) if level}


@dataclass(frozen=True, slots=True)
class SentRange:
    """Alerts ``start`` to ``end`` of a plan that were handed to the broker's socket together."""

    start: int
    end: int
    at_mono_s: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a plan at the dispatcher: ranges, since alerts leave in the plan's order."""

    plan: AlertPlan
    #: Handed over and confirmed by the broker; ascending.
    sent: tuple[SentRange, ...]
    #: Positions that the broker refused, that were not confirmed, or that were never handed over.
    n_failed: int
    n_superseded: int
    n_expired: int

    @property
    def n_sent(self) -> int:
        """How many alerts the broker has."""
        return sum(each.end - each.start for each in self.sent)
