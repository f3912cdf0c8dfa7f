"""P2PQuake, code 556: JMA's warnings (not its forecasts) with the areas warned."""

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.jma import WARNINGS, has_assumed_values
from eew.feed.formats.native import as_report
from eew.feed.jma_class import class_of_intensity, intensity_of_class
from eew.feed.json_message import A_LOCAL_TIME, Members, instant_of, parsed_each, parsed_objects, time_text
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.model.errors import MISSING_FIELD
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

__all__ = ["parse", "render"]

_SOURCE = "jma"
_ZONE = timezone(timedelta(hours=9))
_CODE = 556
_OTHERS = {
    551: "observed intensities",
    552: "a tsunami forecast",
    554: "that a warning was heard, without what it says",
    555: "how many take part where",
    561: "that a participant felt something",
    9611: "a judgement of what participants felt",
}
_CLASS_BY_SCALE = {
    0: "0",
    10: "1",
    20: "2",
    30: "3",
    40: "4",
    45: "5-",
    50: "5+",
    55: "6-",
    60: "6+",
    70: "7",
}
_INTENSITY_BY_SCALE = {scale: intensity_of_class(word) for scale, word in _CLASS_BY_SCALE.items()}
_SCALE_BY_CLASS = {word: scale for scale, word in _CLASS_BY_SCALE.items()}
#: "Or more" as an upper scale.
_OVER = 99
_NO_PLACE, _NO_DEPTH, _NO_MAGNITUDE = -200, -1, -1
_ASSUMED = "仮定震源要素"
#: What is known of an area's arrival: it is predicted, has happened already, or nothing is predicted (PLUM).
_PREDICTED, _REACHED, _UNPREDICTED = "10", "11", "19"


class _Area(msgspec.Struct, rename="camel"):
    """An area as it is given; of the scales only the whole part is meant."""

    name: str
    scale_from: float = -1
    scale_to: float = -1
    kind_code: str | None = None
    arrival_time: str | None = None


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message of the stream, or a list of them as the history gives it.

    Returns
    -------
    tuple of Parsed
        In the order of the message; a heartbeat where a list is empty.

    Raises
    ------
    ReportDecodeError
        If it is no such message, or something is wrong with every one of a list.

    Notes
    -----
    - Times are in UTC+9. ``arrivalTime`` of the earthquake is its detection, that of an area the S arrival, where
      ``kindCode`` does not say that it has happened already (11) or that nothing is predicted (19, PLUM).
    - Numbers are JMA's of its warnings, counted from 1 as text: a warning's number is not that of the same report
      among the forecasts.
    - −200 for latitude and longitude, −1 for depth, magnitude and scale stand for unknown. Without a hypocentre a
      message is ignored, since nothing can be reckoned from it.
    - With an assumed hypocentre the origin time may be left out; the later detection then stands for it.
    - The areas have no codes: the name stands for it. ``scaleTo`` 99 means "or more".
    - The same message may come twice. No last report is marked.

    References
    ----------
    [P2PQUAKE], [JMA96]
    """
    messages = parsed_objects(data, file=file)
    if not messages:
        return (Heartbeat(_SOURCE),)
    return parsed_each(messages, lambda message: _parsed(message, file))


def render(report: EventReport) -> bytes:
    """Write one message of the stream.

    Resolution: 1 s, 0.1°, 1 km, 0.1 of magnitude, a class of intensity. Not sayable: an exercise (it becomes a test),
    a last report (an update), the type of magnitude, the source (it is JMA), codes of areas, their prefectures.
    """
    name = agency_name(report.event_id)
    issued = time_text(report.issued_at, _ZONE, day_by="/")
    is_cancel = report.kind is ReportKind.CANCEL
    members: dict[str, Any] = {
        "id": f"{name}-{report.report_no}-{report.kind}",
        "code": _CODE,
        "time": f"{issued}.000",
        "test": report.status is not AlertStatus.ACTUAL,
        "cancelled": is_cancel,
        "issue": {"time": issued, "eventId": name, "serial": str(report.report_no)},
        "areas": [] if is_cancel else [_area(area) for area in report.areas or ()],
    }
    if not is_cancel:
        members["earthquake"] = {
            "originTime": None if report.origin_at is None else time_text(report.origin_at, _ZONE, day_by="/"),
            "arrivalTime": None if report.detected_at is None else time_text(report.detected_at, _ZONE, day_by="/"),
            "condition": _ASSUMED if report.is_assumed else "",
            "hypocenter": {
                "name": report.place,
                "latitude": _NO_PLACE if report.lat_deg is None else round(report.lat_deg, 1),
                "longitude": _NO_PLACE if report.lon_deg is None else round(report.lon_deg, 1),
                "depth": _NO_DEPTH if report.depth_km is None else max(round(report.depth_km), 0),
                "magnitude": _NO_MAGNITUDE if report.magnitude is None else round(report.magnitude, 1),
            },
        }
    return msgspec.json.encode(members)


def _parsed(message: Members, file: str | Path | None) -> Parsed:
    code = message.whole("code")
    if code not in {_CODE, *_OTHERS} and "time" not in message:
        # Each of its messages says when it was sent: this is somebody else's code.
        raise message.error("time", MISSING_FIELD)
    if code != _CODE:
        return Ignored(f"code {code}: {_OTHERS.get(code, 'no warning')}")
    issue = message.members("issue")
    report_no = issue.whole("serial")
    members = {
        "event_id": topic_safe_id(issue.text("eventId")),
        "source": _SOURCE,
        "report_no": report_no,
        "numbering": WARNINGS,
        "kind": ReportKind.NEW if report_no == 1 else ReportKind.UPDATE,
        "status": AlertStatus.TEST if message.flag("test") else AlertStatus.ACTUAL,
        "issued_at": issue.instant("time", _ZONE),
    }
    if message.flag("cancelled"):
        return as_report(members | {"kind": ReportKind.CANCEL}, file=file, spared=message.spared)
    earthquake = message.members("earthquake")
    hypocentre = earthquake.members("hypocenter")
    lat_deg = hypocentre.number_unless("latitude", _NO_PLACE)
    lon_deg = hypocentre.number_unless("longitude", _NO_PLACE)
    areas = _answers(message) or None
    if areas is None and (lat_deg is None or lon_deg is None):
        return Ignored("a warning without hypocentre and areas")
    depth_km = hypocentre.number_or_none("depth", unknown=_NO_DEPTH)
    magnitude = hypocentre.number_or_none("magnitude", unknown=_NO_MAGNITUDE)
    is_assumed = earthquake.says("condition", _ASSUMED) or has_assumed_values(magnitude, depth_km)
    detected_at = earthquake.instant_or_none("arrivalTime", _ZONE)
    members |= {
        "origin_at": earthquake.instant_or_none("originTime", _ZONE) or (detected_at if is_assumed else None),
        "detected_at": detected_at,
        "lat_deg": lat_deg,
        "lon_deg": lon_deg,
        "depth_km": depth_km,
        "magnitude": magnitude,
        "place": hypocentre.text_or_none("name"),
        "is_assumed": is_assumed,
        "areas": areas,
    }
    return as_report(members, file=file, spared=message.spared)


def _answers(message: Members) -> list[AreaAnswer]:
    answers = []
    for index, area in enumerate(message.records("areas", _Area)):
        arrives_at = None
        if area.arrival_time and area.kind_code not in {_REACHED, _UNPREDICTED}:
            arrives_at = instant_of(area.arrival_time, _ZONE)
            if arrives_at is None:
                message.spared.add(message.error(f"areas[{index}].arrivalTime", A_LOCAL_TIME))
        answers.append(
            AreaAnswer(
                code=area.name,
                name=area.name,
                intensity_from=_INTENSITY_BY_SCALE.get(int(area.scale_from)),
                intensity_to=_INTENSITY_BY_SCALE.get(int(area.scale_to)),
                s_arrival_at=arrives_at,
                is_arrived=area.kind_code == _REACHED,
            )
        )
    return answers


def _scale(intensity: float | None, unknown: int) -> int:
    return unknown if intensity is None else _SCALE_BY_CLASS[class_of_intensity(intensity)]


def _area(area: AreaAnswer) -> dict[str, Any]:
    arrival = None if area.is_arrived else area.s_arrival_at
    kind = _PREDICTED if arrival is not None else _REACHED if area.is_arrived else _UNPREDICTED
    return {
        "name": area.name or area.code,
        "scaleFrom": _scale(area.intensity_from, -1),
        "scaleTo": _scale(area.intensity_to, _OVER if area.intensity_from is not None else -1),
        "kindCode": kind,
        "arrivalTime": None if arrival is None else time_text(arrival, _ZONE, day_by="/"),
    }
