"""Scenarios: the reports of real or invented earthquakes, written by hand in TOML (``scenarios/README.md``)."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from eew.document import Steps, floats, line_of, read_toml, spelled, value_at
from eew.errors import ReportDecodeError, ScenarioError
from eew.feed.formats.native import as_report
from eew.feed.refusal import refusal_of
from eew.model import EventReport, ReportKind
from eew.profile import profile_names
from eew.shipped import shipped

__all__ = [
    "EVENT_KEYS",
    "IDENTITY_KEYS",
    "REPORT_KEYS",
    "YEAR_FILE",
    "Scenario",
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
)
_OWN_KEYS = ("report_no", "issued_s", "kind", "origin_s")
#: What may be said once for all reports.
EVENT_KEYS = ("origin_at", *(key for key in REPORT_KEYS if key not in _OWN_KEYS))
#: All that a cancel takes over from the event: it does not say where or how strong.
IDENTITY_KEYS = ("event_id", "source", "numbering", "status")

_Record = TypeVar("_Record", bound=msgspec.Struct)

Text = Annotated[str, msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(ge=-86400, le=86400)]


class _Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    region: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Circle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lat_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    radius_km: Annotated[float, msgspec.Meta(ge=1, le=20000)]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    sources: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    licence: Text
    profile: Text
    population: dict[str, Any]
    event: dict[str, Any]
    reports: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)]
    notes: str = ""


class _Zero(msgspec.Struct, frozen=True):
    origin_at: Annotated[datetime, msgspec.Meta(tz=True)]


class _Times(msgspec.Struct, frozen=True):
    issued_s: Seconds
    origin_s: Seconds = 0.0


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


def scenario_path(name_or_path: str | Path) -> Path:
    """Return the file that a name of a shipped scenario or a path means.

    Raises
    ------
    ScenarioError
        If there is neither.
    """
    path = Path(name_or_path)
    folder = scenario_folder()
    if path.name == YEAR_FILE or any((each / YEAR_FILE).is_file() for each in (path, folder / path)):
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
        Naming file, line, field, value and what was expected, at the first thing that is wrong.
    """
    return parse_scenario(Path(path).read_bytes(), path)


def parse_scenario(content: bytes, file: str | Path) -> Scenario:
    """Read a scenario file's content; ``file`` names it in errors and gives the scenario its name.

    Raises
    ------
    ScenarioError
        As ``load_scenario``.
    """
    text, tables = read_toml(content, file, ScenarioError)
    return _Reader(str(file), text, tables).scenario()


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
    """One scenario file, its text kept to find the line of what is wrong."""

    def __init__(self, file: str, text: str, tables: dict[str, Any]) -> None:
        self._file = file
        self._text = text
        self._tables = tables

    def scenario(self) -> Scenario:
        """Return what the file says."""
        for path, number in floats(self._tables):
            if not math.isfinite(number):
                raise self._error(path, "a finite number")
        self._refuse_unknown((), _Document.__struct_fields__)
        document = self._converted((), _Document)
        if document.profile not in profile_names():
            raise self._error(("profile",), " or ".join(profile_names()))
        self._refuse_unknown(("event",), EVENT_KEYS)
        zero_at = self._converted(("event",), _Zero).origin_at
        reports = [self._report(index, zero_at) for index in range(len(document.reports))]
        if (wrong := misordered(reports)) is not None:
            index, field, expected = wrong
            raise self._error(("reports", index, "issued_s" if field == "issued_at" else field), expected)
        return Scenario(
            name=Path(self._file).stem,
            title=document.title,
            sources=document.sources,
            licence=document.licence,
            profile=document.profile,
            population=self._population(),
            reports=tuple(sorted(reports, key=lambda report: report.issued_at)),
            notes=document.notes.strip(),
        )

    def _population(self) -> str:
        path = ("population",)
        if "region" in self._tables["population"]:
            self._refuse_unknown(path, _Region.__struct_fields__)
            return self._converted(path, _Region).region
        self._refuse_unknown(path, _Circle.__struct_fields__)
        if not self._tables["population"]:
            raise self._error((*path, "region"), "it to be given, or lat_deg, lon_deg and radius_km")
        circle = self._converted(path, _Circle)
        return f"{circle.lat_deg:.12g},{circle.lon_deg:.12g},{circle.radius_km:.12g}"

    def _report(self, index: int, zero_at: datetime) -> EventReport:
        path = ("reports", index)
        self._refuse_unknown(path, REPORT_KEYS)
        own: dict[str, Any] = self._tables["reports"][index]
        event: dict[str, Any] = self._tables["event"]
        times = self._converted(path, _Times)
        is_cancel = own.get("kind") == ReportKind.CANCEL
        given = {key: event[key] for key in (IDENTITY_KEYS if is_cancel else EVENT_KEYS) if key in event}
        members = {**given, **own}
        members["issued_at"] = self._instant((*path, "issued_s"), zero_at, times.issued_s)
        if "origin_s" in own or not is_cancel:
            members["origin_at"] = self._instant((*path, "origin_s"), zero_at, times.origin_s)
        try:
            return as_report(members)
        except ReportDecodeError as error:
            field = error.field or ""
            key = re.split(r"[.\[]", field)[0]
            above: Steps = ("event",) if key in event and key not in own else path
            raise ScenarioError(
                error.expected,
                file=self._file,
                line=line_of(self._text, (*above, key)),
                field=f"{spelled(above)}.{field}",
                value=_plain(error.value),
            ) from error

    def _instant(self, path: Steps, zero_at: datetime, after_s: float) -> datetime:
        try:
            return zero_at + timedelta(seconds=after_s)
        except OverflowError as error:
            raise self._error(path, "an instant between the years 1 and 9999") from error

    def _converted(self, path: Steps, record: type[_Record]) -> _Record:
        """Read the table at a path into a record."""
        try:
            return msgspec.convert(value_at(self._tables, path), record)
        except msgspec.ValidationError as error:
            wrong = refusal_of(error)
            raise self._error((*path, *wrong.path), wrong.expected) from error

    def _refuse_unknown(self, path: Steps, known: Iterable[str]) -> None:
        """Refuse a key that nobody reads: it is a slip of the hand."""
        table = value_at(self._tables, path)
        names = tuple(known)
        for key in table if isinstance(table, Mapping) else ():
            if key not in names:
                close = difflib.get_close_matches(key, names, n=1)
                raise self._error((*path, key), close[0] if close else f"one of {', '.join(names)}")

    def _error(self, path: Steps, expected: str) -> ScenarioError:
        return ScenarioError(
            expected,
            file=self._file,
            line=line_of(self._text, path),
            field=spelled(path) or None,
            value=_plain(value_at(self._tables, path)),
        )


def _plain(value: object) -> object:
    """Return a value as it stands in the file, as far as that differs from Python's notation."""
    return str(value) if isinstance(value, date) else value
