"""FDSN event services as text (``format=text``): a line an earthquake, minutes late."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from eew.feed.formats.native import as_report
from eew.feed.formats.shakealert import decimal
from eew.feed.json_message import MAX_OBJECTS, bounded, instant_of, parsed_each
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.synthetic_report_no import LAST_NO, synthetic_report_no
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import located, refuse_unsupported
from eew.feed.unusable_member import Spared
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

__all__ = ["parse", "parse_received", "render"]

#: In the standard's order. Services add the type of the event, and more behind it.
_COLUMNS = (
    *("EventID", "Time", "Latitude", "Longitude", "Depth/km", "Author", "Catalog", "Contributor", "ContributorID"),
    *("MagType", "Magnitude", "MagAuthor", "EventLocationName", "EventType"),
)
_NEEDED = ("eventid", "time", "latitude", "longitude", "magnitude")
#: Without a heading a line has at least the standard's.
_FEWEST = 13
_A_TIME = "a time in UTC like 2011-03-11T05:46:23.2"
_EARTHQUAKES = frozenset({"", "earthquake", "induced or triggered event", "induced earthquake", "not reported"})
_NOT_EXISTING = "not existing"
_RESOURCE = re.compile(r"(?:smi|quakeml):.*/([^/]+)")
_NO_WORD = re.compile(r"[^a-z0-9_-]")
#: Contributors by the name that their other feed has here.
_AGENCIES = {"us": "usgs"}

#: What a line says, by the names of its columns in small letters.
_Row = Mapping[str, str]


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read an answer whose time of receipt is not known; else as ``parse_received``."""
    return _parsed(data, file, None)


def parse_received(data: bytes, *, file: str | Path | None = None, received_at: datetime) -> tuple[Parsed, ...]:
    """Read an answer of the service.

    Parameters
    ----------
    data
        Lines with ``|`` between the columns, UTF-8; a line that begins with ``#`` names them, or they are the
        standard's.
    file
        Where it came from, for the error.
    received_at
        When it came in.

    Returns
    -------
    tuple of Parsed
        A report for each line, in their order; a heartbeat where there is only the heading.

    Raises
    ------
    ReportDecodeError
        If it is no such answer, or something is wrong with every line.

    Notes
    -----
    - Times are in UTC, also without a zone. Depth is in km, positive down. Depth and magnitude may be missing.
    - A line does not say when it was last changed: the issue is the receipt, and the number of a report grows with the
      time from origin to receipt (``eew.feed.synthetic_report_no``). Where the receipt is not known, the issue is
      unknown, too, and the number is 1. Each report is an update, since an answer does not say what it has said before.
    - The agency is the contributor, else the catalogue, else the author; EMSC's catalogue is EMSC's, whoever
      contributes. Names are in small letters; "us" is ``usgs``, as in its other feed.
    - Of an id like smi:AUTHORITY/KIND/NAME the NAME is taken, as from QuakeML.
    - What is no earthquake by its type is ignored; "not existing" is a cancel and has the last number.

    References
    ----------
    [FDSN-EVENT]
    """
    return _parsed(data, file, received_at)


def render(report: EventReport) -> bytes:
    """Write an answer of one line.

    Resolution: 1 µs of the origin, numbers as they are. Not sayable: when it was issued, the number of the report, an
    exercise or test, the areas.

    Raises
    ------
    InputError
        If it is a cancel or no real alert: written down it would read as an alert.
    """
    refuse_unsupported(report, "fdsn-text", has_cancel=False)
    solution = located(report, "fdsn-text")
    name, agency = agency_name(report.event_id), report.source
    values = (
        *(name, solution.origin_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")),
        *(solution.lat_deg, solution.lon_deg, solution.depth_km, agency, agency, agency, name),
        *(report.magnitude_type, report.magnitude, agency, report.place, "earthquake"),
    )
    row = "|".join("" if value is None else _said(str(value)) for value in values)
    return f"#{'|'.join(_COLUMNS)}\n{row}\n".encode()


def _parsed(data: bytes, file: str | Path | None, received_at: datetime | None) -> tuple[Parsed, ...]:
    try:
        text = bounded(data, file=file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportDecodeError("UTF-8", file=file, value=data[:20]) from error
    # Not splitlines: names of places may hold what that takes for the end of a line.
    lines = [(line_no, line.strip("\r ")) for line_no, line in enumerate(text.split("\n"), start=1)]
    lines = [(line_no, line) for line_no, line in lines if line]
    names = [name.lower() for name in _COLUMNS]
    has_heading = bool(lines) and lines[0][1].startswith("#")
    if has_heading:
        names = [name.strip().lower() for name in lines[0][1].removeprefix("#").split("|")]
    rows = [(line_no, line) for line_no, line in lines if not line.startswith("#")]
    missing = next((name for name in _NEEDED if name not in names), None)
    if missing is not None or not lines:
        heading = f"#{'|'.join(_COLUMNS[:_FEWEST])}"
        raise ReportDecodeError(heading, file=file, line=lines[0][0] if lines else None, field=missing)
    if not rows:
        return (Heartbeat("fdsn"),)
    if len(rows) > MAX_OBJECTS:
        raise ReportDecodeError(f"at most {MAX_OBJECTS} lines", file=file, field="size", value=len(rows))
    fewest = max(map(names.index, _NEEDED)) + 1 if has_heading else _FEWEST

    spared = Spared()

    def parsed(numbered: tuple[int, str]) -> Parsed:
        line_no, line = numbered
        values = [value.strip() for value in line.split("|")]
        if len(values) < fewest:
            expected = f"{fewest} or more columns with | between"
            raise ReportDecodeError(expected, file=file, line=line_no, value=len(values))
        return _solution(dict(zip(names, values, strict=False)), file, line_no, received_at, spared)

    return *parsed_each(rows, parsed), *spared.parts()


def _solution(row: _Row, file: str | Path | None, line_no: int, received_at: datetime | None, spared: Spared) -> Parsed:
    kind = row.get("eventtype", "").lower()
    is_cancel = kind == _NOT_EXISTING
    if kind not in _EARTHQUAKES and not is_cancel:
        return Ignored(f"no earthquake but {kind[:40]}")
    origin_at = instant_of(row["time"], UTC)
    if origin_at is None:
        raise ReportDecodeError(_A_TIME, file=file, line=line_no, field="Time", value=row["time"])
    issued_at = origin_at if received_at is None else max(origin_at, received_at)
    number = {
        name: decimal(row.get(name), field=name.capitalize(), file=file) for name in ("latitude", "longitude")
    } | {
        name: spared(partial(decimal, row.get(name), field=name.capitalize(), file=file))
        for name in ("depth/km", "magnitude")
    }
    resource = _RESOURCE.fullmatch(row["eventid"])
    members = {
        "event_id": topic_safe_id(row["eventid"] if resource is None else resource[1]),
        "source": _source(row),
        # Other feeds of the same agency say when they were updated.
        "numbering": "fdsn-text",
        "report_no": LAST_NO if is_cancel else synthetic_report_no(origin_at, issued_at),
        "kind": ReportKind.CANCEL if is_cancel else ReportKind.UPDATE,
        "status": AlertStatus.ACTUAL,
        "issued_at": issued_at,
        "issue_basis": IssueBasis.UNKNOWN if received_at is None else IssueBasis.RECEIVED,
        "origin_at": origin_at,
        "lat_deg": number["latitude"],
        "lon_deg": number["longitude"],
        "depth_km": number["depth/km"],
        "magnitude": number["magnitude"],
        "magnitude_type": row.get("magtype") or None,
        "place": row.get("eventlocationname", "").strip('"') or None,
    }
    return as_report(members, file=file, line_no=line_no, spared=spared)


def _source(row: _Row) -> str:
    """Return the agency whose events they are."""
    catalog = row.get("catalog", "")
    said = row.get("contributor") or catalog or row.get("author") or ""
    said = "emsc" if catalog.upper().startswith("EMSC") else said
    word = _NO_WORD.sub("-", said[:64].lower())
    return _AGENCIES.get(word, word) or "fdsn"


def _said(text: str) -> str:
    """Return a text as a column may hold it."""
    return "".join(each if each.isprintable() else " " for each in text.replace("|", "/"))
