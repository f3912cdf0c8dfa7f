"""ShakeAlert XML (USGS), schema v10: events with contours, maps and finite faults, and the status of the system."""

import functools
import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree as ET

import msgspec

from eew.feed.formats.native import as_report
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.refusal import A_TIME
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unlocated
from eew.feed.unusable_member import Spared
from eew.feed.xml_document import parsed_xml
from eew.model.errors import MISSING_FIELD, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind
from eew.model.units import iso_utc

__all__ = ["UNKNOWN_NUMBERS", "decimal", "heartbeat", "parse", "render", "utc_time"]

#: A map of magnitude 7 has 220 kB.
MAX_BYTES = 1_000_000

SOURCE = "usgs-shakealert"

_KINDS = {"new": ReportKind.NEW, "update": ReportKind.UPDATE, "delete": ReportKind.CANCEL}
_MESSAGE_TYPES = {kind: word for word, kind in _KINDS.items()} | {ReportKind.FINAL: "update"}
_OPTIONAL_DECIMALS = {"depth_km": "depth", "magnitude": "mag", "likelihood": "likelihood"}
#: What SeisComP writes where it knows nothing; the first is a place on the Earth, too.
UNKNOWN_NUMBERS = (-9.9, -999.9)
_UNKNOWN_COORDINATE = -999.9
#: The longest number or time is shorter.
_MAX_CHARACTERS = 64
#: Of all segments. The lines of FinDer have two each.
_MAX_VERTICES = 1_000
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_UNKNOWN = re.compile(r"[+-]?nan", re.IGNORECASE)
_NO_ZONE = re.compile(r"(.{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)(?:UTC)?")
_ASCTIME = re.compile(
    r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>[0-9]{1,2})"
    r" (?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}) (?P<year>[0-9]{4})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message.

    Parameters
    ----------
    data
        An ``event_message``, a ``system_status`` or a heartbeat ``hb``, UTF-8.
    file
        Where it came from, for the error.

    Returns
    -------
    tuple of Parsed
        A report and what was left out of it, a heartbeat, or what is ignored.

    Raises
    ------
    ReportDecodeError
        If it is no such message or says something impossible.

    Notes
    -----
    - An event comes up to three times with one number: alone, with contours and with a map. All three are read alike;
      the predictions themselves are not.
    - Only the category ``live`` (or none, which the schema takes for ``live``) is meant, and it, too, is a test where
      the event's name begins with "test".
    - A follow-up is what a person on duty says of an alert minutes to hours later (true, qualified, false). It brings
      no new solution, and a false one only means little or no shaking: what never was is withdrawn by ``delete``. So
      it is ignored.
    - A fault's depth is in km whatever its unit says, which may be empty. Of several faults the first that is marked
      for attenuation counts, else the first.
    - SeisComP (scvsmag, and FinDer by it) sends the same schema: −9.9 and −999.9 are its words for unknown.
    - The time of sending is optional. Without it, or where it cannot be read, the time of issue is unknown, but not
      before the origin time.

    References
    ----------
    [SA-XSD10]
    """
    root = parsed_xml(data, file=file, root=("event_message", "system_status", "hb"), max_bytes=MAX_BYTES)
    if root.tag.rpartition("}")[2] in {"system_status", "hb"}:
        return heartbeat(root, SOURCE, file)
    message_type = _attribute(root, "message_type")
    if message_type == "follow_up":
        found = root.find("follow_up_info")
        said = None if found is None else found.get("follow_up_type")
        return (Ignored(f"a follow-up by the reviewer on duty, no new solution: {str(said)[:20]} alert"),)
    if message_type not in _KINDS:
        words = "new, update, delete or follow_up"
        raise ReportDecodeError(words, file=file, field="message_type", value=message_type)
    spared = Spared()
    members = _members(root, _KINDS[message_type], file, spared)
    return (as_report(members, file=file, spared=spared), *spared.parts())


def render(report: EventReport) -> bytes:
    """Write an event message.

    Resolution: 1 ms, 0.0001 (degrees, km, magnitude, likelihood). Not sayable: an exercise (it becomes a test), a final
    report (an update), a type of magnitude other than Mw, the place, the areas, an assumed hypocentre. The
    uncertainties that the schema asks for are left out, as a report has none.
    """
    refuse_unlocated(report, "shakealert")
    root = ET.Element("event_message")
    root.set("orig_sys", "dm")
    root.set("version", str(report.report_no - 1))
    root.set("message_type", _MESSAGE_TYPES[report.kind])
    root.set("category", "live" if report.status is AlertStatus.ACTUAL else "test")
    root.set("timestamp", iso_utc(report.issued_at))
    name = agency_name(report.event_id)
    core = ET.SubElement(root, "core_info", id=name if name.isprintable() else report.event_id)
    _add_decimal(core, "mag", report.magnitude, "Mw")
    _add_decimal(core, "lat", report.lat_deg, "deg")
    _add_decimal(core, "lon", report.lon_deg, "deg")
    _add_decimal(core, "depth", report.depth_km, "km")
    if report.origin_at is not None:
        ET.SubElement(core, "orig_time", units="UTC").text = iso_utc(report.origin_at)
    _add_decimal(core, "likelihood", report.likelihood, None)
    if report.fault is not None:
        shape = "line" if all(len(segment) == 2 for segment in report.fault) else "polygon"
        finite_fault = ET.SubElement(ET.SubElement(root, "fault_info"), "finite_fault", atten_geom="true")
        finite_fault.set("segment_number", str(len(report.fault)))
        finite_fault.set("segment_shape", shape)
        for segment in report.fault:
            vertices = ET.SubElement(ET.SubElement(finite_fault, "segment"), "vertices")
            for lat_deg, lon_deg, depth_km in segment:
                vertex = ET.SubElement(vertices, "vertex")
                _add_decimal(vertex, "lat", lat_deg, "deg")
                _add_decimal(vertex, "lon", lon_deg, "deg")
                _add_decimal(vertex, "depth", depth_km, "km")
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def decimal(text: str | None, *, field: str, file: str | Path | None, unknown: Collection[float] = ()) -> float | None:
    """Return a text as a number; ``None`` where there is none, it is "nan", or it is one of those for unknown."""
    text = (text or "").strip()
    if not text or _UNKNOWN.fullmatch(text):
        return None
    is_decimal = len(text) <= _MAX_CHARACTERS and _DECIMAL.fullmatch(text) is not None
    if not is_decimal or abs(number := float(text)) == float("inf"):
        raise ReportDecodeError("a number", file=file, field=field, value=text)
    return None if number in unknown else number


def utc_time(text: str, *, field: str, file: str | Path | None) -> datetime:
    """Return a time; without a zone it is UTC, which may also be spelt so."""
    text = text.strip()
    zoneless = None if text.endswith("Z") else _NO_ZONE.fullmatch(text)
    spelt = text if zoneless is None else f"{zoneless[1]}Z"
    try:
        return msgspec.convert(spelt if len(text) <= _MAX_CHARACTERS else "", _AwareTime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise ReportDecodeError(A_TIME, file=file, field=field, value=text) from error


def heartbeat(root: ET.Element, source: str, file: str | Path | None) -> tuple[Heartbeat | Ignored, ...]:
    """Return a sign of life; it is one also where its time cannot be read.

    Notes
    -----
    The time is ISO 8601, or as the C library's ``asctime`` writes it and in UTC: ``Wed Jun 24 04:09:15 2020``.
    """
    spared = Spared()
    sent = _attribute(root, "timestamp")
    at = None if sent is None else spared(lambda: _sent_at(sent, file))
    return Heartbeat(source, at), *spared.parts()


def _sent_at(text: str, file: str | Path | None) -> datetime:
    """Return a time of sending in either form."""
    parts = _ASCTIME.fullmatch(text)
    if parts is not None and parts["month"] in _MONTHS:
        # strptime would take the words of the locale, and asctime's are English everywhere.
        month = _MONTHS.index(parts["month"]) + 1
        text = f"{parts['year']}-{month:02d}-{int(parts['day']):02d}T{parts['clock']}Z"
    return utc_time(text, field="timestamp", file=file)


def _members(root: ET.Element, kind: ReportKind, file: str | Path | None, spared: Spared) -> dict[str, Any]:
    """Return what a message says of its event, by the members of a report."""
    core = root.find("core_info")
    if core is None:
        raise ReportDecodeError(MISSING_FIELD, file=file, field="core_info")
    name = core.get("id", "")
    is_live = root.get("category", "live") == "live" and not name.lower().startswith("test")
    origin = core.findtext("orig_time", "").strip()
    sent = _attribute(root, "timestamp")
    members: dict[str, Any] = {
        "event_id": topic_safe_id(name[:65]),
        "source": SOURCE,
        "report_no": _version(root, file) + 1,
        "kind": kind,
        "status": AlertStatus.ACTUAL if is_live else AlertStatus.TEST,
        "origin_at": utc_time(origin, field="orig_time", file=file) if origin else None,
        "fault": spared(lambda: _fault(root, file)),
    }
    issued_at = None if sent is None else spared(lambda: _sent_at(sent, file))
    if issued_at is not None:
        members["issued_at"] = issued_at
    elif members["origin_at"] is not None:
        members |= {"issued_at": members["origin_at"], "issue_basis": IssueBasis.UNKNOWN}
    members["lat_deg"], members["lon_deg"] = (
        decimal(core.findtext(tag), field=tag, file=file, unknown=(_UNKNOWN_COORDINATE,)) for tag in ("lat", "lon")
    )
    for member, tag in _OPTIONAL_DECIMALS.items():
        read = functools.partial(decimal, core.findtext(tag), field=tag, file=file, unknown=UNKNOWN_NUMBERS)
        members[member] = spared(read)
    if members["magnitude"] is not None:
        members["magnitude_type"] = "Mw"
    return members


def _fault(root: ET.Element, file: str | Path | None) -> list[list[list[float | None]]] | None:
    """Return the segments of the fault to reckon with."""
    faults = root.findall("fault_info/finite_fault")
    marked = [fault for fault in faults if fault.get("atten_geom") in {"true", "1"}]
    if not faults:
        return None
    segments = [segment.findall("vertices/vertex") for segment in (marked or faults)[0].iterfind("segment")]
    if (n_vertices := sum(map(len, segments))) > _MAX_VERTICES:
        raise ReportDecodeError(f"at most {_MAX_VERTICES} vertices", file=file, field="finite_fault", value=n_vertices)
    return [
        [
            [decimal(vertex.findtext(tag), field=f"vertex/{tag}", file=file) for tag in ("lat", "lon", "depth")]
            for vertex in segment
        ]
        for segment in segments
    ]


def _version(root: ET.Element, file: str | Path | None) -> int:
    """Return the version, which counts from 0."""
    text = _attribute(root, "version") or ""
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ReportDecodeError("a whole number from 0", file=file, field="version", value=root.get("version"))
    return int(text)


def _attribute(element: ET.Element, name: str) -> str | None:
    """Return an attribute; the schema's own word for none is a dash."""
    text = element.get(name, "").strip()
    return None if text in {"", "-"} else text


def _add_decimal(parent: ET.Element, tag: str, number: float | None, units: str | None) -> None:
    """Write a number that is known."""
    if number is not None:
        ET.SubElement(parent, tag, {} if units is None else {"units": units}).text = f"{number:.4f}"
