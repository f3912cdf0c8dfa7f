"""Names of earthquakes that their agency gives none: the first origin, for as long as reports mean one earthquake."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from eew.model.report import EventReport, Solution
from eew.model.units import seconds_after
from eew.physics.earth import epicentral_km

__all__ = ["OriginNames", "origin_name"]

#: What an agency's next report may differ by: what two agencies may (docs/merging.md).
_LONGEST_S, _FARTHEST_KM = 10.0, 100.0
#: How many earthquakes are known again, and how many reports of each.
_MOST_EVENTS, _MOST_REPORTS = 64, 256

#: Beyond this nothing is a place; whoever checks it says so.
_NO_DEG = 999.0

#: Origin time, latitude, longitude, magnitude.
_Figures = tuple[datetime, float, float, float | None]


def origin_name(origin_at: datetime, lat_deg: float, lon_deg: float) -> str:
    """Return a name made of time and place, to 1 s and 0.01°: ``at-20240402T235810Z-2389N12156E``."""
    lat, lon = (round(100 * max(-_NO_DEG, min(degrees, _NO_DEG))) for degrees in (lat_deg, lon_deg))
    place = f"{abs(lat):04d}{'S' if lat < 0 else 'N'}{abs(lon):05d}{'W' if lon < 0 else 'E'}"
    return f"at-{origin_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{place}"


@dataclass(slots=True)
class _Event:
    """What one earthquake's reports said so far."""

    name: str
    last: Solution
    figures_by_no: dict[int, _Figures] = field(default_factory=dict)


class OriginNames:
    """Keeps the name that an earthquake's first report gave it while later ones move its origin.

    A report continues the earthquake nearest to it in time within 10 s and 100 km, unless that had another solution
    under the same number: an agency counts the reports of an earthquake, so that is a second one.
    """

    def __init__(self) -> None:
        self._events: OrderedDict[tuple[str, str], _Event] = OrderedDict()

    def kept(self, report: EventReport) -> EventReport:
        """Return a report under the name of its earthquake; one whose name is its agency's comes back as it is."""
        solution = report.solution
        if solution is None or report.event_id != origin_name(solution.origin_at, solution.lat_deg, solution.lon_deg):
            return report
        event = self._of(report, solution)
        if event is None:
            event = _Event(report.event_id, solution)
        event.last = solution
        event.figures_by_no[report.report_no] = _figures(solution)
        if len(event.figures_by_no) > _MOST_REPORTS:
            del event.figures_by_no[next(iter(event.figures_by_no))]
        key = report.source, event.name
        self._events[key] = event
        self._events.move_to_end(key)
        if len(self._events) > _MOST_EVENTS:
            self._events.popitem(last=False)
        return report if event.name == report.event_id else msgspec.structs.replace(report, event_id=event.name)

    def _of(self, report: EventReport, solution: Solution) -> _Event | None:
        """Return the earthquake that a report continues."""
        own = _figures(solution)
        found = [
            (_apart_s(event.last, solution), event)
            for (source, _), event in self._events.items()
            if source == report.source
            and _is_near(event.last, solution)
            and event.figures_by_no.get(report.report_no, own) == own
        ]
        return min(found, key=lambda pair: pair[0])[1] if found else None


def _figures(solution: Solution) -> _Figures:
    return solution.origin_at, solution.lat_deg, solution.lon_deg, solution.magnitude


def _apart_s(one: Solution, other: Solution) -> float:
    return abs(seconds_after(one.origin_at, other.origin_at))


def _is_near(one: Solution, other: Solution) -> bool:
    return (
        _apart_s(one, other) <= _LONGEST_S
        and epicentral_km(one.lat_deg, one.lon_deg, other.lat_deg, other.lon_deg) <= _FARTHEST_KM
    )
