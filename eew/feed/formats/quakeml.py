"""Real-time QuakeML 1.2, as SeisComP (Virtual Seismologist, FinDer) and PRESTo send it to displays."""

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from eew.feed.formats.native import as_report
from eew.feed.formats.shakealert import UNKNOWN_NUMBERS, decimal, heartbeat, utc_time
from eew.feed.parsed import Ignored, Parsed
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unlocated
from eew.feed.unusable_member import Spared
from eew.feed.xml_document import parsed_xml
from eew.model.errors import MISSING_FIELD, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind
from eew.model.units import iso_utc

__all__ = ["parse", "parse_received", "render"]

#: The longest message seen has 5 kB; an origin of a thousand picks has some 400 kB.
MAX_BYTES = 500_000
#: A message is of one event; what holds more than a few is a catalogue.
MAX_EVENTS = 10
#: Reports without a number are numbered by when they were sent: different ones of PRESTo were 7 ms apart.
TICK = timedelta(milliseconds=5)
MAX_REPORT_NO = 30_000

NAMESPACE = "http://quakeml.org/xmlns/bed-rt/1.2"
ROOT_NAMESPACE = "http://quakeml.org/xmlns/quakeml-rt/1.2"
VS_NAMESPACE = "http://quakeml.org/xmlns/vstypes/0.1"

_NOT_EXISTING = "not existing"
_EPOCH_MS = re.compile(r"[0-9]{11,13}")
_NAME = re.compile(r"(?:smi|quakeml):(?P<authority>[^/]+)/(?:[^/]+/)?(?P<name>.*)", re.DOTALL)
_NOT_MEANT = {status.value: status for status in (AlertStatus.EXERCISE, AlertStatus.TEST)}


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one message whose time of receipt is not known; else as ``parse_received``."""
    return _parsed(data, file, None)


def parse_received(data: bytes, *, file: str | Path | None = None, received_at: datetime) -> tuple[Parsed, ...]:
    """Read one message.

    Parameters
    ----------
    data
        A ``quakeml`` or a heartbeat ``hb``, UTF-8.
    file
        Where it came from, for the error. If its name is an epoch time in milliseconds, as stored sequences and a
        receiver's own copies are named, it is the time of issue of a message that does not say it.
    received_at
        When it came in.

    Returns
    -------
    tuple of Parsed
        A report for each event, a heartbeat, or what is ignored: a message without an event.

    Raises
    ------
    ReportDecodeError
        If it is no such message or says something impossible.

    Notes
    -----
    - The time of issue is the latest creation time of the message, the event and its preferred origin and magnitude.
      SeisComP and PRESTo leave all of them out. Then it is the file's name, else the time of receipt. Without these it
      is unknown, but not before the latest pick of the event, or without picks the origin time.
    - The number is the event's version where that is a whole number from 1. Otherwise reports are numbered by the time
      of issue: 1 for every 5 ms since the first pick (the origin time where no picks are), at most 30000, which is
      reached after 150 s. So later reports have larger numbers although the number of the report is nowhere said.
      Only a version of 1 makes a report a new one; the rest are updates, or final where the origin's status says so.
    - An event of the type "not existing" is cancelled. Other types shake the ground as well: they are read.
      Messages that say no time, have no such file name and no time of receipt may share a number.
    - Depths are in metres. Of an event's smi:AUTHORITY/KIND/NAME the NAME is taken; the source is the agency, or else
      the AUTHORITY with its dots as dashes.
    - The format has no word for exercises and tests. A comment of the event that is just "exercise" or "test", as
      ``render`` writes it, is taken for one.
    - Picks count if the origin's arrivals refer to them; PRESTo has no arrivals, and all picks count.

    References
    ----------
    [QML-RT], [EEWD]
    """
    return _parsed(data, file, received_at)


def render(report: EventReport) -> bytes:
    """Write a message of one event.

    Resolution: 1 µs, 1 mm of depth, degrees and magnitude as they are. Not sayable: areas, a fault, a tsunami, an
    assumed hypocentre. An exercise or test is told by a comment of the event.
    """
    refuse_unlocated(report, "quakeml")
    quakeml = ET.Element("q:quakeml", {"xmlns": NAMESPACE, "xmlns:q": ROOT_NAMESPACE, "xmlns:vs": VS_NAMESPACE})
    name = agency_name(report.event_id)
    name = name if name.isprintable() else report.event_id
    names = {kind: f"smi:eew.{report.source}/{kind}/{name}" for kind in ("ep", "ev", "or", "ma", "pi")}
    parameters = ET.SubElement(quakeml, "eventParameters", publicID=names["ep"])
    event = ET.SubElement(parameters, "event", publicID=names["ev"])
    _add(event, "type", _NOT_EXISTING if report.kind is ReportKind.CANCEL else "earthquake")
    if report.place is not None:
        description = ET.SubElement(event, "description")
        _add(description, "text", report.place)
        _add(description, "type", "region name")
    if report.status is not AlertStatus.ACTUAL:
        _add(ET.SubElement(event, "comment"), "text", report.status.value)
    creation = ET.SubElement(event, "creationInfo")
    _add(creation, "agencyID", report.source)
    _add(creation, "creationTime", iso_utc(report.issued_at, None))
    _add(creation, "version", str(report.report_no))
    if report.likelihood is not None:
        _add(event, "vs:likelihood", repr(report.likelihood))
    if report.origin_at is not None and report.lat_deg is not None and report.lon_deg is not None:
        _add(event, "preferredOriginID", names["or"])
        origin = ET.SubElement(parameters, "origin", publicID=names["or"])
        _add_quantity(origin, "time", iso_utc(report.origin_at, None))
        _add_quantity(origin, "longitude", repr(report.lon_deg))
        _add_quantity(origin, "latitude", repr(report.lat_deg))
        if report.depth_km is not None:
            _add_quantity(origin, "depth", f"{report.depth_km * 1000:.3f}")
        if report.kind is ReportKind.FINAL:
            _add(origin, "evaluationStatus", "final")
    if report.magnitude is not None:
        _add(event, "preferredMagnitudeID", names["ma"])
        magnitude = ET.SubElement(parameters, "magnitude", publicID=names["ma"])
        _add_quantity(magnitude, "mag", repr(report.magnitude))
        if report.magnitude_type is not None:
            _add(magnitude, "type", report.magnitude_type)
    if report.detected_at is not None:
        _add_quantity(
            ET.SubElement(parameters, "pick", publicID=names["pi"]), "time", iso_utc(report.detected_at, None)
        )
    written: bytes = ET.tostring(quakeml, encoding="UTF-8", xml_declaration=True)
    return written


def _parsed(data: bytes, file: str | Path | None, received_at: datetime | None) -> tuple[Parsed, ...]:
    root = parsed_xml(data, file=file, root=("quakeml", "hb"), max_bytes=MAX_BYTES)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag == "hb":
        return heartbeat(root, _agency_word(root.get("originator", "")), file)
    parameters = root.find("eventParameters")
    if parameters is None:
        raise ReportDecodeError(MISSING_FIELD, file=file, field="eventParameters")
    events = parameters.findall("event")
    if not events:
        return (Ignored("a message without an event"),)
    if len(events) > MAX_EVENTS:
        expected = f"at most {MAX_EVENTS} events, not a catalogue"
        raise ReportDecodeError(expected, file=file, field="event", value=len(events))
    spared = Spared()
    message = _Message(parameters, file, received_at, spared)
    reports = [as_report(message.members(event), file=file, spared=spared) for event in events]
    return (*reports, *spared.parts())


class _Message:
    """The parts that the events of a message refer to."""

    def __init__(
        self, parameters: ET.Element, file: str | Path | None, received_at: datetime | None, spared: Spared
    ) -> None:
        self._parameters = parameters
        self._file = file
        self._received_at = received_at
        self._spared = spared
        self._origins = _by_name(parameters, "origin")
        self._magnitudes = _by_name(parameters, "magnitude")
        self._picks = _by_name(parameters, "pick")
        self._picked: dict[str, list[datetime]] = {}

    def members(self, event: ET.Element) -> dict[str, Any]:
        """Return what is said of an event, by the members of a report."""
        public_id = event.get("publicID", "")
        name = _NAME.match(public_id)
        origin = _preferred(event, "preferredOriginID", self._origins)
        magnitude = _preferred(event, "preferredMagnitudeID", self._magnitudes)
        infos = [
            info
            for part in (event, origin, magnitude, self._parameters)
            if part is not None and (info := part.find("creationInfo")) is not None
        ]
        version = event.findtext("creationInfo/version", "").strip()
        comments = (comment.findtext("text", "").strip() for comment in event.iterfind("comment"))
        statuses = [_NOT_MEANT[comment] for comment in comments if comment in _NOT_MEANT]
        picked = self._picked_for(origin)
        members: dict[str, Any] = {
            "event_id": topic_safe_id((public_id if name is None else name["name"])[:65]),
            "source": _source("" if name is None else name["authority"], infos),
            "status": statuses[0] if statuses else AlertStatus.ACTUAL,
            "detected_at": min(picked, default=None),
            "place": event.findtext("description/text", "").strip() or None,
            "likelihood": self._spared(lambda: self._number(event.findtext("likelihood"), "likelihood")),
        }
        if origin is not None:
            members |= self._hypocentre(origin)
        if magnitude is not None:
            members["magnitude"] = self._spared(lambda: self._number(magnitude.findtext("mag/value"), "mag"))
            members["magnitude_type"] = magnitude.findtext("type", "").strip() or None
        said_at = self._created_at(infos) or self._named_at()
        earliest_at = max(picked, default=None) or members.get("origin_at")
        issued_at = said_at or _later(earliest_at, self._received_at)
        if issued_at is not None:
            members["issued_at"] = issued_at
            if said_at is None:
                members["issue_basis"] = IssueBasis.UNKNOWN if self._received_at is None else IssueBasis.RECEIVED
            since = members["detected_at"] or members.get("origin_at") or issued_at
            members["report_no"] = _version(version) or max(1, min((issued_at - since) // TICK + 1, MAX_REPORT_NO))
        is_final = origin is not None and origin.findtext("evaluationStatus", "").strip() == "final"
        if event.findtext("type", "").strip() == _NOT_EXISTING:
            members["kind"] = ReportKind.CANCEL
        elif is_final:
            members["kind"] = ReportKind.FINAL
        else:
            members["kind"] = ReportKind.NEW if _version(version) == 1 else ReportKind.UPDATE
        return members

    def _hypocentre(self, origin: ET.Element) -> dict[str, Any]:
        """Return time and place of the focus."""
        depth_m = self._spared(lambda: self._decimal(origin, "depth"))
        return {
            "origin_at": self._time(origin),
            "lat_deg": self._decimal(origin, "latitude"),
            "lon_deg": self._decimal(origin, "longitude"),
            "depth_km": None if depth_m is None else round(depth_m / 1000, 6),
        }

    def _picked_for(self, origin: ET.Element | None) -> list[datetime]:
        """Return the times of the picks that an origin is made of; events may share one."""
        origin_name = "" if origin is None else origin.get("publicID", "")
        if origin_name not in self._picked:
            arrivals = () if origin is None else origin.findall("arrival")
            names = [arrival.findtext("pickID", "").strip() for arrival in arrivals]
            picks = [self._picks[name] for name in names if name in self._picks] if names else self._picks.values()
            self._picked[origin_name] = [at for pick in picks if (at := self._pick_time(pick)) is not None]
        return self._picked[origin_name]

    def _created_at(self, infos: list[ET.Element]) -> datetime | None:
        """Return the latest time at which a part of the message was made, if any says so."""
        texts = [text for info in infos if (text := info.findtext("creationTime", "").strip())]
        times = (
            self._spared(functools.partial(utc_time, each, field="creationTime", file=self._file)) for each in texts
        )
        return max((at for at in times if at is not None), default=None)

    def _named_at(self) -> datetime | None:
        """Return the time that is the file's name, if it is one."""
        stem = "" if self._file is None else Path(self._file).stem
        if _EPOCH_MS.fullmatch(stem) is None:
            return None
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(stem))

    def _time(self, part: ET.Element) -> datetime | None:
        """Return the time of an origin or pick."""
        text = part.findtext("time/value", "").strip()
        return utc_time(text, field="time", file=self._file) if text else None

    def _pick_time(self, pick: ET.Element) -> datetime | None:
        """Return the time of a pick, without which there is an earthquake, too."""
        return self._spared(lambda: self._time(pick))

    def _number(self, text: str | None, field: str) -> float | None:
        """Return a number that SeisComP may not know."""
        return decimal(text, field=field, file=self._file, unknown=UNKNOWN_NUMBERS)

    def _decimal(self, part: ET.Element, tag: str) -> float | None:
        """Return the value of a quantity."""
        return decimal(part.findtext(f"{tag}/value"), field=tag, file=self._file)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _by_name(parameters: ET.Element, tag: str) -> dict[str, ET.Element]:
    """Return parts by their names: they stand beside the event in real-time messages, within it in catalogues."""
    return {part.get("publicID", ""): part for part in parameters.iter(tag)}


def _preferred(event: ET.Element, tag: str, parts: Mapping[str, ET.Element]) -> ET.Element | None:
    """Return the part that the event prefers, or the only one where it says none."""
    name = event.findtext(tag, "").strip()
    if not name and len(parts) == 1:
        return next(iter(parts.values()))
    return parts.get(name)


def _source(authority: str, infos: list[ET.Element]) -> str:
    """Return the agency, or the authority in the event's name."""
    agencies = [agency for info in infos if (agency := info.findtext("agencyID", "").strip())]
    return _agency_word(agencies[0] if agencies else authority)


def _agency_word(text: str) -> str:
    """Return an agency's name as a topic may say it."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", text[:64]) or "quakeml"


def _version(text: str) -> int | None:
    """Return a version if it counts reports: it is free text in the schema."""
    is_count = text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= MAX_REPORT_NO
    return int(text) if is_count else None


def _add(parent: ET.Element, tag: str, text: str) -> None:
    """Write an element that holds a text, without the characters that XML cannot hold."""
    ET.SubElement(parent, tag).text = "".join(character for character in text if character.isprintable())


def _add_quantity(parent: ET.Element, tag: str, value: str) -> None:
    """Write an element that holds a value."""
    _add(ET.SubElement(parent, tag), "value", value)
