"""A year: many earthquakes far apart in time, and one rule for who has a device (``scenarios/README.md``)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec

from eew.feed.scenario import YEAR_FILE, scenario_folder
from eew.model.document import Document
from eew.model.document_faults import record_of
from eew.model.errors import ScenarioError
from eew.model.records import AlertStatus, EventReport, ReportKind
from eew.model.region_profile_file import profile_names

__all__ = ["Year", "load_year", "year_path"]

#: Whose reports a year holds: one an earthquake, as the ICL network issues them.
_SOURCE = "icl"

Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    origin_at: Annotated[datetime, msgspec.Meta(tz=True)]
    lat_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    depth_km: Annotated[float, msgspec.Meta(ge=0, le=700)]
    magnitude: Annotated[float, msgspec.Meta(ge=-2, le=10.5)]
    issued_s: Annotated[float, msgspec.Meta(ge=0, le=600)]
    name: Text
    place: Text


class _Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
    devices_per_inhabitant: Annotated[float, msgspec.Meta(gt=0, le=0.1)]


class _Reported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    events: Annotated[int, msgspec.Meta(ge=1)]
    alerts: Annotated[int, msgspec.Meta(ge=1)]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    sources: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    licence: Text
    profile: Text
    notes: Text
    reported: _Reported
    events: Annotated[tuple[_Event, ...], msgspec.Meta(min_length=1)]
    population: _Population


@dataclass(frozen=True, slots=True)
class Year:
    """The earthquakes of a year, and for whom they are to be played."""

    #: The folder's name.
    name: str
    title: str
    sources: tuple[str, ...]
    licence: str
    profile: str
    notes: str
    #: How many earthquakes and, at least, alerts were published of the real year.
    n_events_reported: int
    n_alerts_reported: int
    #: ISO code of the country in which the devices are.
    country: str
    #: The same for every town; at most one for ten.
    devices_per_inhabitant: float
    #: One an earthquake, in the order of their origin.
    reports: tuple[EventReport, ...]
    #: Where each was, in Latin letters.
    names: tuple[str, ...]


def year_path(name_or_path: str | Path) -> Path:
    """Return the file that the name of a shipped year, its folder or a path means.

    Raises
    ------
    ScenarioError
        If there is none.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    if (path / YEAR_FILE).is_file():
        return path / YEAR_FILE
    folder = scenario_folder()
    names = sorted(entry.parent.name for entry in folder.glob(f"*/{YEAR_FILE}"))
    if str(name_or_path) in names:
        return folder / str(name_or_path) / YEAR_FILE
    expected = f"the folder of a year or one of {', '.join(names)}"
    raise ScenarioError(expected, field="year", value=str(name_or_path))


def load_year(path: str | Path) -> Year:
    """Read a year's file.

    Raises
    ------
    ScenarioError
        Naming file, line, field, value and what was expected, at the first thing that is wrong; what else is, in its
        ``also``.
    """
    file = Document.read(Path(path), ScenarioError)
    document = record_of(file, _Document)
    if document.profile not in profile_names():
        raise file.wrong(("profile",), " or ".join(profile_names()))
    for index, (before, event) in enumerate(pairwise(document.events), start=1):
        if event.origin_at <= before.origin_at:
            raise file.wrong(("events", index, "origin_at"), f"after {before.origin_at}")
    return Year(
        name=Path(path).resolve().parent.name,
        title=document.title,
        sources=document.sources,
        licence=document.licence,
        profile=document.profile,
        notes=document.notes.strip(),
        n_events_reported=document.reported.events,
        n_alerts_reported=document.reported.alerts,
        country=document.population.country,
        devices_per_inhabitant=document.population.devices_per_inhabitant,
        reports=tuple(_report(event) for event in document.events),
        names=tuple(event.name for event in document.events),
    )


def _report(event: _Event) -> EventReport:
    return EventReport(
        # The origin time on the clocks there, as the catalogue's own ids are.
        event_id=f"{event.origin_at:%Y%m%d%H%M%S}",
        source=_SOURCE,
        report_no=1,
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=event.origin_at + timedelta(seconds=event.issued_s),
        origin_at=event.origin_at,
        lat_deg=event.lat_deg,
        lon_deg=event.lon_deg,
        depth_km=event.depth_km,
        magnitude=event.magnitude,
        magnitude_type="M",
        place=event.place,
    )
