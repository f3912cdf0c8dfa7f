"""FAN Studio's WebSocket: warnings of China, Japan, Korea, Taiwan and the United States, each under its source."""

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.jma import JST, has_assumed_values
from eew.feed.formats.native import as_report
from eew.feed.json_message import Members, parsed_each, parsed_json, time_text
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.report_issue import Issue, issue, kind_of
from eew.feed.synthetic_report_no import synthetic_report_no
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unlocated, refuse_unsupported
from eew.model.errors import MISSING_FIELD, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

__all__ = ["answer", "greeting", "parse", "render"]

_SERVICE = "fanstudio"
_ZONE = timezone(timedelta(hours=8))
#: What other feeds call the agencies whose warnings it has. CEA's network is what Wolfx has as ``cenc_eew``.
_SOURCE_BY_CHANNEL: Mapping[str, str] = {
    "cea": "cenc",
    "cea_pr": "cea_pr",
    "jma": "jma",
    "cwa_eew": "cwa",
    "kma_eew": "kma",
    "sa": "usgs-shakealert",
}
_CHANNEL_BY_SOURCE = {source: channel for channel, source in _SOURCE_BY_CHANNEL.items()}
#: Provinces whose networks other feeds know by name.
_SOURCE_BY_PROVINCE = {"四川": "sc", "福建": "fj", "重庆": "cq"}
_PROVINCE_BY_SOURCE = {source: province for province, source in _SOURCE_BY_PROVINCE.items()}
_CEA_NAME = re.compile(r"[0-9]{12}\.[0-9]{4}")
#: Of the stream, beside the sources in it.
_FRAME = frozenset({"type", "source", "ver", "id", "timestamp", "md5", "message"})
#: Messages that carry the last of every source, each under its name.
_ALL = frozenset({"initial", "initial_all", "query_response"})
#: What may be a key in a text of the service.
_KEY = re.compile(r"[A-Za-z0-9_-]{12,}")
_LONGEST_TEXT = 80


def greeting() -> None:
    """Return what the service wants to be told first: nothing, unless it asks for a key, which the user has."""


def answer(data: bytes) -> str | None:
    """Return the pong that a heartbeat wants, with the heartbeat's time."""
    try:
        message = parsed_json(data)
    except ReportDecodeError:
        return None
    if not message.says("type", "heartbeat"):
        return None
    at = message.text_or_none("timestamp")
    if at is None:
        return json.dumps({"type": "pong"})
    return json.dumps({"type": "pong", "timestamp": int(at) if message.is_number("timestamp") else at})


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message: a report, all that the service has on connecting, or something beside the reports.

    Raises
    ------
    ReportDecodeError
        If it is no such message, or something is wrong with every warning in it.

    Notes
    -----
    - The warnings are those under ``cea`` (the source is ``cenc``, as in Wolfx's feed of the same network), ``cea_pr``
      (provinces: ``sc``, ``fj``, ``cq``, else ``cea_pr``), ``jma``, ``cwa_eew``, ``kma_eew`` and ``sa`` (ShakeAlert),
      spelt with ``-`` or ``_``. Under the others are measured earthquakes, tsunamis and the weather: ignored.
    - On a source's own address a message may not say whose it is: then its members do, or it is ignored.
    - Times are in UTC+8, JMA's in UTC+9. ``updateTime`` is the issue, else ``createTime``; without either, or where it
      is not after the origin, that is unknown.
    - ``updates`` is the number of the report; where it is left out (ShakeAlert), the age of the solution stands for it.
    - Coordinates and magnitude may be texts. ``final``, ``cancel`` and ``isTraining`` are JMA's and CWA's. JMA's
      assumed source is known by its values. Intensities and areas are not read.
    - The service may want to be told an application's key first; it says so in a message of its own.

    References
    ----------
    [FANSTUDIO]
    """
    message = parsed_json(data, file=file)
    kind = message.text_or_none("type")
    if kind in {"heartbeat", "pong", "auth_success"}:
        return (Heartbeat(_SERVICE, message.epoch_ms_or_none("timestamp")),)
    if "Data" not in message:
        if kind is None:
            raise message.error("type", MISSING_FIELD)
        return _all(message, file) if kind in _ALL else (Ignored(_said(message, kind)),)
    warning = message.members("Data")
    channel = _channel(message.text_or_none("source")) or _guessed(warning)
    if kind not in {"initial", "update", None}:
        return (Ignored(_said(message, kind)),)
    if channel is None:
        return (Ignored("a message that does not say whose it is"),)
    if channel not in _SOURCE_BY_CHANNEL or not warning.names():
        return (Ignored(f"{channel[:20]}: {'nothing yet' if channel in _SOURCE_BY_CHANNEL else 'no early warnings'}"),)
    return (_report(warning, channel, file), *message.spared.parts())


def render(report: EventReport) -> bytes:
    """Write a report as the stream tells of it.

    Resolution: 1 s, 0.01°, 1 km, 0.1 of magnitude. Not sayable: a test, that a source is assumed unless it has JMA's
    values for one, the type of magnitude, a detection, the areas, a source that the service does not have (it becomes
    CEA).

    Raises
    ------
    InputError
        If it is a test, which would read as an alert, or has no hypocentre.
    """
    if report.status is AlertStatus.TEST:
        refuse_unsupported(report, "fanstudio", has_cancel=True)
    refuse_unlocated(report, "fanstudio")
    province = _PROVINCE_BY_SOURCE.get(report.source)
    channel = "cea_pr" if province else _CHANNEL_BY_SOURCE.get(report.source, "cea")
    is_china = channel in {"cea", "cea_pr"}
    zone = JST if channel == "jma" else _ZONE
    name = agency_name(report.event_id)
    number = _as_text if is_china else _as_number
    warning: dict[str, Any] = {
        "id": f"{name}-{report.report_no}" if is_china else name,
        "updates": report.report_no,
        "shockTime": None if report.origin_at is None else time_text(report.origin_at, zone),
        "updateTime" if is_china else "createTime": time_text(report.issued_at, zone),
        "longitude": number(report.lon_deg, 2),
        "latitude": number(report.lat_deg, 2),
        "placeName": report.place,
        "magnitude": number(report.magnitude, 1),
        "depth": None if report.depth_km is None else round(report.depth_km),
        "final": report.kind is ReportKind.FINAL,
        "cancel": report.kind is ReportKind.CANCEL,
        "isTraining": report.status is AlertStatus.EXERCISE,
    }
    if is_china:
        warning["eventId"] = name
    if channel == "cea_pr":
        warning["province"] = province or ""
    md5 = hashlib.md5(msgspec.json.encode(warning), usedforsecurity=False).hexdigest()
    return msgspec.json.encode({"type": "update", "source": channel.replace("_", "-"), "Data": warning, "md5": md5})


def _report(warning: Members, channel: str, file: str | Path | None) -> EventReport:
    zone = JST if channel == "jma" else _ZONE
    source = _SOURCE_BY_CHANNEL[channel]
    if channel == "cea_pr":
        source = _SOURCE_BY_PROVINCE.get(warning.text_or_none("province") or "", source)
    is_cancel = warning.truth("cancel")
    origin_at = warning.instant_or_none("shockTime", zone) if is_cancel else warning.instant("shockTime", zone)
    issued = _issue(warning, zone, origin_at)
    is_numbered = "updates" in warning
    if is_numbered or origin_at is None:
        report_no = warning.whole("updates")
    else:
        report_no = synthetic_report_no(origin_at, issued.issued_at)
    members: dict[str, Any] = {
        "event_id": topic_safe_id(warning.text("eventId" if "eventId" in warning else "id")),
        "source": source,
        "report_no": report_no,
        "numbering": None if is_numbered else _SERVICE,
        "kind": kind_of(report_no, is_cancel=is_cancel, is_final=warning.truth_or_false("final")),
        "status": AlertStatus.EXERCISE if warning.truth("isTraining") else AlertStatus.ACTUAL,
        **issued._asdict(),
    }
    if not is_cancel:
        magnitude, depth_km = warning.number_or_none("magnitude"), warning.number_or_none("depth")
        members |= {
            "origin_at": origin_at,
            "lat_deg": warning.number("latitude"),
            "lon_deg": warning.number("longitude"),
            "depth_km": depth_km,
            "magnitude": magnitude,
            "place": warning.text_or_none("placeName" if "placeName" in warning else "locationDesc"),
            "is_assumed": channel == "jma" and has_assumed_values(magnitude, depth_km),
        }
    return as_report(members, file=file, spared=warning.spared)


def _issue(warning: Members, zone: timezone, origin_at: datetime | None) -> Issue:
    """Return when a report was issued: at the earliest when the earthquake began."""
    stated_at = warning.instant_or_none("updateTime", zone) or warning.instant_or_none("createTime", zone)
    if origin_at is None:
        return Issue(warning.instant("updateTime", zone) if stated_at is None else stated_at, IssueBasis.STATED)
    return issue(stated_at or origin_at, origin_at)


def _all(message: Members, file: str | Path | None) -> tuple[Parsed, ...]:
    """Read all that the service has on connecting: the last warning of each source, and what is none."""
    warnings: list[tuple[str, Members]] = []
    others = []
    for name in message.names():
        channel = _channel(name)
        if name in _FRAME or channel is None:
            continue
        if channel not in _SOURCE_BY_CHANNEL:
            others.append(channel)
        elif (warning := message.spared(functools.partial(_data, message, name))) is not None and warning.names():
            warnings.append((channel, warning))
    parts = parsed_each(warnings, lambda each: _report(each[1], each[0], file))
    left = (Ignored(f"no early warnings: {', '.join(others)}"[:_LONGEST_TEXT]),) if others else ()
    return (*parts, *message.spared.parts(), *left) or (Heartbeat(_SERVICE),)


def _data(message: Members, name: str) -> Members:
    return message.members(name).members("Data")


def _channel(source: str | None) -> str | None:
    return None if source is None else source.replace("-", "_")


def _guessed(warning: Members) -> str | None:
    """Return whose warning it is by what only that source has; ``None`` where that is not clear."""
    if "province" in warning:
        return "cea_pr"
    if _CEA_NAME.fullmatch(warning.text_or_none("eventId") or ""):
        return "cea"
    if warning.says("infoTypeName", "予報") or warning.says("infoTypeName", "警報"):
        return "jma"
    if "affectedAreas" in warning:
        return "kma_eew"
    return "cwa_eew" if "locationDesc" in warning else None


def _said(message: Members, kind: str | None) -> str:
    """Return what a message says that is about no earthquake; no key that may be in it."""
    if kind == "auth_required":
        return 'the service wants to be told a key first: {"type":"auth","appId":…,"key":…}'
    said = _KEY.sub("…", message.text_or_none("message") or "")[:_LONGEST_TEXT]
    return f"{(kind or 'no type')[:20]}: {said or 'nothing of an earthquake'}"


def _as_text(number: float | None, digits: int) -> str | None:
    return None if number is None else f"{number:.{digits}f}"


def _as_number(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
