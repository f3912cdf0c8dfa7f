"""NIED's strong-motion monitor (kmoni) ``/webservice/hypo/eew/…``: JMA's forecasts, asked for second by second."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.jma import JST, has_assumed_values
from eew.feed.formats.native import as_report
from eew.feed.json_message import A_LOCAL_TIME, Members, instant_of, parsed_json, time_text
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.report_issue import issue, kind_of
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unlocated, refuse_unsupported
from eew.model.records import AlertStatus, EventReport, ReportKind

__all__ = ["NOTHING", "parse", "render", "second_text"]

_SOURCE = "jma"
#: What the service says where there is no report.
NOTHING = "データがありません"
_SECOND = re.compile("([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")
_NUMBER = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)(?:km)?")


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read an answer, which is the report in force at the second asked for, or that there is none.

    Raises
    ------
    ReportDecodeError
        If it is no such answer or says something impossible.

    Notes
    -----
    - The earthquake's name and the number of the report are JMA's, of its forecasts; so the source is JMA, too.
    - Numbers are texts (``"4.6"``, ``"20km"``), truths are truths or texts. Times are in UTC+9, to the second. A depth
      or magnitude that is no number is unknown.
    - An assumed source is not marked: it has JMA's values for one, magnitude 1.0 at 10 km.
    - There are no areas. ``alertflg`` (予報 forecast, 警報 warning) and the greatest intensity are not read. Drills
      are marked, tests are not to be had.
    - The same report is answered for each second as long as it stands; without one the service says so, which is a
      sign of life.

    References
    ----------
    [KMONI]
    """
    answer = parsed_json(data, file=file)
    result = answer.members("result")
    if result.says("message", NOTHING):
        return (Heartbeat(_SOURCE),)
    if not result.says("status", "success"):
        return (Ignored("the service answers without success"),)
    report_no = answer.whole("report_num")
    is_cancel = answer.truth("is_cancel")
    members: dict[str, Any] = {
        "event_id": topic_safe_id(answer.text("report_id")),
        "source": _SOURCE,
        "report_no": report_no,
        "kind": kind_of(report_no, is_cancel=is_cancel, is_final=answer.truth_or_false("is_final")),
        "status": AlertStatus.EXERCISE if answer.truth("is_training") else AlertStatus.ACTUAL,
        "issued_at": answer.instant("report_time", JST),
    }
    if not is_cancel:
        magnitude, depth_km = _number_or_none(answer, "magunitude"), _number_or_none(answer, "depth")
        origin_at = _origin_at(answer)
        members |= issue(members["issued_at"], origin_at)._asdict() | {
            "origin_at": origin_at,
            "lat_deg": answer.number("latitude"),
            "lon_deg": answer.number("longitude"),
            "depth_km": depth_km,
            "magnitude": magnitude,
            "place": answer.text_or_none("region_name"),
            "is_assumed": has_assumed_values(magnitude, depth_km),
        }
    return (as_report(members, file=file, spared=answer.spared), *answer.spared.parts())


def render(report: EventReport) -> bytes:
    """Write the answer for the second of issue.

    Resolution: 1 s, 0.1°, 1 km, 0.1 of magnitude. Not sayable: a test, that a source is assumed unless it has JMA's
    values for one, the type of magnitude, a detection, the areas, the source (it is JMA).

    Raises
    ------
    InputError
        If it is a test, which would read as an alert, or has no hypocentre.
    """
    if report.status is AlertStatus.TEST:
        refuse_unsupported(report, "kmoni", has_cancel=True)
    refuse_unlocated(report, "kmoni")
    answer = {
        "result": {"status": "success", "message": "", "is_auth": True},
        "report_time": time_text(report.issued_at, JST, day_by="/"),
        "region_code": "",
        "request_time": second_text(report.issued_at),
        "region_name": report.place or "",
        "longitude": _text(report.lon_deg, 1),
        "is_cancel": report.kind is ReportKind.CANCEL,
        "depth": "" if report.depth_km is None else f"{_text(max(report.depth_km, 0.0), 0)}km",
        "calcintensity": "",
        "is_final": report.kind is ReportKind.FINAL,
        "is_training": report.status is AlertStatus.EXERCISE,
        "latitude": _text(report.lat_deg, 1),
        "origin_time": "" if report.origin_at is None else second_text(report.origin_at),
        "magunitude": _text(report.magnitude, 1),
        "report_num": str(report.report_no),
        "request_hypo_type": "eew",
        "report_id": agency_name(report.event_id),
        "alertflg": "予報",
    }
    return msgspec.json.encode(answer)


def second_text(at: datetime) -> str:
    """Return a second as the service is asked for it: ``20251109201143``, in UTC+9."""
    return f"{at.astimezone(JST):%Y%m%d%H%M%S}"


def _origin_at(answer: Members) -> datetime:
    digits = _SECOND.fullmatch(answer.text("origin_time"))
    at = None if digits is None else instant_of("{}-{}-{} {}:{}:{}".format(*digits.groups()), JST)
    if at is None:
        raise answer.error("origin_time", f"{A_LOCAL_TIME}, as 20110311054645")
    return at


def _number_or_none(answer: Members, name: str) -> float | None:
    """Return a number that may have its unit behind it; what is none is unknown, since it is not all that is said."""
    text = answer.text_or_none(name)
    number = None if text is None else _NUMBER.fullmatch(text)
    return None if number is None else float(number[1])


def _text(number: float | None, digits: int) -> str:
    return "" if number is None else f"{number:.{digits}f}"
