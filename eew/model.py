"""The records between the stages: the only place where stages meet.

    feed ──EventReport──▶ estimate ──Estimate──▶ decision ──AlertPlan──▶ fanout ──Delivery──▶ summary

What has one value an event is a field; what has one value a device (or cell) is a read-only column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt

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
    "IssueRule",
    "Level",
    "LevelRule",
    "Profile",
    "ReportKind",
    "RowColumn",
    "SentRange",
    "ShelterColumns",
    "Shelters",
    "Vertex",
]

FloatColumn = npt.NDArray[np.float32]
RowColumn = npt.NDArray[np.int32]
CodeColumn = npt.NDArray[np.uint8]

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
#: Depth of a focus: a little above sea level is real (volcanoes), below 800 km nothing breaks.
Depth = Annotated[float, msgspec.Meta(ge=-10, le=800)]
#: What may stand in one topic level of any broker.
TopicWord = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
#: Latitude, longitude (degrees) and depth (km) of a corner of a fault.
Vertex = tuple[Latitude, Longitude, Depth]


LevelWord = Literal["critical", "active", "passive", "none"]


class ReportKind(StrEnum):
    """What a report does to its event."""

    NEW = "new"
    UPDATE = "update"
    FINAL = "final"
    CANCEL = "cancel"


class AlertStatus(StrEnum):
    """Whether it is meant: an exercise is marked as such wherever a person sees it."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class Level(IntEnum):
    """How loud an alert is. ``NONE`` is not sent; the rest is ordered by urgency."""

    NONE = 0
    PASSIVE = 1
    ACTIVE = 2
    CRITICAL = 3

    @property
    def word(self) -> LevelWord:
        """The word in payloads and tables."""
        return _LEVEL_WORDS[self]


_LEVEL_WORDS: dict[Level, LevelWord] = {
    Level.NONE: "none",
    Level.PASSIVE: "passive",
    Level.ACTIVE: "active",
    Level.CRITICAL: "critical",
}


class DeviceKind(IntEnum):
    """What sort of device it is."""

    PHONE = 0
    TV = 1


class AreaAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an agency itself says of one of its areas."""

    code: str
    name: str | None = None
    #: Lower and upper intensity on the agency's scale; ``intensity_to`` is ``None`` for "or more".
    intensity_from: float | None = None
    intensity_to: float | None = None
    s_arrival_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class EventReport(msgspec.Struct, frozen=True, kw_only=True):
    """One published solution in the sequence of an event, as every feed is read into.

    ``None`` means unknown. Raises ``ValueError`` where what every report but a cancel must say is missing.
    """

    event_id: TopicWord
    source: TopicWord
    report_no: Annotated[int, msgspec.Meta(ge=1, le=30000)]
    kind: ReportKind
    status: AlertStatus
    issued_at: Annotated[datetime, msgspec.Meta(tz=True)]
    origin_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    detected_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    lat_deg: Latitude | None = None
    lon_deg: Longitude | None = None
    depth_km: Depth | None = None
    magnitude: Annotated[float, msgspec.Meta(ge=-2, le=10.5)] | None = None
    magnitude_type: str | None = None
    place: str | None = None
    #: The agency assumed the hypocentre (JMA 仮定震源要素): no attenuation may be applied.
    is_assumed: bool = False
    tsunami: bool | None = None
    likelihood: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    #: Segments of a finite fault, each a closed or open ring of vertices.
    fault: tuple[tuple[Vertex, ...], ...] | None = None
    areas: tuple[AreaAnswer, ...] | None = None
    signature: str | None = None

    def __post_init__(self) -> None:
        if self.kind is ReportKind.CANCEL:
            return
        missing = [name for name in ("origin_at", "lat_deg", "lon_deg") if getattr(self, name) is None]
        if missing:
            raise ValueError(f"missing required field `{missing[0]}` (only a cancel may leave it out)")


@dataclass(frozen=True, slots=True)
class LevelRule:
    """One way to reach a level; all that is given must hold."""

    #: Least intensity at the device, on the profile's scale.
    min_intensity: float
    #: Least magnitude, compared after rounding to 0.1 as agencies do.
    min_magnitude: float | None = None
    #: Least intensity that must be expected somewhere.
    min_anywhere: float | None = None


@dataclass(frozen=True, slots=True)
class IssueRule:
    """One way for a report to be issued at all; all that is given must hold."""

    min_magnitude: float | None = None
    min_anywhere: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A region's practice: which formula, which thresholds, which language. Data, not code."""

    name: str
    title: str
    #: ``jma``, ``mmi``, ``csis`` or ``cwa``: what an intensity number means.
    scale: str
    intensity_model: str
    travel_times: str
    #: Taken where a report does not say the depth, km.
    default_depth_km: float
    levels: Mapping[Level, tuple[LevelRule, ...]]
    issue: tuple[IssueRule, ...]
    #: Region and language of the help cards, ``jp/ja``.
    info: str
    #: How long after the last S arrival among the told an alert stays valid, s.
    validity_s: float
    sources: tuple[str, ...]
    #: Agencies whose word counts before others', in order of preference.
    leading: tuple[str, ...] = ()

    @property
    def min_intensity(self) -> float:
        """The least intensity at which anyone is told."""
        return min(rule.min_intensity for rules in self.levels.values() for rule in rules)


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
