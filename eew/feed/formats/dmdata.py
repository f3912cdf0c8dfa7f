"""DMDATA's JSON of JMA's early warnings, schema ``eew-information`` 1.0.0, alone or in the frames of its WebSocket."""

from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.dmdata_socket import Telegram, pong_of, read_frame
from eew.feed.formats import jma_xml
from eew.feed.formats.jma import (
    INFO_TYPES,
    STATUSES,
    WARNING_TITLE,
    WARNINGS,
    arrival_digit,
    decoded_json,
    has_assumed_values,
    instant,
    is_reached,
    jst_text,
    kind_of,
    span_words,
    status_word,
    strongest,
    warned,
    with_zone,
)
from eew.feed.formats.native import as_report
from eew.feed.jma_class import INTENSITY_BY_CLASS
from eew.feed.json_message import json_value
from eew.feed.parsed import Ignored, Parsed
from eew.feed.unsupported import refuse_unlocated
from eew.feed.unusable_member import Spared
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

__all__ = ["answer", "greeting", "parse", "render"]

_SCHEMA = "eew-information"
_TITLE = "緊急地震速報（地震動予報）"
_CANCELLED = "先ほどの、緊急地震速報（地震動予報）を取り消します。"
_ASSUMED = "仮定震源要素"
#: What a report can be without.
_OPTIONAL = (
    *(("body", name) for name in ("intensity", "isLastInfo")),
    *(("body", "earthquake", name) for name in ("magnitude", "arrivalTime")),
    *(("body", "earthquake", "hypocenter", name) for name in ("name", "depth")),
)
#: Depths that are said in words, km.
_DEPTH_WORDS = {"ごく浅い": 0.0, "７００ｋｍ以上": 700.0}


class _Schema(msgspec.Struct):
    type: str


class _Value(msgspec.Struct):
    value: str | None = None
    unit: str | None = None
    condition: str | None = None


class _Coordinate(msgspec.Struct):
    latitude: _Value | None = None
    longitude: _Value | None = None


class _Hypocenter(msgspec.Struct):
    name: str | None = None
    coordinate: _Coordinate | None = None
    depth: _Value | None = None


class _Earthquake(msgspec.Struct, rename="camel"):
    hypocenter: _Hypocenter
    origin_time: str | None = None
    arrival_time: str | None = None
    condition: str | None = None
    magnitude: _Value | None = None


class _Span(msgspec.Struct, rename={"lowest": "from", "highest": "to"}):
    lowest: str | None = None
    highest: str | None = None


class _Kind(msgspec.Struct):
    code: str | None = None


class _Region(msgspec.Struct, rename="camel"):
    code: str
    name: str | None = None
    forecast_max_int: _Span | None = None
    is_plum: bool = False
    kind: _Kind | None = None
    condition: str | None = None
    arrival_time: str | None = None


class _Intensity(msgspec.Struct):
    regions: tuple[_Region, ...] = ()


class _Body(msgspec.Struct, rename="camel"):
    is_last_info: bool = False
    is_canceled: bool = False
    earthquake: _Earthquake | None = None
    intensity: _Intensity | None = None


class _Message(msgspec.Struct, rename="camel"):
    status: str
    info_type: str
    report_date_time: str
    event_id: str
    serial_no: str
    body: _Body
    title: str | None = None


class _Head(msgspec.Struct):
    schema: _Schema = msgspec.field(name="_schema")


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message.

    Parameters
    ----------
    data
        One JSON object: ``eew-information``, or a frame of the WebSocket, which may hold one or JMA's XML, packed.
    file
        Where it came from, for the error.

    Returns
    -------
    tuple of Parsed
        A report and what was left out of it; ``Ignored`` for a message of another schema, a telegram of another kind,
        a test (VXSE42) without an earthquake, and what the service complains of; a heartbeat for start, ping and pong.

    Raises
    ------
    ReportDecodeError
        If it is no such message or says something impossible.

    Notes
    -----
    The form is that of [DMDATA]. Where there is no origin time, the time of detection stands for it, as in
    JMA's XML. An area that was reached already or is foreseen by PLUM alone has no arrival to come. A telegram whose
    frame calls it a test is at least one.
    """
    frame = json_value(data, file=file)
    if not isinstance(frame, dict) or "_schema" in frame or "type" not in frame:
        return _parsed(data, file)
    what = read_frame(frame, file=file)
    if not isinstance(what, Telegram):
        return (what,)
    parts = jma_xml.parse(what.data, file=file) if what.form == "xml" else _parsed(what.data, file)
    return tuple(_as_test(part) for part in parts) if what.is_test else parts


def greeting() -> None:
    """Say nothing: what is sent was asked for with the ticket."""


def answer(data: bytes) -> str | None:
    """Answer a ping with the pong that names it: without it the service hangs up."""
    return pong_of(data)


def _as_test(part: Parsed) -> Parsed:
    if not isinstance(part, EventReport) or part.status is not AlertStatus.ACTUAL:
        return part
    return msgspec.structs.replace(part, status=AlertStatus.TEST)


def _parsed(data: bytes, file: str | Path | None) -> tuple[Parsed, ...]:
    spared = Spared()
    head = decoded_json(data, _Head, file, spared)
    if head.schema.type != _SCHEMA:
        return (Ignored(f"a message of another schema: {head.schema.type}"),)
    message = decoded_json(data, _Message, file, spared, _OPTIONAL)
    body = message.body
    for field, word, words in (
        ("status", message.status, tuple(STATUSES)),
        ("infoType", message.info_type, INFO_TYPES),
    ):
        if word not in words:
            raise ReportDecodeError(" or ".join(words), file=file, field=field, value=word)
    if not (message.serial_no.isascii() and message.serial_no.isdecimal() and len(message.serial_no) <= 9):
        raise ReportDecodeError("a whole number", file=file, field="serialNo", value=message.serial_no)
    report_no = int(message.serial_no)
    is_cancel = body.is_canceled or message.info_type == "取消"
    if message.status == "試験" and not is_cancel and body.earthquake is None:
        return (Ignored("a test of the distribution, without an earthquake"),)
    members: dict[str, Any] = {
        "event_id": message.event_id,
        "source": "jma",
        "report_no": report_no,
        "numbering": WARNINGS if message.title == WARNING_TITLE else None,
        "kind": kind_of(report_no, is_cancel=is_cancel, is_final=body.is_last_info),
        "status": STATUSES[message.status],
        "issued_at": with_zone(message.report_date_time),
    }
    if body.earthquake is not None:
        members |= _earthquake(body.earthquake, file, spared)
    if body.intensity is not None:
        members["areas"] = tuple(_area(region, file, spared) for region in body.intensity.regions) or None
    return (as_report(members, file=file, spared=spared), *spared.parts())


def render(report: EventReport) -> bytes:
    """Write a report as a message of VXSE45, or of VXSE43 where its number counts warnings.

    Notes
    -----
    Times to the second, positions to 0.1°, depth to 1 km, magnitude to 0.1, intensities as classes. Which areas are
    warned follows from their classes.
    """
    refuse_unlocated(report, "dmdata")
    is_cancel = report.kind is ReportKind.CANCEL
    body: dict[str, Any] = {"isLastInfo": is_cancel or report.kind is ReportKind.FINAL, "isCanceled": is_cancel}
    body |= {"text": _CANCELLED} if is_cancel else _rendered_body(report)
    issued = jst_text(report.issued_at)
    title = WARNING_TITLE if report.numbering == WARNINGS else _TITLE
    message = {
        "_schema": {"type": _SCHEMA, "version": "1.0.0"},
        "type": title,
        "title": title,
        "status": status_word(report),
        "infoType": "取消" if is_cancel else "発表",
        "editorialOffice": "気象庁本庁",
        "publishingOffice": ["気象庁"],
        "pressDateTime": issued,
        "reportDateTime": issued,
        "targetDateTime": issued,
        "eventId": report.event_id,
        "serialNo": str(report.report_no),
        "infoKind": "緊急地震速報",
        "infoKindVersion": "1.2_0",
        "headline": None,
        "body": body,
    }
    return msgspec.json.encode(message)


def _earthquake(earthquake: _Earthquake, file: str | Path | None, spared: Spared) -> dict[str, Any]:
    place = earthquake.hypocenter
    coordinate, magnitude = place.coordinate or _Coordinate(), earthquake.magnitude or _Value()
    origin = earthquake.origin_time or earthquake.arrival_time
    at = "body.earthquake.hypocenter"
    depth = place.depth or _Value()
    size = spared(lambda: _number(magnitude.value, "body.earthquake.magnitude.value", file))
    depth_km = (
        spared(lambda: _number(depth.value, f"{at}.depth.value", file)) if depth.value else _depth_of(depth.condition)
    )
    return {
        "origin_at": None if origin is None else with_zone(origin),
        "detected_at": None if earthquake.arrival_time is None else with_zone(earthquake.arrival_time),
        "lat_deg": _number((coordinate.latitude or _Value()).value, f"{at}.coordinate.latitude.value", file),
        "lon_deg": _number((coordinate.longitude or _Value()).value, f"{at}.coordinate.longitude.value", file),
        "depth_km": depth_km,
        "magnitude": size,
        "magnitude_type": None if size is None else magnitude.unit,
        "place": place.name,
        "is_assumed": _ASSUMED in (earthquake.condition or "") or has_assumed_values(size, depth_km),
    }


def _depth_of(words: str | None) -> float | None:
    return _DEPTH_WORDS.get(words or "")


def _number(text: str | None, field: str, file: str | Path | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise ReportDecodeError("a number", file=file, field=field, value=text) from error


def _area(region: _Region, file: str | Path | None, spared: Spared) -> dict[str, Any]:
    span, code = region.forecast_max_int or _Span(), region.kind.code if region.kind else None
    arrival = region.arrival_time
    is_to_come = not region.is_plum and region.condition is None and (code or "0")[-1] == "0"
    return {
        "code": region.code,
        "name": region.name,
        "intensity_from": spared(lambda: _intensity(span.lowest, file)),
        "intensity_to": spared(lambda: _intensity(span.highest, file)),
        "s_arrival_at": spared(partial(instant, arrival, "body.intensity.regions.arrivalTime", file))
        if arrival and is_to_come
        else None,
        "is_arrived": is_reached(code, region.condition),
    }


def _intensity(word: str | None, file: str | Path | None) -> float | None:
    if word is None or word in {"over", "不明"}:
        return None
    if word not in INTENSITY_BY_CLASS:
        field = "body.intensity.regions.forecastMaxInt"
        raise ReportDecodeError(f"{', '.join(INTENSITY_BY_CLASS)}, over or 不明", file=file, field=field, value=word)
    return INTENSITY_BY_CLASS[word]


def _rendered_body(report: EventReport) -> dict[str, Any]:
    areas = report.areas or ()
    warned_codes = warned(areas)
    earthquake: dict[str, Any] = {}
    if not (report.is_assumed and report.origin_at == report.detected_at) and report.origin_at is not None:
        earthquake["originTime"] = jst_text(report.origin_at)
    if report.detected_at is not None:
        earthquake["arrivalTime"] = jst_text(report.detected_at)
    if report.is_assumed:
        earthquake["condition"] = _ASSUMED
    lat, lon = f"{report.lat_deg:.1f}", f"{report.lon_deg:.1f}"
    coordinate: dict[str, Any] = {"latitude": {"value": lat}, "longitude": {"value": lon}}
    earthquake["hypocenter"] = {"name": _text(report.place), "coordinate": coordinate}
    if report.depth_km is not None:
        depth_km = round(report.depth_km)
        coordinate["height"] = {"type": "高さ", "unit": "m", "value": str(-1000 * depth_km)}
        earthquake["hypocenter"]["depth"] = {"type": "深さ", "unit": "km", "value": str(depth_km)}
    size = None if report.magnitude is None else f"{report.magnitude:.1f}"
    earthquake["magnitude"] = {"type": "マグニチュード", "value": size, "unit": _text(report.magnitude_type)}
    if size is None:
        earthquake["magnitude"]["condition"] = "Ｍ不明"
    body: dict[str, Any] = {"isWarning": bool(warned_codes), "earthquake": earthquake}
    if areas:
        regions = [_rendered_region(area, area.code in warned_codes) for area in areas]
        body["intensity"] = {**_rendered_span(strongest(areas)), "regions": regions}
    return body


def _rendered_region(area: AreaAnswer, is_warned: bool) -> dict[str, Any]:
    region: dict[str, Any] = {"code": _text(area.code), "name": _text(area.name), **_rendered_span(area)}
    region |= {"isPlum": False, "isWarning": is_warned}
    kind = "緊急地震速報（警報）" if is_warned else "緊急地震速報（予報）"
    region["kind"] = {"name": kind, "code": f"{int(is_warned)}{arrival_digit(area)}"}
    if area.s_arrival_at is not None and not area.is_arrived:
        region["arrivalTime"] = jst_text(area.s_arrival_at)
    return region


def _rendered_span(area: AreaAnswer | None) -> dict[str, Any]:
    if area is None or (span := span_words(area)) is None:
        return {}
    return {"forecastMaxInt": {"from": span[0], "to": span[1]}}


def _text(text: str | None) -> str | None:
    """Return a text without what UTF-8 cannot hold."""
    return None if text is None else text.encode(errors="ignore").decode()
