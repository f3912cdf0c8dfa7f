"""Scenarios: the reports of real or invented earthquakes, written by hand in TOML (``scenarios/README.md``)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec

from eew.feed.format_detection import looks_like
from eew.feed.formats.native import AS_NATIVE, as_report
from eew.model.document import Document, Steps, likely_name, read_toml, unknown_key
from eew.model.document_faults import faults_of, refuse
from eew.model.errors import MISSING_FIELD, InputError, ReportDecodeError, ScenarioError
from eew.model.records import EventReport, ReportKind
from eew.model.region_name import MAX_RADIUS_KM, NAMED_REGIONS, parse_region
from eew.model.region_profile_file import profile_names
from eew.model.shipped import shipped

__all__ = [
    "EVENT_KEYS",
    "IDENTITY_KEYS",
    "REPORT_KEYS",
    "YEAR_FILE",
    "Scenario",
    "is_year",
    "load_scenario",
    "misordered",
    "parse_scenario",
    "scenario_folder",
    "scenario_path",
]

#: A folder that holds this is a year of earthquakes, not a scenario.
YEAR_FILE = "year.toml"

#: What a report may say in a scenario. Areas and signatures are an agency's own: they live in ``.jsonl`` files.
REPORT_KEYS = (
    *(
        "event_id",
        "source",
        "numbering",
        "report_no",
        "issued_s",
        "kind",
        "status",
        "origin_s",
        "detected_at",
        "lat_deg",
        "lon_deg",
    ),
    *("depth_km", "magnitude", "magnitude_type", "place", "is_assumed", "tsunami", "likelihood", "fault"),
    "issue_basis",
)
_OWN_KEYS = ("report_no", "issued_s", "kind", "origin_s")
#: What may be said once for all reports.
EVENT_KEYS = ("origin_at", *(key for key in REPORT_KEYS if key not in _OWN_KEYS))
#: All that a cancel takes over from the event: it does not say where or how strong.
IDENTITY_KEYS = ("event_id", "source", "numbering", "status")

Text = Annotated[str, msgspec.Meta(min_length=1)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Seconds = Annotated[float, msgspec.Meta(ge=-86400, le=86400)]


class _Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    region: Text


class _Circle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lat_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    radius_km: Annotated[float, msgspec.Meta(gt=0, le=MAX_RADIUS_KM)]


_PLACE_KEYS = (*_Region.__struct_fields__, *_Circle.__struct_fields__)


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    sources: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    licence: Text
    profile: Text
    population: dict[str, Any]
    event: dict[str, Any]
    reports: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)]
    notes: str = ""


_TYPES = {field.name: field.type for field in msgspec.structs.fields(EventReport)} | {
    "origin_at": Instant,
    "issued_s": Seconds,
    "origin_s": Seconds,
}


def _table(name: str, keys: Iterable[str], required: Collection[str]) -> type[msgspec.Struct]:
    """Return the record of a table; what a report lacks with the event's table is seen when they are put together."""
    fields = [(key, _TYPES[key]) if key in required else (key, _TYPES[key], None) for key in keys]
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


_Event = _table("_Event", EVENT_KEYS, {"origin_at"})
_Report = _table("_Report", REPORT_KEYS, {"report_no", "kind", "issued_s"})


@dataclass(frozen=True, slots=True)
class Scenario:
    """The reports of some events, and for whom they are to be played."""

    #: The file's name without its ending.
    name: str
    title: str
    sources: tuple[str, ...]
    licence: str
    profile: str
    #: As ``eew devices make --region`` takes it: a name, or ``LAT,LON,KM``.
    population: str
    #: In the order of their issue.
    reports: tuple[EventReport, ...]
    notes: str = ""


def scenario_folder() -> Path:
    """Return the folder of the scenarios that come with eew."""
    return shipped("scenarios")


def is_year(name_or_path: str | Path) -> bool:
    """Return whether a name or path means a year of earthquakes, not a scenario."""
    path = Path(name_or_path)
    folders = (path, scenario_folder() / path)
    return path.name == YEAR_FILE or any((folder / YEAR_FILE).is_file() for folder in folders)


def scenario_path(name_or_path: str | Path) -> Path:
    """Return the file that a name of a shipped scenario or a path means.

    Raises
    ------
    ScenarioError
        If there is neither.
    """
    path = Path(name_or_path)
    folder = scenario_folder()
    if is_year(path):
        expected = "a scenario; a year is played by `eew bench year`"
        raise ScenarioError(expected, field="scenario", value=str(name_or_path))
    if path.is_file():
        return path
    names = sorted(entry.stem for entry in folder.glob("*.toml"))
    if str(name_or_path) in names:
        return folder / f"{name_or_path}.toml"
    expected = f"the path of a scenario file or one of {', '.join(names)}"
    raise ScenarioError(expected, field="scenario", value=str(name_or_path))


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario file.

    Raises
    ------
    ScenarioError
        Naming file, line, field, value and what was expected, at the first thing that is wrong; what else is, in its
        ``also``; or naming the format of feeds that the file looks like.
    """
    try:
        return _Reader(Document.read(Path(path), ScenarioError)).scenario()
    except ScenarioError as error:
        if names := looks_like(Path(path).read_bytes()):
            expected = f"a scenario, which is TOML; it looks like {' or '.join(names)} ({AS_NATIVE})"
            raise ScenarioError(expected, file=path) from error
        raise


def parse_scenario(content: bytes, file: str | Path) -> Scenario:
    """Read a scenario file's content; ``file`` names it in errors and gives the scenario its name.

    Raises
    ------
    ScenarioError
        As ``load_scenario``.
    """
    return _Reader(Document(Path(file), *read_toml(content, file, ScenarioError), ScenarioError)).scenario()


def misordered(reports: Iterable[EventReport]) -> tuple[int, str, str] | None:
    """Find the first report, in the order given, that cannot follow what its event had before.

    Returns
    -------
    tuple of int, str, str, or None
        Its index, the field that is wrong (``issued_at`` or ``report_no``) and what was expected.

    Notes
    -----
    Within one count of an event the issue times never fall (several in one second are real) and the numbers grow; only
    a cancel may reuse the last number, as JMA's do.
    """
    last: dict[tuple[str, str, str | None], EventReport] = {}
    for index, report in enumerate(reports):
        key = report.source, report.event_id, report.numbering
        before = last.get(key)
        if before is not None:
            if report.issued_at < before.issued_at:
                return index, "issued_at", f"not before report {before.report_no} of the event"
            least = before.report_no + (report.kind is not ReportKind.CANCEL)
            if report.report_no < least:
                return index, "report_no", f"{least} or more, after report {before.report_no} of the event"
        last[key] = report
    return None


class _Reader:
    """One scenario file, and all that is wrong with it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._tables = document.tables
        self._faults: list[InputError] = []

    def scenario(self) -> Scenario:
        """Return what the file says."""
        document, tables, faults = self._document, self._tables, self._faults
        faults += faults_of(document, _Document)
        if tables.get("profile", "japan") not in profile_names():
            faults.append(document.wrong(("profile",), " or ".join(profile_names())))
        population = self._population()
        if isinstance(tables.get("event"), dict):
            faults += faults_of(document, _Event, ("event",))
        reports = tables.get("reports")
        places: list[Steps] = [("reports", index) for index in range(len(reports) if isinstance(reports, list) else 0)]
        for place in places:
            faults += faults_of(document, _Report, place)
        # What follows puts tables together, and would say of each report what is wrong with the event.
        refuse(faults)
        zero_at = tables["event"]["origin_at"]
        said = [self._report(index, zero_at) for index in range(len(places))]
        refuse(faults)
        told = [report for report in said if report is not None]
        if (wrong := misordered(told)) is not None:
            index, field, expected = wrong
            raise document.wrong(("reports", index, "issued_s" if field == "issued_at" else field), expected)
        return Scenario(
            name=document.path.stem,
            title=tables["title"],
            sources=tuple(tables["sources"]),
            licence=tables["licence"],
            profile=tables["profile"],
            population=population,
            reports=tuple(sorted(told, key=lambda report: report.issued_at)),
            notes=tables.get("notes", "").strip(),
        )

    def _population(self) -> str:
        """Return where people live, as ``parse_region`` takes it; note what it would refuse."""
        place, table = ("population",), self._tables.get("population")
        if not isinstance(table, dict):
            return ""
        if not table:
            expected = f"{MISSING_FIELD}, or lat_deg, lon_deg and radius_km"
            self._faults.append(self._document.wrong((*place, "region"), expected))
            return ""
        meant = {likely_name(key, _PLACE_KEYS) for key in table}
        if meant == {None}:
            for key in table:
                problem, expected, _ = unknown_key(_PLACE_KEYS, key)
                self._faults.append(self._document.wrong((*place, key), expected, problem=problem))
            return ""
        kind: type[msgspec.Struct] = _Region if "region" in meant else _Circle
        if faults := faults_of(self._document, kind, place):
            self._faults += faults
            return ""
        if kind is _Circle:
            text = ",".join(f"{table[key]:.12g}" for key in _Circle.__struct_fields__)
            parse_region(text)
            return text
        if table["region"].lower() not in NAMED_REGIONS:
            self._faults.append(self._document.wrong((*place, "region"), f"one of {', '.join(NAMED_REGIONS)}"))
        return str(table["region"])

    def _report(self, index: int, zero_at: datetime) -> EventReport | None:
        """Return a report as a feed would send it; ``None`` and a note where it is none."""
        place: Steps = ("reports", index)
        own: dict[str, Any] = self._tables["reports"][index]
        event: dict[str, Any] = self._tables["event"]
        is_cancel = own["kind"] == ReportKind.CANCEL
        given = {key: event[key] for key in (IDENTITY_KEYS if is_cancel else EVENT_KEYS) if key in event}
        members = {**given, **own}
        try:
            members["issued_at"] = self._instant((*place, "issued_s"), zero_at, own["issued_s"])
            if "origin_s" in own or not is_cancel:
                members["origin_at"] = self._instant((*place, "origin_s"), zero_at, own.get("origin_s", 0.0))
            return as_report(members)
        except ReportDecodeError as error:
            field = error.field or ""
            key = re.split(r"[.\[]", field)[0]
            above: Steps = ("event",) if key in event and key not in own else place
            self._faults.append(self._document.wrong((*above, key), error.expected, error.value))
        except ScenarioError as error:
            self._faults.append(error)
        return None

    def _instant(self, path: Steps, zero_at: datetime, after_s: float) -> datetime:
        try:
            return zero_at + timedelta(seconds=after_s)
        except OverflowError as error:
            raise self._document.wrong(path, "an instant between the years 1 and 9999") from error
