"""ExpTech (TREM) ``/api/v2/eq/eew``: the warnings in force, of Taiwan's agency and of others, as a JSON list."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.native import as_report
from eew.feed.json_message import Members, epoch_ms, parsed_each, parsed_objects
from eew.feed.parsed import Heartbeat, Parsed
from eew.feed.report_issue import issue, kind_of
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unsupported
from eew.model.records import AlertStatus, EventReport, ReportKind

__all__ = ["parse", "render"]

_SERVICE = "exptech"
_CANCEL = 3
#: Of an assumed source: no report is issued for an earthquake so small.
_ASSUMED_MAGNITUDE = 1
#: Authors that other feeds know by another name; NIED hands on JMA's.
_SOURCE_BY_AUTHOR: Mapping[str, str] = {"cwb": "cwa", "nied": "jma", "scdzj": "sc", "fjdzj": "fj"}
_AUTHOR_BY_SOURCE = {"sc": "scdzj", "fj": "fjdzj"}


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read an answer, or an event of the stream: the newest report of each earthquake that is warned of now.

    Returns
    -------
    tuple of Parsed
        In the order of the list; a heartbeat where it is empty, which it is but for minutes of a day.

    Raises
    ------
    ReportDecodeError
        If it is no such list, or something is wrong with every report of it.

    Notes
    -----
    - The author is the source, under the name that other feeds have for it: ``cwa``, ``kma``, ``jma`` (also where NIED
      hands it on), ``sc`` (``scdzj``), ``fj`` (``fjdzj``), and ``trem``, the service's own network.
    - Reports are counted from 1; that these are the agency's own numbers is not said, so the count is the service's.
    - ``status`` 0 is a forecast, 1 a warning, 3 a cancel; the service's own clients take all others for forecasts, too.
      ``final`` is 0 or 1. There are no drills.
    - Times are milliseconds since 1970. Recorded reports of CWA have the origin as their time: that of issue is then
      unknown.
    - A magnitude of 1 means that the source is assumed, as the service's clients say, too. The greatest intensity is
      not read.

    References
    ----------
    [EXPTECH]
    """
    listed = parsed_objects(data, file=file)
    if not listed:
        return (Heartbeat(_SERVICE),)
    return parsed_each(listed, lambda warning: _report(warning, file))


def render(report: EventReport) -> bytes:
    """Write an answer of one report, as a forecast.

    Resolution: 1 ms, 0.01°, 0.1 km, 0.1 of magnitude. Not sayable: an exercise or test, that a source is assumed
    unless its magnitude is 1, the type of magnitude, a detection, the areas.

    Raises
    ------
    InputError
        If it is no real alert: written down it would read as one.
    """
    refuse_unsupported(report, "exptech", has_cancel=True)
    origin_at = report.origin_at or report.issued_at
    warning = {
        "author": _AUTHOR_BY_SOURCE.get(report.source, report.source),
        "id": agency_name(report.event_id),
        "serial": report.report_no,
        "status": _CANCEL if report.kind is ReportKind.CANCEL else 0,
        "final": int(report.kind is ReportKind.FINAL),
        "eq": {
            "time": epoch_ms(origin_at),
            "lon": None if report.lon_deg is None else round(report.lon_deg, 2),
            "lat": None if report.lat_deg is None else round(report.lat_deg, 2),
            "depth": None if report.depth_km is None else round(report.depth_km, 1),
            "mag": None if report.magnitude is None else round(report.magnitude, 1),
            "loc": report.place,
        },
        "time": epoch_ms(report.issued_at),
    }
    return msgspec.json.encode([warning])


def _report(warning: Members, file: str | Path | None) -> EventReport:
    author = warning.text("author").lower()
    report_no = warning.whole("serial")
    members: dict[str, Any] = {
        "event_id": topic_safe_id(warning.text("id")),
        "source": topic_safe_id(_SOURCE_BY_AUTHOR.get(author, author)),
        "report_no": report_no,
        "numbering": _SERVICE,
        "status": AlertStatus.ACTUAL,
        "issued_at": warning.epoch_ms("time"),
    }
    if warning.whole("status") == _CANCEL:
        return as_report(members | {"kind": ReportKind.CANCEL}, file=file, spared=warning.spared)
    earthquake = warning.members("eq")
    origin_at = earthquake.epoch_ms("time")
    magnitude = earthquake.number_or_none("mag")
    members |= issue(members["issued_at"], origin_at)._asdict() | {
        "kind": kind_of(report_no, is_final=warning.truth_or_false("final")),
        "origin_at": origin_at,
        "lat_deg": earthquake.number("lat"),
        "lon_deg": earthquake.number("lon"),
        "depth_km": earthquake.number_or_none("depth"),
        "magnitude": magnitude,
        "place": earthquake.text_or_none("loc"),
        "is_assumed": magnitude == _ASSUMED_MAGNITUDE,
    }
    return as_report(members, file=file, spared=warning.spared)
