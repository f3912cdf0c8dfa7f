"""An agency's report: what every feed is read into. Free of numpy, so that a device can read it, too."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

__all__ = [
    "AlertStatus",
    "AreaAnswer",
    "AreaCircle",
    "AreaRing",
    "EventReport",
    "IssueBasis",
    "ReportKind",
    "Rupture",
    "Severity",
    "Solution",
    "TopicWord",
    "Vertex",
]

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
#: Depth of a focus: a little above sea level is real (volcanoes), below 800 km nothing breaks.
Depth = Annotated[float, msgspec.Meta(ge=-10, le=800)]
#: What may stand in one topic level of any broker.
TopicWord = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
#: Latitude, longitude (degrees) and depth (km) of a corner of a fault.
Vertex = tuple[Latitude, Longitude, Depth]
#: The edge of an area: latitude and longitude of each corner, the first one again at the end.
AreaRing = Annotated[tuple[tuple[Latitude, Longitude], ...], msgspec.Meta(min_length=4)]
#: Latitude, longitude (degrees) and radius (km); none is larger than half of the Earth.
AreaCircle = tuple[Latitude, Longitude, Annotated[float, msgspec.Meta(ge=0, le=20_038)]]


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

    @property
    def mark(self) -> str:
        """What every line that tells a person of it begins with: ``EXERCISE`` or ``TEST`` and a space, or nothing."""
        return "" if self is AlertStatus.ACTUAL else f"{self.value.upper()} "


class IssueBasis(StrEnum):
    """What is known of when a report was issued."""

    #: The agency says it.
    STATED = "stated"
    #: The agency does not: it is when the report came in.
    RECEIVED = "received"
    #: Nothing: it is the earliest that is possible, such as the origin. No warning time follows from it.
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How bad it is where an agency gives no intensity: the words of CAP, the worst first [CAP12]."""

    EXTREME = "extreme"
    SEVERE = "severe"
    MODERATE = "moderate"
    MINOR = "minor"


class AreaAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an agency itself says of one of its areas."""

    #: The agency's own.
    code: str
    #: In the agency's language.
    name: str | None = None
    #: Lower and upper intensity on the agency's scale; ``intensity_to`` is ``None`` for "or more".
    intensity_from: float | None = None
    #: The upper one; null: or more.
    intensity_to: float | None = None
    #: When strong shaking comes to the area; null: not foreseen, or it is there already.
    s_arrival_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    #: Strong shaking is there already, by the agency's reckoning.
    is_arrived: bool = False
    #: In words, where the agency gives no intensity.
    severity: Severity | None = None
    #: Where the area is, if the agency says so: rings of [lat, lon], closed, each without holes; with the circles.
    polygons: tuple[AreaRing, ...] | None = None
    #: Where the area is: [lat, lon, radius_km]; with the polygons.
    circles: tuple[AreaCircle, ...] | None = None


class Rupture(msgspec.Struct, frozen=True, kw_only=True):
    """What attenuation may be applied to: a magnitude at a place that the agency located, and did not assume."""

    lat_deg: float
    lon_deg: float
    #: ``None``: unknown.
    depth_km: float | None
    magnitude: float
    #: Segments of a finite fault, each with a vertex at least; none for a point source.
    fault: tuple[tuple[Vertex, ...], ...]


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """When and where the rupture began, by one report."""

    origin_at: datetime
    lat_deg: float
    lon_deg: float
    #: ``None``: unknown.
    depth_km: float | None
    #: ``None``: unknown.
    magnitude: float | None
    #: The agency assumed the hypocentre; its magnitude is a placeholder then.
    is_assumed: bool
    #: As in ``EventReport``.
    fault: tuple[tuple[Vertex, ...], ...] | None

    @property
    def rupture(self) -> Rupture | None:
        """What attenuation may be applied to; ``None`` without a magnitude and where the hypocentre is assumed."""
        if self.is_assumed or self.magnitude is None:
            return None
        return Rupture(
            lat_deg=self.lat_deg,
            lon_deg=self.lon_deg,
            depth_km=self.depth_km,
            magnitude=self.magnitude,
            fault=tuple(segment for segment in self.fault or () if segment),
        )


class EventReport(msgspec.Struct, frozen=True, kw_only=True):
    """One published solution in the sequence of an event, as every feed is read into.

    ``None`` means unknown. Raises ``ValueError`` where it says neither when and where the rupture began nor any area,
    and is no cancel.
    """

    #: The earthquake; the same in all its reports.
    event_id: TopicWord
    #: The agency.
    source: TopicWord
    #: Counted from 1 within the event.
    report_no: Annotated[int, msgspec.Meta(ge=1, le=30000)]
    #: Which count ``report_no`` is of, since numbers of two counts do not compare: JMA counts its ``warnings`` apart
    #: from its forecasts, and a relay may count for itself. Null: the agency's own count of all its reports.
    numbering: TopicWord | None = None
    #: What it does to its event; all but a cancel need ``origin_at``, ``lat_deg`` and ``lon_deg``, or else ``areas``.
    kind: ReportKind
    #: Whether it is meant.
    status: AlertStatus
    #: When the agency sent it, as far as ``issue_basis`` says that this is known.
    issued_at: Annotated[datetime, msgspec.Meta(tz=True)]
    #: Whether ``issued_at`` is the agency's word.
    issue_basis: IssueBasis = IssueBasis.STATED
    #: When the rupture began.
    origin_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    #: When the first station triggered.
    detected_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    #: Epicentre.
    lat_deg: Latitude | None = None
    #: Epicentre.
    lon_deg: Longitude | None = None
    #: Of the focus, below sea level.
    depth_km: Depth | None = None
    #: Null: unknown, and no intensity can be worked out.
    magnitude: Annotated[float, msgspec.Meta(ge=-2, le=10.5)] | None = None
    #: Such as ``Mj`` or ``Mw``.
    magnitude_type: str | None = None
    #: The agency's name of the region, in its language.
    place: str | None = None
    #: The agency assumed the hypocentre (JMA 仮定震源要素): no attenuation may be applied.
    is_assumed: bool = False
    #: Whether the agency warns of one.
    tsunami: bool | None = None
    #: The agency's own, that it is an earthquake.
    likelihood: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    #: Segments of a finite fault, each a closed or open ring of vertices.
    fault: tuple[tuple[Vertex, ...], ...] | None = None
    #: The agency's own intensities and arrivals by area. Without ``origin_at``, ``lat_deg`` or ``lon_deg`` they are all
    #: that is known.
    areas: tuple[AreaAnswer, ...] | None = None
    #: The agency's own, if it signs; kept, not checked.
    signature: str | None = None

    def __post_init__(self) -> None:
        if self.kind is ReportKind.CANCEL or self.areas:
            return
        missing = [name for name in _SOLUTION if getattr(self, name) is None]
        if missing:
            raise ValueError(f"missing required field `{missing[0]}` (only a cancel, or a report of areas, needs none)")

    @property
    def issued_after_s(self) -> float | None:
        """How long after the origin it was issued; ``None`` where one of the two is not known."""
        if self.origin_at is None or self.issue_basis is IssueBasis.UNKNOWN:
            return None
        return (self.issued_at - self.origin_at).total_seconds()

    @property
    def solution(self) -> Solution | None:
        """When and where the rupture began; ``None`` for a cancel, and for a report of areas alone."""
        origin_at, lat_deg, lon_deg = self.origin_at, self.lat_deg, self.lon_deg
        if self.kind is ReportKind.CANCEL or origin_at is None or lat_deg is None or lon_deg is None:
            return None
        return Solution(
            origin_at=origin_at,
            lat_deg=lat_deg,
            lon_deg=lon_deg,
            depth_km=self.depth_km,
            magnitude=self.magnitude,
            is_assumed=self.is_assumed,
            fault=self.fault,
        )

    @property
    def rupture(self) -> Rupture | None:
        """What attenuation may be applied to, if anything (``Solution.rupture``)."""
        solution = self.solution
        return None if solution is None else solution.rupture

    @property
    def is_located(self) -> bool:
        """Whether it says when and where the rupture began; a cancel may, too, of what it takes back."""
        return all(getattr(self, name) is not None for name in _SOLUTION)


#: When and where the rupture began.
_SOLUTION = ("origin_at", "lat_deg", "lon_deg")
