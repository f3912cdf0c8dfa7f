"""The native wire format: one EventReport as a JSON object, alone or one a line (JSON Lines)."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.json_message import bounded, json_value
from eew.feed.name_counter import Tally
from eew.feed.parsed import Parsed
from eew.feed.refusal import A_TIME, refusal_of
from eew.feed.unusable_member import Spared, converted
from eew.model.document import likely_name, spelled, value_at
from eew.model.errors import ReportDecodeError
from eew.model.records import EventReport, ReportKind

__all__ = [
    "AS_NATIVE",
    "as_report",
    "decode_report",
    "encode_report",
    "load_reports",
    "note_unknown",
    "parse",
    "render",
    "unknown_members",
]

logger = logging.getLogger(__name__)

#: How reports of another format become native ones.
AS_NATIVE = "eew feed listen FILE --format … --json prints native reports"

_KNOWN = frozenset(EventReport.__struct_fields__)
#: With all areas of Japan a report has 30 kB.
_MAX_LINE_BYTES = 100_000
#: A fault has 4 levels.
_MAX_DEPTH = 32
_TIMES = ("issued_at", "origin_at", "detected_at")
_OPTIONAL_TIMES = ("detected_at",)
#: What says which report it is and what it does: a report is not without it.
_MUST = {"event_id", "source", "report_no", "numbering", "kind", "status", "issued_at", "issue_basis", "is_assumed"}
_SOLUTION = {"origin_at", "lat_deg", "lon_deg"}
#: What a report may be without, and a cancel. Areas do not make up for a hypocentre that is given and unusable.
_OPTIONAL = tuple((name,) for name in EventReport.__struct_fields__ if name not in _MUST | _SOLUTION)
_OPTIONAL_IN_CANCEL = (*_OPTIONAL, *((name,) for name in _SOLUTION))
#: Nothing breaks higher than the highest mountain, 8.85 km.
_HIGHEST_KM = 9.0


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read a message of one report, or of several, one a line; empty lines are skipped.

    What a report can be without and cannot be used is left out of it and told after it; a scenario is not read so.

    Raises
    ------
    ReportDecodeError
        At the first bad line, with its number where there are several, or if there is no report at all.
    """
    lines = [(line_no, line) for line_no, line in enumerate(bounded(data, file=file).splitlines(), 1) if line.strip()]
    if not lines:
        raise ReportDecodeError("at least one report, a JSON object a line", file=file)
    spared = Spared()
    reports = [_parsed(line, file, None if len(lines) == 1 else line_no, spared) for line_no, line in lines]
    return (*reports, *spared.parts())


def render(report: EventReport) -> bytes:
    """Write a message of one report: nothing is left out."""
    return encode_report(report)


def encode_report(report: EventReport) -> bytes:
    """Return a report as one line of JSON without the line's end; unknown members are null."""
    return msgspec.json.encode(report)


def decode_report(
    line: bytes,
    *,
    unknown: Tally | None = None,
    file: str | Path | None = None,
    line_no: int | None = None,
) -> EventReport:
    """Read one report.

    Parameters
    ----------
    line
        One JSON object in UTF-8.
    unknown
        Counts the members that nobody knows, by name; they are ignored, and said once each.
    file, line_no
        Where it came from, for the error.

    Returns
    -------
    EventReport
        With its times in UTC.

    Raises
    ------
    ReportDecodeError
        If it is not JSON, not an object, or a member is missing or not as it must be.
    """
    try:
        members = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = line[:80].decode(errors="replace")
        raise ReportDecodeError(f"one JSON object ({error})", file=file, line=line_no, value=shown) from error
    if not isinstance(members, dict):
        raise ReportDecodeError("one JSON object", file=file, line=line_no, value=members)
    if unknown is not None:
        note_unknown(unknown, sorted(members.keys() - _KNOWN), file or "standard input")
    return as_report(members, file=file, line_no=line_no)


def as_report(
    members: Mapping[str, Any],
    *,
    file: str | Path | None = None,
    line_no: int | None = None,
    spared: Spared | None = None,
) -> EventReport:
    """Check the members of a report, as any format names them, and put them in their record.

    Parameters
    ----------
    members
        By the names of ``EventReport``.
    file, line_no
        Where they came from, for the error.
    spared
        With it, a member that a report can be without and that is not as it must be is left out, and told there.

    Raises
    ------
    ReportDecodeError
        Naming the first member that is missing or not as it must be. With ``spared`` only what must be there: who,
        which number, when, what it does, where and when of what is no cancel; and what makes an alert of it: whether
        it is meant, and whether its hypocentre is assumed.

    Notes
    -----
    A depth above all mountains is none: −9.9 is SeisComP's word for unknown.
    """
    if spared is None:
        try:
            report = msgspec.convert(members, EventReport)
        except msgspec.ValidationError as error:
            refusal = refusal_of(error)
            value, field = value_at(members, refusal.path), spelled(refusal.path)
            raise ReportDecodeError(refusal.expected, file=file, line=line_no, field=field, value=value) from error
    else:
        optional = _OPTIONAL_IN_CANCEL if members.get("kind") == ReportKind.CANCEL else _OPTIONAL
        report = converted(
            members, EventReport, spared, optional=optional, whole=("fault",), file=file, line_no=line_no
        )
        if report.depth_km is not None and report.depth_km < -_HIGHEST_KM:
            expected = f"a focus at most {_HIGHEST_KM:g} km above the sea"
            spared.add(ReportDecodeError(expected, file=file, field="depth_km", value=report.depth_km))
            report = msgspec.structs.replace(report, depth_km=None)
    if report.fault is not None and (not report.fault or min(map(len, report.fault)) < 2):
        expected = "a list of segments, each a list of 2 or more [lat, lon, depth_km]"
        wrong = ReportDecodeError(expected, file=file, line=line_no, field="fault", value=members["fault"])
        if spared is None:
            raise wrong
        spared.add(wrong)
        report = msgspec.structs.replace(report, fault=None)
    return _in_utc(report, file, line_no, spared)


def note_unknown(tally: Tally, names: Iterable[str], where: str | Path) -> None:
    """Count members that nobody knows, and say each once: it may be a slip of the hand."""
    for name in names:
        if tally.note(name):
            likely = likely_name(name[:80], _KNOWN)
            hint = f" ({likely}?)" if likely else ""
            logger.warning("report.unknown_member %s: %.80r%s is ignored; more are only counted", where, name, hint)


def unknown_members(data: bytes) -> tuple[str, ...]:
    """Return the members that nobody knows of the reports in a message that could be read."""
    reports = (json_value(line) for line in bounded(data).splitlines() if line.strip())
    return tuple(name for each in reports if isinstance(each, dict) for name in sorted(each.keys() - _KNOWN))


def load_reports(path: str | Path, unknown: Tally | None = None) -> tuple[EventReport, ...]:
    """Read a file of reports, one a line, in the order of the file; empty lines are skipped.

    Parameters
    ----------
    path
        The file.
    unknown
        As in ``decode_report``.

    Raises
    ------
    ReportDecodeError
        At the first bad line, with its number, or if there is no report at all; or naming the format that the file
        looks like.
    """
    unknown = Tally() if unknown is None else unknown
    data = Path(path).read_bytes()
    try:
        reports = tuple(
            decode_report(line, unknown=unknown, file=path, line_no=line_no)
            for line_no, line in enumerate(data.splitlines(), start=1)
            if line.strip()
        )
    except ReportDecodeError as error:
        # It knows all formats, this one too.
        from eew.feed.format_detection import with_likeness

        raise with_likeness(error, "native", data, hint=AS_NATIVE) from error
    if not reports:
        raise ReportDecodeError("at least one report, a JSON object a line", file=path)
    return reports


def _in_utc(report: EventReport, file: str | Path | None, line_no: int | None, spared: Spared | None) -> EventReport:
    times = {name: getattr(report, name) for name in _TIMES if getattr(report, name) is not None}
    for name, value in times.items():
        try:
            times[name] = value.astimezone(UTC)
        except OverflowError as error:
            wrong = ReportDecodeError(A_TIME, file=file, line=line_no, field=name, value=str(value))
            if spared is None or name not in _OPTIONAL_TIMES:
                raise wrong from error
            spared.add(wrong)
            times[name] = None
    return msgspec.structs.replace(report, **times)


def _parsed(line: bytes, file: str | Path | None, line_no: int | None, spared: Spared) -> EventReport:
    bounded(line, file=file, line_no=line_no, max_bytes=_MAX_LINE_BYTES)
    members = json_value(line, file=file, line_no=line_no)
    _refuse_deep(members, file, line_no)
    if not isinstance(members, dict):
        raise ReportDecodeError("one JSON object", file=file, line=line_no, value=members)
    return as_report(members, file=file, line_no=line_no, spared=spared)


def _refuse_deep(value: object, file: str | Path | None, line_no: int | None) -> None:
    """Refuse what nests so deep that to show it would fail."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise ReportDecodeError(f"at most {_MAX_DEPTH} levels", file=file, line=line_no, field="depth")
