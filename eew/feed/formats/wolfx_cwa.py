"""Wolfx ``cwa_eew``: warnings of Taiwan's Central Weather Administration, as one JSON object."""

import re
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.native import as_report
from eew.feed.formats.wolfx import answer, said_beside
from eew.feed.json_message import Members, parsed_json, time_text
from eew.feed.origin_id import origin_name
from eew.feed.parsed import Parsed
from eew.feed.report_issue import issue, kind_of
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unsupported
from eew.model.records import AlertStatus, EventReport

__all__ = ["answer", "greeting", "parse", "render"]

_SOURCE = "cwa"
_ZONE = timezone(timedelta(hours=8))
#: A number of the agency's for an earthquake: three digits of the year since 1911, then at least four that count.
_NUMBER = re.compile("[1-9][0-9]{6,17}")


def greeting() -> str:
    """Return the question for the last report."""
    return "query_cwaeew"


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message, which is one report or something beside the reports.

    Raises
    ------
    ReportDecodeError
        If it is no such message or says something impossible.

    Notes
    -----
    - Times are in UTC+8, to the second. Reports are counted from 1. The magnitude is misspelt ``Magunitude``; the
      right spelling is read, too. A depth of null is unknown.
    - There is no ``EventID``. ``ID`` is a number: in messages of 2026 the agency's own of the earthquake (``1150074``,
      the same in all its reports and in other relays), in some of 2024 a mere ``1``. A number that is none of the
      agency's is no name: the earthquake is then named by its origin, and whoever takes the messages of a feed
      keeps that name while later reports move the origin (``eew.feed.origin_id``).
    - A ``ReportTime`` that is not after the origin (recorded ones lie as much as 30 s before it) is no time of issue:
      that is unknown.
    - ``isCancel`` came later and is not documented; it is heeded where it is given, and of a cancel only whom it
      cancels is read. There are no drills and no last reports. The greatest intensity is not read.

    References
    ----------
    [WOLFX]
    """
    message = parsed_json(data, file=file)
    if (beside := said_beside(message, "cwa_eew", _SOURCE)) is not None:
        return (beside,)
    report_no = message.whole("ReportNum")
    is_cancel = message.flag("isCancel")
    name = _name(message)
    members: dict[str, Any] = {
        "source": _SOURCE,
        "report_no": report_no,
        "kind": kind_of(report_no, is_cancel=is_cancel),
        "status": AlertStatus.ACTUAL,
        "issued_at": message.instant("ReportTime", _ZONE),
    }
    if not is_cancel or name is None:
        origin_at = message.instant("OriginTime", _ZONE)
        members |= issue(members["issued_at"], origin_at)._asdict() | {
            "origin_at": origin_at,
            "lat_deg": message.number("Latitude"),
            "lon_deg": message.number("Longitude"),
            "depth_km": message.number_or_none("Depth"),
            "magnitude": message.number_or_none("Magunitude" if "Magunitude" in message else "Magnitude"),
            "place": message.text_or_none("HypoCenter"),
        }
    if name is None:
        name = origin_name(members["origin_at"], members["lat_deg"], members["lon_deg"])
    return (as_report(members | {"event_id": name}, file=file, spared=message.spared), *message.spared.parts())


def render(report: EventReport) -> bytes:
    """Write a report.

    Resolution: 1 s, 0.01°, 1 km, 0.1 of magnitude. Not sayable: an exercise or test, a last report (an update), and
    whatever the feed has no member for.

    Raises
    ------
    InputError
        If it is a cancel or no real alert: written down it would read as an alert.
    """
    refuse_unsupported(report, "wolfx-cwa", has_cancel=False)
    name = agency_name(report.event_id)
    members: dict[str, Any] = {
        "type": "cwa_eew",
        "ID": int(name) if _NUMBER.fullmatch(name) else name,
        "ReportTime": time_text(report.issued_at, _ZONE),
        "ReportNum": report.report_no,
        "OriginTime": None if report.origin_at is None else time_text(report.origin_at, _ZONE),
        "HypoCenter": report.place,
        "Latitude": None if report.lat_deg is None else round(report.lat_deg, 2),
        "Longitude": None if report.lon_deg is None else round(report.lon_deg, 2),
        "Magunitude": None if report.magnitude is None else round(report.magnitude, 1),
        "Depth": None if report.depth_km is None else round(report.depth_km),
    }
    return msgspec.json.encode(members)


def _name(message: Members) -> str | None:
    """Return the earthquake's name where the message gives one: a text, or a number of the agency's."""
    name = message.text_or_none("ID")
    is_name = name is not None and (not message.is_number("ID") or _NUMBER.fullmatch(name) is not None)
    return topic_safe_id(name) if name is not None and is_name else None
