"""JMA disaster-prevention XML: VXSE42 (test), 43 (warning), 44 (forecast), 45 (ground-motion forecast)."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from eew.feed.formats.jma import (
    INFO_TYPES,
    STATUSES,
    WARNING_TITLE,
    WARNINGS,
    arrival_digit,
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
from eew.feed.parsed import Ignored, Parsed
from eew.feed.unsupported import refuse_unlocated
from eew.feed.unusable_member import Spared
from eew.feed.xml_document import parsed_xml
from eew.model.errors import MISSING_FIELD, ReportDecodeError
from eew.model.records import AreaAnswer, EventReport, ReportKind
from eew.model.units import iso_utc

__all__ = ["decode_jma_xml", "parse", "render"]

#: The longest telegram seen has 22 kB, the longest possible (all 194 areas) some 80 kB.
MAX_BYTES = 300_000

_INFO_KIND = "緊急地震速報"
_TITLE = "緊急地震速報（地震動予報）"
_CANCELLED = "先ほどの、緊急地震速報（地震動予報）を取り消します。"
_LAST = "この情報をもって、緊急地震速報：最終報とします。"
_ASSUMED = "仮定震源要素"
_COORDINATE = re.compile(r"(?P<lat>[+-][0-9.]{1,12})(?P<lon>[+-][0-9.]{1,12})(?P<depth>[+-][0-9]{1,9})?/")
#: What XML 1.0 cannot hold.
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one telegram.

    Parameters
    ----------
    data
        The telegram, UTF-8.
    file
        Where it came from, for the error.

    Returns
    -------
    tuple of Parsed
        One: a report, or ``Ignored`` for a telegram of another kind and for a test (VXSE42) without an earthquake.

    Raises
    ------
    ReportDecodeError
        If it is no such telegram or says something impossible.

    Notes
    -----
    The serial numbers of VXSE43 count warnings only; those of 44 and 45 count every report. A cancel has the number of
    the report before it. A telegram whose hypocentre is assumed, or stands for a single station, may leave out the
    origin time; the time of detection, which is later, then stands for it. Arrivals are not reckoned from it: without
    a magnitude, or with an assumed hypocentre, there is no attenuation to apply.

    An area of code ``x1`` has been reached already, one of ``x9`` is foreseen by PLUM alone, its time being that of the
    foreseeing: neither says an arrival to come, so ``s_arrival_at`` is ``None``.
    """
    telegram = _telegram(data, file)
    info_kind = telegram.find_text("Head/InfoKind")
    if info_kind not in {None, _INFO_KIND}:
        return (Ignored(f"a telegram of another kind: {info_kind}"),)
    is_cancel = telegram.choice("Head/InfoType", INFO_TYPES) == "取消"
    is_test = telegram.choice("Control/Status", STATUSES) == "試験"
    if is_test and not is_cancel and telegram.find("Body/Earthquake") is None:
        return (Ignored("a test of the distribution, without an earthquake"),)
    spared = Spared()
    return (_report(telegram, file, spared), *spared.parts())


def decode_jma_xml(data: bytes, *, file: str | Path | None = None) -> EventReport:
    """Read one telegram that must hold a report; parameters and errors as of ``parse``."""
    return _report(_telegram(data, file), file, Spared())


def render(report: EventReport) -> bytes:
    """Write a report as a telegram of the form of VXSE45, or of VXSE43 where its number counts warnings.

    Notes
    -----
    Times to the second, positions to 0.1°, depth to 1 km, magnitude to 0.1, intensities as classes. Which areas
    are warned follows from their classes. Prefectures are left out, since a report does not name them.
    """
    refuse_unlocated(report, "jma-xml")
    info_type = "取消" if report.kind is ReportKind.CANCEL else "発表"
    issued = jst_text(report.issued_at)
    title = _tagged("Title", WARNING_TITLE if report.numbering == WARNINGS else _TITLE)
    sent = iso_utc(report.issued_at, 0)
    body = _tagged("Text", _CANCELLED) if report.kind is ReportKind.CANCEL else _rendered_body(report)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Report xmlns="http://xml.kishou.go.jp/jmaxml1/" xmlns:jmx="http://xml.kishou.go.jp/jmaxml1/">\n'
        f"<Control>{title}<DateTime>{sent}</DateTime>{_tagged('Status', status_word(report))}"
        "<EditorialOffice>気象庁本庁</EditorialOffice><PublishingOffice>気象庁</PublishingOffice></Control>\n"
        f'<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/">{title}'
        f"<ReportDateTime>{issued}</ReportDateTime><TargetDateTime>{issued}</TargetDateTime>"
        f"<EventID>{report.event_id}</EventID><InfoType>{info_type}</InfoType><Serial>{report.report_no}</Serial>"
        f"<InfoKind>{_INFO_KIND}</InfoKind><InfoKindVersion>1.2_0</InfoKindVersion>"
        "<Headline><Text></Text></Headline></Head>\n"
        '<Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/seismology1/"'
        f' xmlns:jmx_eb="http://xml.kishou.go.jp/jmaxml1/elementBasis1/">{body}</Body>\n</Report>\n'
    ).encode()


def _report(telegram: "_Telegram", file: str | Path | None, spared: Spared) -> EventReport:
    is_cancel = telegram.choice("Head/InfoType", INFO_TYPES) == "取消"
    report_no = telegram.number("Head/Serial")
    members: dict[str, Any] = {
        "event_id": telegram.text("Head/EventID"),
        "source": "jma",
        "report_no": report_no,
        "numbering": WARNINGS if telegram.find_text("Control/Title") == WARNING_TITLE else None,
        "kind": kind_of(report_no, is_cancel=is_cancel, is_final=telegram.find("Body/NextAdvisory") is not None),
        "status": STATUSES[telegram.choice("Control/Status", STATUSES)],
        "issued_at": with_zone(telegram.text("Head/ReportDateTime")),
    }
    if not is_cancel or telegram.find("Body/Earthquake") is not None:
        members |= _earthquake(telegram, spared)
        members["areas"] = tuple(_areas(telegram, file, spared)) or None
    return as_report(members, file=file, spared=spared)


def _earthquake(telegram: "_Telegram", spared: Spared) -> dict[str, Any]:
    area = "Body/Earthquake/Hypocenter/Area"
    coordinate = telegram.text(f"{area}/Coordinate")
    parts = _COORDINATE.fullmatch(coordinate)
    if parts is None:
        raise telegram.error(f"{area}/Coordinate", coordinate, "±lat±lon[±height in m]/")
    magnitude = telegram.find("Body/Earthquake/Magnitude")
    if magnitude is not None and (magnitude.text or "").strip() in {"", "NaN"}:
        magnitude = None
    detected = telegram.find_text("Body/Earthquake/ArrivalTime")
    origin = telegram.find_text("Body/Earthquake/OriginTime") or detected
    # The third number is a height in metres: below the ground it is negative.
    depth_km = None if parts["depth"] is None else int(parts["depth"]) / -1000 or 0.0
    size = None
    if magnitude is not None:
        size = spared(lambda: telegram.decimal("Body/Earthquake/Magnitude", magnitude.text))
    condition = telegram.find_text("Body/Earthquake/Condition") or ""
    return {
        "origin_at": None if origin is None else with_zone(origin),
        "detected_at": None if detected is None else with_zone(detected),
        "lat_deg": telegram.decimal(f"{area}/Coordinate", parts["lat"]),
        "lon_deg": telegram.decimal(f"{area}/Coordinate", parts["lon"]),
        "depth_km": depth_km,
        "magnitude": size,
        "magnitude_type": None if magnitude is None else magnitude.get("type"),
        "place": telegram.find_text(f"{area}/Name"),
        "is_assumed": _ASSUMED in condition or has_assumed_values(size, depth_km),
    }


def _areas(telegram: "_Telegram", file: str | Path | None, spared: Spared) -> Iterator[dict[str, Any]]:
    forecast = telegram.find("Body/Intensity/Forecast")
    path = "Body/Intensity/Forecast/Pref/Area"
    for prefecture in () if forecast is None else forecast:
        for area in prefecture:
            if _name(area) != "Area":
                continue
            children = {_name(child): child for child in area}
            if (code := _text(children.get("Code"))) is None:
                spared.add(telegram.error(f"{path}/Code", None, MISSING_FIELD))
                continue
            span = {_name(end): _text(end) for end in children.get("ForecastInt", ())}
            kind = {_name(part): _text(part) for kind in children.get("Category", ()) for part in kind}
            arrival = _text(children.get("ArrivalTime"))
            is_to_come = arrival is not None and "Condition" not in children and (kind.get("Code") or "0")[-1] == "0"
            yield {
                "code": code,
                "name": _text(children.get("Name")),
                "intensity_from": spared(partial(telegram.intensity, f"{path}/ForecastInt/From", span.get("From"))),
                "intensity_to": spared(partial(telegram.intensity, f"{path}/ForecastInt/To", span.get("To"))),
                "s_arrival_at": spared(partial(instant, arrival, f"{path}/ArrivalTime", file))
                if arrival and is_to_come
                else None,
                "is_arrived": is_reached(kind.get("Code"), _text(children.get("Condition"))),
            }


def _text(element: ET.Element | None) -> str | None:
    return None if element is None or element.text is None else element.text.strip() or None


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _rendered_body(report: EventReport) -> str:
    areas = report.areas or ()
    is_detection_only = report.is_assumed and report.origin_at == report.detected_at
    times = {
        "OriginTime": None if is_detection_only else report.origin_at,
        "ArrivalTime": report.detected_at,
    }
    depth = "" if report.depth_km is None else f"{round(report.depth_km) * -1000:+d}"
    magnitude_type = "" if report.magnitude_type is None else f' type="{_escaped(report.magnitude_type)}"'
    magnitude = "NaN" if report.magnitude is None else f"{report.magnitude:.1f}"
    words = strongest(areas)
    return "".join(
        (
            "<Earthquake>",
            *(f"<{name}>{jst_text(at)}</{name}>" for name, at in times.items() if at is not None),
            _tagged("Condition", _ASSUMED if report.is_assumed else None),
            f"<Hypocenter><Area>{_tagged('Name', report.place)}",
            f"<jmx_eb:Coordinate>{report.lat_deg:+.1f}{report.lon_deg:+.1f}{depth}/</jmx_eb:Coordinate></Area></Hypocenter>",
            f"<jmx_eb:Magnitude{magnitude_type}>{magnitude}</jmx_eb:Magnitude></Earthquake>",
            f"<Intensity><Forecast>{'' if words is None else _rendered_span(words)}" if areas else "",
            f"<Pref>{''.join(_rendered_areas(areas))}</Pref></Forecast></Intensity>" if areas else "",
            _tagged("NextAdvisory", _LAST if report.kind is ReportKind.FINAL else None),
        )
    )


def _rendered_areas(areas: Sequence[AreaAnswer]) -> Iterator[str]:
    warned_codes = warned(areas)
    for area in areas:
        is_warned = area.code in warned_codes
        kind = "緊急地震速報（警報）" if is_warned else "緊急地震速報（予報）"
        arrives_at = None if area.is_arrived else area.s_arrival_at
        arrival = "" if arrives_at is None else f"<ArrivalTime>{jst_text(arrives_at)}</ArrivalTime>"
        yield (
            f"<Area>{_tagged('Name', area.name)}{_tagged('Code', area.code)}<Category><Kind>{_tagged('Name', kind)}"
            f"<Code>{int(is_warned)}{arrival_digit(area)}</Code></Kind></Category>"
            f"{_rendered_span(area)}{arrival}</Area>"
        )


def _rendered_span(area: AreaAnswer) -> str:
    if (span := span_words(area)) is None:
        return ""
    return f"<ForecastInt><From>{span[0]}</From><To>{span[1]}</To></ForecastInt>"


def _tagged(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{_escaped(text)}</{name}>"


def _escaped(text: str) -> str:
    return escape(_NO_XML.sub("", text))


def _telegram(data: bytes, file: str | Path | None) -> "_Telegram":
    return _Telegram(parsed_xml(data, file=file, root="Report", max_bytes=MAX_BYTES), file)


class _Telegram:
    """A telegram whose elements are found by name, whatever their namespace."""

    def __init__(self, root: ET.Element, file: str | Path | None) -> None:
        self._root = root
        self._file = file

    def find(self, path: str) -> ET.Element | None:
        """Return the first element at a path."""
        return self._root.find("/".join(f"{{*}}{name}" for name in path.split("/")))

    def find_text(self, path: str) -> str | None:
        """Return its text, ``None`` where there is none."""
        return _text(self.find(path))

    def text(self, path: str) -> str:
        """Return its text, which must be there."""
        text = self.find_text(path)
        if text is None:
            raise self.error(path, None, MISSING_FIELD)
        return text

    def number(self, path: str) -> int:
        """Return its text as a whole number."""
        text = self.text(path)
        if not (text.isascii() and text.isdecimal() and len(text) <= 9):
            raise self.error(path, text, "a whole number")
        return int(text)

    def decimal(self, path: str, text: str | None) -> float:
        """Return a text found there as a number."""
        try:
            return float(text or "")
        except ValueError as error:
            raise self.error(path, text, "a number") from error

    def choice(self, path: str, choices: Sequence[str] | dict[str, Any]) -> str:
        """Return its text, one of a few words."""
        text = self.text(path)
        if text not in choices:
            raise self.error(path, text, " or ".join(choices))
        return text

    def intensity(self, path: str, word: str | None) -> float | None:
        """Return the number that stands for a class; ``None`` for "or more" and for unknown."""
        if word is None or word in {"over", "不明"}:
            return None
        if word not in INTENSITY_BY_CLASS:
            raise self.error(path, word, f"{', '.join(INTENSITY_BY_CLASS)}, over or 不明")
        return INTENSITY_BY_CLASS[word]

    def error(self, path: str, value: object, expected: str) -> ReportDecodeError:
        """Return the error for an element."""
        return ReportDecodeError(expected, file=self._file, field=path, value=value)
