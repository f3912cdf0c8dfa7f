"""Lists of JMA's published reports as JSON: whole sequences, made from its website or from its XML."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import msgspec

from eew.feed.formats.jma import JST, decoded_json, has_assumed_values, kind_of, strongest, warned, with_zone
from eew.feed.formats.native import as_report
from eew.feed.jma_class import INTENSITY_BY_CLASS, class_of_intensity
from eew.feed.parsed import Parsed
from eew.feed.unsupported import refuse_unlocated
from eew.feed.unusable_member import Spared
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

__all__ = ["parse", "render"]

#: The longest sequence that JMA can number has 359.
MAX_REPORTS = 1_000
MAX_AREAS = 20_000

#: What a report can be without.
_OPTIONAL = tuple(("EEWLists", "EEWs", name) for name in ("HypoName", "HypoDepth", "Magnitude", "IntensityAreas"))

#: Classes by their number in the lists, from 0; negative ones stand for unknown and for none.
_VALUES = tuple(INTENSITY_BY_CLASS.values())
_WORDS = tuple(INTENSITY_BY_CLASS)
_UNKNOWN = -1
_DRILL, _TEST = "訓練", "試験"
_BRACKETS = re.compile(r"\((?P<name>.*)\)")


class _Span(msgspec.Struct, rename="pascal"):
    from_: int = msgspec.field(name="From")
    to: int


class _Areas(msgspec.Struct, rename="pascal"):
    max_intensity_d: _Span
    area_names: tuple[str, ...] = ()
    area_codes: tuple[int, ...] = ()


class _Report(msgspec.Struct, rename="pascal"):
    serial: int
    update_time: str
    origin_time: str
    hypo_lat: float
    hypo_lon: float
    hypo_name: str | None = None
    hypo_depth: float | None = None
    magnitude: float | Literal["NaN"] | None = None
    intensity_areas: tuple[_Areas, ...] = ()


class _Sequence(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    reports: tuple[_Report, ...] = msgspec.field(name="EEWs", default=())


class _Document(msgspec.Struct, rename="pascal"):
    sequences: tuple[_Sequence, ...] = msgspec.field(name="EEWLists")
    description: str = ""
    comment: str = ""


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one document.

    Parameters
    ----------
    data
        One JSON object with the sequences of one or more events.
    file
        Where it came from, for the error.

    Returns
    -------
    tuple of Parsed
        All reports of all events in the order of their issue.

    Raises
    ------
    ReportDecodeError
        If it is no such document, too long, or says something impossible.

    Notes
    -----
    Not said by the form: which report is the last, cancels, the time of detection, the sort of magnitude, arrivals.
    Whether it is a drill (訓練) or a test (試験) stands in the description or the comment only. In lists from the
    website the name of the epicentre, in brackets, and the time of origin are those found afterwards. Areas without
    codes are left out.
    """
    spared = Spared()
    document = decoded_json(data, _Document, file, spared, _OPTIONAL)
    said = f"{document.description} {document.comment}"
    status = AlertStatus.EXERCISE if _DRILL in said else AlertStatus.TEST if _TEST in said else AlertStatus.ACTUAL
    pairs = [(sequence.id, report) for sequence in document.sequences for report in sequence.reports]
    if not 0 < len(pairs) <= MAX_REPORTS:
        raise ReportDecodeError(f"1 to {MAX_REPORTS} reports", file=file, field="EEWLists", value=len(pairs))
    n_areas = sum(len(areas.area_codes) for _, report in pairs for areas in report.intensity_areas)
    if n_areas > MAX_AREAS:
        raise ReportDecodeError(f"at most {MAX_AREAS} areas", file=file, field="IntensityAreas", value=n_areas)
    reports = [as_report(_members(event_id, status, report), file=file, spared=spared) for event_id, report in pairs]
    return (*sorted(reports, key=_issue), *spared.parts())


def render(report: EventReport) -> bytes:
    """Write a report as a document that holds nothing else.

    Raises
    ------
    InputError
        If the report is a cancel, or of areas alone, which the form cannot say.

    Notes
    -----
    Times as exact as given, positions to 0.1°, depth to 1 km, magnitude to 0.1, intensities as classes.
    """
    if report.kind is ReportKind.CANCEL:
        raise InputError("a report that is no cancel, which these lists cannot say", field="kind", value="cancel")
    refuse_unlocated(report, "jma-history")
    comment = {AlertStatus.EXERCISE: _DRILL, AlertStatus.TEST: _TEST}.get(report.status, "")
    areas = report.areas or ()
    eew = {
        "Serial": report.report_no,
        "UpdateTime": _stamp(report.issued_at),
        "OriginTime": None if report.origin_at is None else _stamp(report.origin_at),
        "HypoName": report.place,
        "HypoLat": None if report.lat_deg is None else round(report.lat_deg, 1),
        "HypoLon": None if report.lon_deg is None else round(report.lon_deg, 1),
        "HypoDepth": None if report.depth_km is None else round(report.depth_km),
        "Magnitude": "NaN" if report.magnitude is None else round(report.magnitude, 1),
        "IsWarn": bool(warned(areas)),
        "MaxIntensityD": _rendered_span(strongest(areas)),
        "IntensityAreas": list(_rendered_areas(areas)),
        "IntensityLgAreas": [],
    }
    document = {
        "Version": "1.0.0",
        "Description": "",
        "Comment": comment,
        "ID": f"jma_{report.event_id}",
        "Earthquakes": [],
        "EEWLists": [{"ID": report.event_id, "Source": "JMA-XML", "EEWs": [eew]}],
    }
    return msgspec.json.encode(document)


def _issue(report: EventReport) -> datetime:
    return report.issued_at


def _members(event_id: str, status: AlertStatus, report: _Report) -> Mapping[str, Any]:
    magnitude = None if report.magnitude == "NaN" else report.magnitude
    bracketed = _BRACKETS.fullmatch(report.hypo_name or "")
    return {
        "event_id": event_id,
        "source": "jma",
        "report_no": report.serial,
        "kind": kind_of(report.serial),
        "status": status,
        "issued_at": with_zone(report.update_time),
        "origin_at": with_zone(report.origin_time),
        "lat_deg": report.hypo_lat,
        "lon_deg": report.hypo_lon,
        "depth_km": report.hypo_depth,
        "magnitude": magnitude,
        "place": bracketed["name"] if bracketed else report.hypo_name,
        "is_assumed": has_assumed_values(magnitude, report.hypo_depth),
        "areas": tuple(_areas(report)) or None,
    }


def _areas(report: _Report) -> Iterator[AreaAnswer]:
    for group in report.intensity_areas:
        codes = group.area_codes
        has_names = len(codes) == len(group.area_names)
        names: tuple[str | None, ...] = group.area_names if has_names else (None,) * len(codes)
        span = group.max_intensity_d
        for code, name in zip(codes, names, strict=True):
            yield AreaAnswer(code=str(code), name=name, intensity_from=_value(span.from_), intensity_to=_value(span.to))


def _value(number: int) -> float | None:
    return _VALUES[number] if 0 <= number < len(_VALUES) else None


def _stamp(at: datetime) -> str:
    return at.astimezone(JST).isoformat()


def _rendered_areas(areas: tuple[AreaAnswer, ...]) -> Iterator[dict[str, Any]]:
    coded = [area for area in areas if re.fullmatch("0|[1-9][0-9]{0,8}", area.code)]
    for span, group in groupby(coded, key=_span):
        members = list(group)
        names = [area.name for area in members if area.name is not None]
        yield {
            "MaxIntensityD": {"From": span[0], "To": span[1], "Max": span[1]},
            "AreaNames": names if len(names) == len(members) else [],
            "AreaCodes": [int(area.code) for area in members],
        }


def _rendered_span(area: AreaAnswer | None) -> dict[str, int]:
    lowest, highest = (_UNKNOWN, _UNKNOWN) if area is None else _span(area)
    return {"From": lowest, "To": highest, "Max": highest}


def _span(area: AreaAnswer) -> tuple[int, int]:
    lowest, highest = (
        _UNKNOWN if intensity is None else _WORDS.index(class_of_intensity(intensity))
        for intensity in (area.intensity_from, area.intensity_to)
    )
    return lowest, highest
