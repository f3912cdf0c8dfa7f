"""EMSC's seismic portal: the stream of a catalogue, minutes late."""

import re
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.native import as_report
from eew.feed.json_message import Members, parsed_json
from eew.feed.parsed import Ignored, Parsed
from eew.feed.synthetic_report_no import LAST_NO, synthetic_report_no
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unsupported
from eew.model.records import AlertStatus, EventReport, ReportKind
from eew.model.units import iso_utc

__all__ = ["feature_of", "parse", "render", "solution"]

_SOURCE = "emsc"
_KINDS = {"create": ReportKind.NEW, "update": ReportKind.UPDATE, "delete": ReportKind.CANCEL}
_ACTIONS = {kind: action for action, kind in _KINDS.items()} | {ReportKind.FINAL: "update"}
#: Earthquakes known, suspected, felt and damaging, induced ones, and what is unknown. The rest is blasts and the like.
#: GlobalQuake has a word of its own.
_EARTHQUAKES = frozenset({"ke", "se", "fe", "de", "ki", "si", "uk", "earthquake"})
_NO_WORD = re.compile("[^a-z0-9_-]")


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message of the stream.

    Raises
    ------
    ReportDecodeError
        If it is no such message or says something impossible.

    Notes
    -----
    - Times are in UTC. ``lastupdate`` is the issue.
    - A catalogue does not count its solutions: the number of a report grows with ``lastupdate`` after the origin
      (``eew.feed.synthetic_report_no``).
    - Depth is ``depth``, positive down; the third coordinate of the geometry is negative.
    - ``delete`` is not documented, but some clients reckon with it; it gets the last number. Other actions are ignored.
    - Who publishes a catalogue as EMSC does (GlobalQuake) is named in ``source_catalog``, and may give ``lastupdate``
      as milliseconds since 1970.
    - What is no earthquake by its type (IMS1.0 codes, "ke" for a known earthquake) is ignored.

    References
    ----------
    [EMSC-WS]
    """
    message = parsed_json(data, file=file)
    action = message.text("action")
    if action not in _KINDS:
        return (Ignored(f"action {action[:20]}, not {', '.join(_KINDS)}"),)
    feature = message.members("data")
    return (solution(feature, _KINDS[action], file), *feature.spared.parts())


def render(report: EventReport) -> bytes:
    """Write one message of the stream.

    Resolution: 0.01 s of the origin, 1 µs of the issue, 0.0001°, 0.1 km, 0.1 of magnitude. Not sayable: the number of
    the report, an exercise or test, a last report (an update), the areas.

    Raises
    ------
    InputError
        If it is no real alert: written down it would read as one.
    """
    refuse_unsupported(report, "emsc", has_cancel=True)
    return msgspec.json.encode({"action": _ACTIONS[report.kind], "data": feature_of(report)})


def solution(feature: Members, kind: ReportKind, file: str | Path | None) -> Parsed:
    """Read a feature of EMSC's catalogue, or of one that is published as EMSC does; ignore what is no earthquake.

    What of it cannot be used and need not be there is noted in the feature's ``spared``.
    """
    said = feature.members("properties")
    type_of_event = said.text_or_none("evtype") or "ke"
    if type_of_event not in _EARTHQUAKES:
        return Ignored(f"no earthquake but evtype {type_of_event[:20]}")
    return as_report(_members(said, kind), file=file, spared=feature.spared)


def feature_of(report: EventReport) -> dict[str, Any]:
    """Return a feature of EMSC's catalogue."""
    name = agency_name(report.event_id)
    lat_deg = None if report.lat_deg is None else round(report.lat_deg, 4)
    lon_deg = None if report.lon_deg is None else round(report.lon_deg, 4)
    depth_km = None if report.depth_km is None else round(report.depth_km, 1)
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon_deg, lat_deg, None if depth_km is None else -depth_km]},
        "id": name,
        "properties": {
            "source_id": name,
            "source_catalog": "EMSC-RTS",
            "lastupdate": iso_utc(report.issued_at, 6),
            "time": None if report.origin_at is None else iso_utc(report.origin_at, 2),
            "flynn_region": report.place,
            "lat": lat_deg,
            "lon": lon_deg,
            "depth": depth_km,
            "evtype": "ke",
            "auth": "EMSC",
            "mag": None if report.magnitude is None else round(report.magnitude, 1),
            "magtype": report.magnitude_type,
            "unid": name,
        },
    }


def _members(said: Members, kind: ReportKind) -> dict[str, Any]:
    origin_at = said.instant_or_none("time", UTC) if kind is ReportKind.CANCEL else said.instant("time", UTC)
    issued_at = said.epoch_ms("lastupdate") if said.is_number("lastupdate") else said.instant("lastupdate", UTC)
    catalog = said.text_or_none("source_catalog") or _SOURCE
    is_last = kind is ReportKind.CANCEL or origin_at is None
    return {
        "event_id": topic_safe_id(said.text("unid")),
        "source": _SOURCE if catalog.lower().startswith(_SOURCE) else _NO_WORD.sub("-", catalog[:64].lower()),
        "report_no": LAST_NO if is_last or origin_at is None else synthetic_report_no(origin_at, issued_at),
        "kind": kind,
        "status": AlertStatus.ACTUAL,
        "issued_at": issued_at,
        "origin_at": origin_at,
        "lat_deg": said.number_or_none("lat") if kind is ReportKind.CANCEL else said.number("lat"),
        "lon_deg": said.number_or_none("lon") if kind is ReportKind.CANCEL else said.number("lon"),
        "depth_km": said.number_or_none("depth"),
        "magnitude": said.number_or_none("mag"),
        "magnitude_type": said.text_or_none("magtype"),
        "place": said.text_or_none("flynn_region"),
    }
