"""Institute of Care-life (ICL, ``chinaeew``): lists of warnings for China."""

from pathlib import Path

import msgspec

from eew.feed.formats.native import as_report
from eew.feed.json_message import Members, epoch_ms, parsed_each, parsed_json
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unsupported
from eew.model.records import AlertStatus, EventReport, ReportKind

__all__ = ["parse", "render"]

_SOURCE = "icl"


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one answer of the service: the last reports of several events, or all reports of one.

    Returns
    -------
    tuple of Parsed
        The reports in the order of their issue, whatever the list's; a heartbeat where the list is empty.

    Raises
    ------
    ReportDecodeError
        If it is no such answer, or something is wrong with every report.

    Notes
    -----
    ``updates`` is the number of the report, counted from 1; a 0, which no published answer has, is taken for 1. Times
    are milliseconds since 1970, ``startAt`` the origin and ``updateAt`` the issue. There are no cancels, no last
    reports and no drills. A code other than 0 is the service's complaint about the question.

    References
    ----------
    [ICL]
    """
    answer = parsed_json(data, file=file)
    code = answer.whole("code")
    if code != 0:
        return (Ignored(f"the service says code {code}, not 0"),)
    listed = answer.objects("data")
    if not listed:
        return (Heartbeat(_SOURCE),)
    parts = parsed_each(listed, lambda warning: _report(warning, file))
    reports = (part for part in parts if isinstance(part, EventReport))
    others = (part for part in parts if not isinstance(part, EventReport))
    return (*sorted(reports, key=lambda report: report.issued_at), *others)


def render(report: EventReport) -> bytes:
    """Write an answer of one report.

    Resolution: 1 ms, all decimals of numbers. Not sayable: an exercise or test, a last report, the areas, the type of
    magnitude, a detection.

    Raises
    ------
    InputError
        If it is a cancel or no real alert: written down it would read as an alert.
    """
    refuse_unsupported(report, "icl", has_cancel=False)
    name = agency_name(report.event_id)
    warning = {
        "eventId": int(name) if name.isdecimal() and name.isascii() and str(int(name)) == name else name,
        "updates": report.report_no,
        "latitude": report.lat_deg,
        "longitude": report.lon_deg,
        "depth": report.depth_km,
        "epicenter": report.place,
        "startAt": None if report.origin_at is None else epoch_ms(report.origin_at),
        "updateAt": epoch_ms(report.issued_at),
        "magnitude": report.magnitude,
    }
    return msgspec.json.encode({"code": 0, "message": "", "data": [warning]})


def _report(warning: Members, file: str | Path | None) -> EventReport:
    report_no = max(warning.whole("updates"), 1)
    members = {
        "event_id": topic_safe_id(warning.text("eventId")),
        "source": _SOURCE,
        "report_no": report_no,
        "kind": ReportKind.NEW if report_no == 1 else ReportKind.UPDATE,
        "status": AlertStatus.ACTUAL,
        "issued_at": warning.epoch_ms("updateAt"),
        "origin_at": warning.epoch_ms("startAt"),
        "lat_deg": warning.number("latitude"),
        "lon_deg": warning.number("longitude"),
        "depth_km": warning.number_or_none("depth"),
        "magnitude": warning.number_or_none("magnitude"),
        "place": warning.text_or_none("epicenter"),
    }
    return as_report(members, file=file, spared=warning.spared)
