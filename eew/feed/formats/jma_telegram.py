"""JMA code telegrams: types 35 to 37 (forecast), 38 (test), 39 (cancel), 47 (public warning) and 48 (its cancel)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from eew.feed.formats.jma import JST, WARNINGS, has_assumed_values, is_reached, kind_of, warned
from eew.feed.formats.native import as_report
from eew.feed.jma_class import INTENSITY_BY_CLASS, class_of_intensity
from eew.feed.parsed import Ignored, Parsed
from eew.feed.unsupported import refuse_unlocated
from eew.feed.unusable_member import Spared
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

__all__ = ["parse", "render"]

#: A telegram with all of JMA's 194 areas has 4 kB; one with towns some 40 kB.
MAX_BYTES = 100_000

_TEST, _CANCELS, _PUBLIC = "38", {"39", "48"}, {"47", "48"}
_TYPES = {"35", "36", "37", "39", "47", "48"}
_STATUSES = {
    "00": AlertStatus.ACTUAL,
    "01": AlertStatus.EXERCISE,
    "10": AlertStatus.ACTUAL,
    "11": AlertStatus.EXERCISE,
    "30": AlertStatus.TEST,
}
_CANCEL_STATUSES = {"10", "11"}
_REFERENCE = "20"
#: Normal, corrected, mistaken cancel corrected, corrected and final, final; not set.
_NUMBER_KINDS = "06789/"
_MISTAKEN_CANCEL, _FINALS = "7", "89"
#: Classes as two characters.
_CLASSES = {f"0{word}" if len(word) == 1 else word: value for word, value in INTENSITY_BY_CLASS.items()}
_UNKNOWN_CLASS = "//"

_HEAD = re.compile(
    r"^(?P<type>[0-9]{2}) (?P<office>[0-9]{2}) (?P<status>[0-9]{2}) (?P<issued>[0-9]{12}) C[0-9]{2}[ \r]*$",
    re.MULTILINE,
)
_ORIGIN = re.compile(r"\s*(?P<origin>[0-9]{12}|/{12})\s")
_NUMBER = re.compile(r"ND(?P<event>[0-9]{14})\s+NCN(?P<kind>[0-9/])(?P<no>[0-9A-Z][0-9])\s")
_HYPOCENTRE = re.compile(
    r"\s(?:[0-9]{3}|///) (?P<lat>[NS][0-9]{3}|/{4}) (?P<lon>[EW][0-9]{4}|/{5}) (?P<depth>[0-9]{3}|///)"
    r" (?P<magnitude>[0-9]{2}|//) [0-9+/-]{2} RK"
)
_AREA = re.compile(
    r"(?P<code>[0-9]+)\s+S(?P<upper>[0-9+/-]{2})(?P<lower>[0-9+/-]{2})\s+(?P<at>[0-9]{6}|/{6})\s+(?P<flags>[0-9/]{2})\s+"
)
#: Areas, municipalities, places.
_AREA_MARK = re.compile(r"\s(?:EBI|ECI|EII)\s+")
_A_DAY = timedelta(days=1)


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one telegram.

    Parameters
    ----------
    data
        The telegram, with the lines of its transport around it or without.
    file
        Where it came from, for the error.

    Returns
    -------
    tuple of Parsed
        One: a report, or ``Ignored`` for reference information, a test without an earthquake, and a mistaken cancel
        that is taken back without saying the hypocentre again.

    Raises
    ------
    ReportDecodeError
        If it is no such telegram or says something impossible.

    Notes
    -----
    The form is that of [JMA216]. Numbers of reports go to 359 [IIJEEW]: after 99 follow A0 to Z9. A public warning
    (type 47) is read by the forecast that it holds. Areas have codes and no names, and so has the epicentre.

    Arrivals are hours, minutes and seconds only: they follow the origin, so what is earlier is of the day after.
    """
    if len(data) > MAX_BYTES:
        raise ReportDecodeError(f"at most {MAX_BYTES} bytes", file=file, field="size", value=len(data))
    # Beside the titles of the transport, which are EUC-JP and not read, everything is ASCII.
    text = data.decode("ascii", errors="replace").replace("\r\n", "\n")
    head = _HEAD.search(text)
    if head is None:
        shown = text.strip()[:40]
        raise ReportDecodeError("a line like 37 03 00 110312042450 C11", file=file, field="line 1", value=shown)
    if head["status"] == _REFERENCE:
        return (Ignored("reference information or text, no report"),)
    if head["type"] == _TEST:
        return (Ignored("a test of the distribution, without an earthquake"),)
    text = text[head.end() :].partition("9999=")[0] + " "
    if head["status"] == "30" and not _NUMBER.search(text):
        return (Ignored("a test of the distribution, without an earthquake"),)
    spared = Spared()
    return (_parsed(head, text, file, spared), *spared.parts())


def render(report: EventReport) -> bytes:
    """Write a report as a telegram of type 37, or 39 for a cancel, without the lines of a transport.

    Raises
    ------
    InputError
        If the event is not named by 14 digits, the number of the report is above 359, or a time is not of this century:
        a telegram cannot say them.

    Notes
    -----
    Times to the second, positions to 0.1°, depth to 1 km, magnitude to 0.1 from 0 to 9.9, intensities as classes. Left
    out are areas whose code has not three digits and arrivals a day or more after the origin.
    """
    refuse_unlocated(report, "jma-telegram")
    if re.fullmatch("[0-9]{14}", report.event_id) is None:
        raise InputError("14 digits, as a JMA telegram names an event", field="event_id", value=report.event_id)
    if report.report_no > 359:
        raise InputError("at most 359, as a JMA telegram counts", field="report_no", value=report.report_no)
    is_cancel, is_test = report.kind is ReportKind.CANCEL, report.status is AlertStatus.TEST
    status = "30" if is_test else f"{int(is_cancel)}{int(report.status is AlertStatus.EXERCISE)}"
    number = f"{report.report_no:02d}" if report.report_no < 100 else _lettered(report.report_no - 100)
    is_final = report.kind is ReportKind.FINAL
    lines = [
        f"{'39' if is_cancel else '37'} 03 {status} {_stamp(report.issued_at, 'issued_at')} C11",
        "/" * 12 if report.origin_at is None else _stamp(report.origin_at, "origin_at"),
        f"ND{report.event_id} NCN{'9' if is_final else '0'}{number} JD////////////// JN///",
    ]
    if is_cancel:
        lines.append("/// //// ///// /// // // RK///// RT///// RC/////")
    else:
        lines += _rendered_body(report)
    return ("\n".join([*lines, "9999="]) + "\n").encode("ascii")


def _parsed(head: re.Match[str], text: str, file: str | Path | None, spared: Spared) -> Parsed:
    kind, status = head["type"], head["status"]
    _require(kind in _TYPES, "type", kind, " or ".join(sorted(_TYPES)), file)
    _require(status in _STATUSES, "status", status, " or ".join((*_STATUSES, _REFERENCE)), file)
    is_cancel = kind in _CANCELS or status in _CANCEL_STATUSES
    number = _NUMBER.search(text)
    if number is None and kind == "48":
        return Ignored("the cancel of a public warning, which names no report; that of the forecast does")
    shown = text.strip()[:60]
    if number is None or number["kind"] not in _NUMBER_KINDS:
        raise ReportDecodeError("the event and the report, ND and NCN", file=file, field="NCN", value=shown)
    if (origin := _ORIGIN.match(text)) is None:
        raise ReportDecodeError("the time of origin, 12 digits", file=file, field="line 2", value=shown)
    hypocentre = _HYPOCENTRE.search(text, number.end() - 1)
    if not is_cancel and (hypocentre is None or "/" in hypocentre["lat"]):
        if number["kind"] == _MISTAKEN_CANCEL:
            return Ignored("a mistaken cancel taken back, without a hypocentre")
        if kind == "35":
            return Ignored("the greatest intensity alone, without a hypocentre")
    report_no = int(number["no"]) if number["no"].isdecimal() else _unlettered(number["no"])
    origin_at = None if "/" in origin["origin"] else _time(origin["origin"], "origin_at", file)
    members: dict[str, Any] = {
        "event_id": number["event"],
        "source": "jma",
        "report_no": report_no,
        "numbering": WARNINGS if kind in _PUBLIC else None,
        "kind": kind_of(report_no, is_cancel=is_cancel, is_final=number["kind"] in _FINALS),
        "status": _STATUSES[status],
        "issued_at": _time(head["issued"], "issued_at", file),
        "origin_at": origin_at,
    }
    if hypocentre is not None:
        members |= _hypocentre(hypocentre)
    elif not is_cancel:
        raise ReportDecodeError(
            "like 220 N385 E1408 010 68 6+ RK33433", file=file, field="hypocentre", value=text[number.end() :][:40]
        )
    if origin_at is not None and not is_cancel:
        members["areas"] = tuple(_areas(text, origin_at, file, spared)) or None
    return as_report(members, file=file, spared=spared)


def _require(is_so: bool, field: str, value: str, expected: str, file: str | Path | None) -> None:
    if not is_so:
        raise ReportDecodeError(expected, file=file, field=field, value=value)


def _hypocentre(parts: re.Match[str]) -> dict[str, Any]:
    sign = {"N": 0.1, "S": -0.1, "E": 0.1, "W": -0.1}
    lat, lon = (
        None if "/" in parts[name] else round(int(parts[name][1:]) * sign[parts[name][0]], 1) for name in ("lat", "lon")
    )
    depth_km = None if "/" in parts["depth"] else float(parts["depth"])
    magnitude = None if "/" in parts["magnitude"] else int(parts["magnitude"]) / 10
    return {
        "lat_deg": lat,
        "lon_deg": lon,
        "depth_km": depth_km,
        "magnitude": magnitude,
        "is_assumed": has_assumed_values(magnitude, depth_km),
    }


def _areas(text: str, origin_at: datetime, file: str | Path | None, spared: Spared) -> Iterator[dict[str, Any]]:
    for mark in _AREA_MARK.finditer(text):
        end = mark.end()
        while group := _AREA.match(text, end):
            end = group.end()
            is_to_come = "/" not in group["at"] and group["flags"][1] == "0"
            yield {
                "code": group["code"],
                "intensity_from": spared(partial(_intensity, group["lower"], file)),
                "intensity_to": spared(partial(_intensity, group["upper"], file)),
                "s_arrival_at": spared(partial(_after, origin_at, group["at"], file)) if is_to_come else None,
                "is_arrived": is_reached(group["flags"], None),
            }
        rest = text[end : end + 40].strip()
        if rest and not rest.startswith(("ECI", "EII")):
            expected = "like 251 S5-04 042455 00"
            spared.add(ReportDecodeError(expected, file=file, field=mark[0].strip(), value=rest[:24]))


def _intensity(word: str, file: str | Path | None) -> float | None:
    if word == _UNKNOWN_CLASS:
        return None
    if word not in _CLASSES:
        raise ReportDecodeError(f"{', '.join(_CLASSES)} or //", file=file, field="EBI", value=word)
    return _CLASSES[word]


def _after(origin_at: datetime, hhmmss: str, file: str | Path | None) -> datetime:
    """Return the first instant of that time of day that is not before the origin."""
    hour, minute, second = (int(hhmmss[start : start + 2]) for start in (0, 2, 4))
    try:
        arrival_at = origin_at.astimezone(JST).replace(hour=hour, minute=minute, second=second).astimezone(UTC)
    except ValueError as error:
        raise ReportDecodeError("a time of day, hhmmss", file=file, field="EBI", value=hhmmss) from error
    return arrival_at if arrival_at >= origin_at else arrival_at + _A_DAY


def _time(digits: str, field: str, file: str | Path | None) -> datetime:
    """Return the instant of twelve digits, of this century."""
    try:
        return datetime.strptime(f"20{digits}+0900", "%Y%m%d%H%M%S%z").astimezone(UTC)
    except ValueError as error:
        raise ReportDecodeError("a time, yymmddhhmmss", file=file, field=field, value=digits) from error


def _stamp(at: datetime, field: str) -> str:
    local = at.astimezone(JST)
    if not 2000 <= local.year < 2100:
        raise InputError("a time from 2000 to 2099, as a JMA telegram says it", field=field, value=local.isoformat())
    return f"{local:%y%m%d%H%M%S}"


def _lettered(above_99: int) -> str:
    return f"{chr(ord('A') + above_99 // 10)}{above_99 % 10}"


def _unlettered(word: str) -> int:
    return 100 + 10 * (ord(word[0]) - ord("A")) + int(word[1])


def _rendered_body(report: EventReport) -> list[str]:
    lat, lon = round(abs(report.lat_deg or 0.0) * 10), round(abs(report.lon_deg or 0.0) * 10)
    place = (
        f"{'S' if (report.lat_deg or 0.0) < 0 else 'N'}{lat:03d} {'W' if (report.lon_deg or 0.0) < 0 else 'E'}{lon:04d}"
    )
    depth = "///" if report.depth_km is None else f"{max(round(report.depth_km), 0):03d}"
    tenths = None if report.magnitude is None else round(report.magnitude * 10)
    magnitude = "//" if tenths is None or not 0 <= tenths <= 99 else f"{tenths:02d}"
    areas = [area for area in report.areas or () if re.fullmatch("[0-9]{3}", area.code)]
    upper = [area.intensity_to for area in areas if area.intensity_to is not None]
    greatest = _word(max(upper, default=None))
    warned_codes = warned(areas)
    warning = f"{int(bool(warned_codes))}" if areas else "/"
    groups = [_rendered_area(area, report, area.code in warned_codes) for area in areas]
    lines = [" ".join(groups[start : start + 3]) for start in range(0, len(groups), 3)]
    if lines:
        lines[0] = f"EBI {lines[0]}"
    return [f"/// {place} {depth} {magnitude} {greatest} RK///// RT/{warning}/// RC/////", *lines]


def _rendered_area(area: AreaAnswer, report: EventReport, is_warned: bool) -> str:
    arrival, arrived = "//////", "1" if area.is_arrived else "/"
    if area.s_arrival_at is not None and not area.is_arrived and report.origin_at is not None:
        after = area.s_arrival_at.replace(microsecond=0) - report.origin_at.replace(microsecond=0)
        if timedelta(0) <= after < _A_DAY:
            arrival, arrived = f"{area.s_arrival_at.astimezone(JST):%H%M%S}", "0"
    span = f"{_word(area.intensity_to)}{_word(area.intensity_from)}"
    return f"{area.code} S{span} {arrival} {int(is_warned)}{arrived}"


def _word(intensity: float | None) -> str:
    return _UNKNOWN_CLASS if intensity is None else f"{class_of_intensity(intensity):0>2}"
