"""Wolfx ``jma_eew``: JMA's warnings and forecasts, with the areas warned, as one JSON object."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.jma import has_assumed_values, is_reached
from eew.feed.formats.native import as_report
from eew.feed.formats.wolfx import answer, said_beside
from eew.feed.jma_class import class_of_intensity, intensity_or_none
from eew.feed.json_message import Members, parsed_json, time_text
from eew.feed.parsed import Parsed
from eew.feed.report_issue import kind_of
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unlocated
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

__all__ = ["answer", "greeting", "parse", "render"]

_SOURCE = "jma"
_ZONE = timezone(timedelta(hours=9))
#: In the order in which they are looked for in the word of the status, which may join a drill and a cancel.
_STATUSES = {"訓練": AlertStatus.EXERCISE, "試験": AlertStatus.TEST, "参考": AlertStatus.TEST}
_ISSUE_STATUS = {AlertStatus.ACTUAL: "通常", AlertStatus.EXERCISE: "訓練", AlertStatus.TEST: "試験"}
_CLOCK = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])")
#: An area of the telegram: its code and the upper and lower class.
_EBI_AREA = re.compile(r"(?<= )([0-9]{3}) S[0-9/][0-9/+-][0-9/][0-9/+-](?= )")
_AREA_KEYS = {"name": "Chiiki", "upper": "Shindo1", "lower": "Shindo2", "clock": "Time", "arrives": "Arrive"}
_NO_PREDICTION, _ARRIVED = "予測なし", "既に到達と予測"
_UNKNOWN_CLOCK = "//////"


class _WarnArea(msgspec.Struct, rename=_AREA_KEYS.get):
    """An area as it is given."""

    name: str = ""
    upper: str | int | None = None
    lower: str | int | None = None
    clock: str | None = None
    arrives: str | bool | None = None


def greeting() -> str:
    """Return the question for the last report."""
    return "query_jmaeew"


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message, which is one report or something beside the reports.

    Raises
    ------
    ReportDecodeError
        If it is no such message or says something impossible.

    Notes
    -----
    - Times are in UTC+9, to the second. Reports are counted from 1.
    - The magnitude is misspelt ``Magunitude``; the right spelling is read, too.
    - A cancel is read for whom it cancels only; its hypocentre is not looked at.
    - Drills are marked by ``isTraining``, tests only by the word in ``Issue.Status``.
    - The areas have names but no codes: those stand in the same order in the telegram, which is passed on in
      ``OriginalText``. Where it does not list as many, the name stands for the code.
    - ``Shindo1`` is the upper, ``Shindo2`` the lower class of an area by the documentation; whichever is higher is
      taken for the upper. One alone means "or more". ``Time`` is a time of day without date, the predicted arrival
      of the main motion, unless ``Arrive`` says that none is predicted (PLUM) or that it has arrived, or ``//////``.
      What an area says that cannot be read is unknown: it costs neither the area nor the report.
    - The address for HTTP gives the last report however old it is.

    References
    ----------
    [WOLFX], [JMA96]
    """
    message = parsed_json(data, file=file)
    if (beside := said_beside(message, "jma_eew", _SOURCE)) is not None:
        return (beside,)
    report_no = message.whole("Serial")
    is_cancel = message.flag("isCancel")
    issued_at = message.instant("AnnouncedTime", _ZONE)
    members = {
        "event_id": topic_safe_id(message.text("EventID")),
        "source": _SOURCE,
        "report_no": report_no,
        "kind": kind_of(report_no, is_cancel=is_cancel, is_final=message.flag_or_false("isFinal")),
        "status": _status(message),
        "issued_at": issued_at,
    }
    if not is_cancel:
        members |= _hypocentre(message)
        members["areas"] = _areas(message, issued_at)
    return (as_report(members, file=file, spared=message.spared), *message.spared.parts())


def render(report: EventReport) -> bytes:
    """Write a report.

    Resolution: 1 s, 0.1°, 1 km, 0.1 of magnitude, a class of intensity. Not sayable: the type of magnitude, the
    detection, the source (it is JMA).
    """
    refuse_unlocated(report, "wolfx-jma")
    areas = report.areas or ()
    members: dict[str, Any] = {
        "type": "jma_eew",
        "Title": "緊急地震速報（予報）",
        "Issue": {"Source": "東京", "Status": _ISSUE_STATUS[report.status]},
        "EventID": agency_name(report.event_id),
        "Serial": report.report_no,
        "AnnouncedTime": time_text(report.issued_at, _ZONE, day_by="/"),
        "OriginTime": None if report.origin_at is None else time_text(report.origin_at, _ZONE, day_by="/"),
        "Hypocenter": report.place,
        "Latitude": None if report.lat_deg is None else round(report.lat_deg, 1),
        "Longitude": None if report.lon_deg is None else round(report.lon_deg, 1),
        "Magunitude": None if report.magnitude is None else round(report.magnitude, 1),
        "Depth": None if report.depth_km is None else round(report.depth_km),
        "WarnArea": [_warn_area(area) for area in areas],
        "isTraining": report.status is AlertStatus.EXERCISE,
        "isAssumption": report.is_assumed,
        "isFinal": report.kind is ReportKind.FINAL,
        "isCancel": report.kind is ReportKind.CANCEL,
    }
    if areas and all(re.fullmatch("[0-9]{3}", area.code) for area in areas):
        listed = " ".join(f"{area.code} S{_digits(area.intensity_to)}{_digits(area.intensity_from)}" for area in areas)
        members["OriginalText"] = f"EBI {listed} 9999="
    return msgspec.json.encode(members)


def _status(message: Members) -> AlertStatus:
    if message.flag("isTraining"):
        return AlertStatus.EXERCISE
    if "Issue" in message:
        issue = message.members("Issue")
        for part, status in _STATUSES.items():
            if issue.says("Status", part):
                return status
    return AlertStatus.ACTUAL


def _hypocentre(message: Members) -> dict[str, Any]:
    magnitude = message.number_or_none("Magunitude" if "Magunitude" in message else "Magnitude")
    depth_km = message.number_or_none("Depth")
    return {
        "origin_at": message.instant("OriginTime", _ZONE),
        "lat_deg": message.number("Latitude"),
        "lon_deg": message.number("Longitude"),
        "depth_km": depth_km,
        "magnitude": magnitude,
        "place": message.text_or_none("Hypocenter"),
        "is_assumed": message.flag_or_false("isAssumption") or has_assumed_values(magnitude, depth_km),
    }


def _areas(message: Members, issued_at: datetime) -> list[AreaAnswer] | None:
    said = [area for area in message.records("WarnArea", _WarnArea) if area.name]
    if not said:
        return None
    codes = _EBI_AREA.findall((message.text_or_none("OriginalText") or "").partition("EBI")[2])
    if len(codes) != len(said):
        codes = [area.name for area in said]
    return [_answer(area, code, issued_at) for area, code in zip(said, codes, strict=True)]


def _answer(area: "_WarnArea", code: str, issued_at: datetime) -> AreaAnswer:
    lower, upper = intensity_or_none(str(area.lower)), intensity_or_none(str(area.upper))
    if lower is None:
        lower, upper = upper, None
    elif upper is not None and upper < lower:
        lower, upper = upper, lower
    clock = None if area.clock is None else _CLOCK.fullmatch(area.clock)
    words = area.arrives if isinstance(area.arrives, str) else ""
    is_arrived = area.arrives is True or is_reached(None, words)
    arrives_at = None
    if clock is not None and _NO_PREDICTION not in words and not is_arrived:
        arrives_at = _nearest(clock, issued_at)
    return AreaAnswer(
        code=code,
        name=area.name,
        intensity_from=lower,
        intensity_to=upper,
        s_arrival_at=arrives_at,
        is_arrived=is_arrived,
    )


def _nearest(clock: re.Match[str], at: datetime) -> datetime | None:
    """Return a time of day on the day on which it lies nearest to an instant; ``None`` at the ends of time."""
    try:
        local = at.astimezone(_ZONE).replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3]))
        return min((local + timedelta(days) for days in (0, -1, 1)), key=lambda day: abs(day - at)).astimezone(UTC)
    except OverflowError:
        return None


def _warn_area(area: AreaAnswer) -> dict[str, str | bool | None]:
    upper, lower = area.intensity_to, area.intensity_from
    arrives_at = None if area.is_arrived else area.s_arrival_at
    return {
        "Chiiki": area.name or area.code,
        "Shindo1": None if upper is None else _word(upper),
        "Shindo2": None if lower is None else _word(lower),
        "Time": _UNKNOWN_CLOCK if arrives_at is None else arrives_at.astimezone(_ZONE).strftime("%H%M%S"),
        "Arrive": _ARRIVED if area.is_arrived else False,
    }


def _word(intensity: float) -> str:
    return class_of_intensity(intensity).replace("-", "弱").replace("+", "強")


def _digits(intensity: float | None) -> str:
    return "//" if intensity is None else class_of_intensity(intensity).rjust(2, "0")
