"""One CAP 1.2 message as XML, in the order of elements that its schema asks for [CAP12]."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from eew.contract.alert_signal import AlertLevel, Instruction, signal_of
from eew.contract.cap.area import AlertPolygon
from eew.contract.cap.wording import CapWording, wording_of
from eew.contract.message import EventMessage, EventText, InfoCard
from eew.contract.text.alert import event_texts
from eew.contract.text.language import load_language
from eew.model.region_profile import CapCertainty, CapWords, Level, Profile
from eew.model.report import AlertStatus, ReportKind
from eew.model.units import iso_utc

__all__ = ["NAMESPACE", "SENDER", "CapMessage", "CapPlace", "MessageType", "cap_time", "written"]

MessageType = Literal["Alert", "Update", "Cancel"]

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
#: The top-level domain ``invalid`` belongs to nobody [RFC2606]: no real alert comes from there.
SENDER = "simulator@eew.invalid"
#: For one line on a screen or in a feed.
MAX_HEADLINE = 160

#: A simulator's word is never ``Actual``: what is replayed was real once, and a receiver must disregard it.
_STATUS = {AlertStatus.ACTUAL: "Test", AlertStatus.EXERCISE: "Exercise", AlertStatus.TEST: "Test"}
_NOTE = {
    AlertStatus.ACTUAL: "Simulation, not a warning: a replay or a copy of the reports of event {event_id}. Disregard.",
    AlertStatus.EXERCISE: "Exercise {event_id}. A simulation, not a warning; for those who take part only.",
    AlertStatus.TEST: "Technical test {event_id}. A simulation, not a warning. Disregard.",
}
_RESTRICTION = "For receivers that take part in the simulation; not for the public"
_RESPONSE: Mapping[Instruction, str] = {
    "drop_cover_hold": "Shelter",
    "take_care": "Prepare",
    "be_aware": "Monitor",
    "all_clear": "AllClear",
}
#: Of what turned out to be nothing.
_CANCELLED = CapWords("Minor", "Past", "Unlikely")
#: The most certain word first. CAP's own bounds: likely is more than an even chance, unlikely is about none.
_CERTAINTIES: tuple[CapCertainty, ...] = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
_LIKELY, _POSSIBLE = 0.5, 0.05
#: Earthquake in the OASIS event terms [OET].
_EVENT_CODE = ("OET:v1.2", "OET-068")
#: What XML 1.0 cannot say, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEVELS = {level.word: level for level in Level}


@dataclass(frozen=True, slots=True)
class CapPlace:
    """A region, and the place that it is named after."""

    polygon: AlertPolygon
    name: str | None


@dataclass(frozen=True, slots=True)
class CapMessage:
    """A message, and what a feed says of it."""

    event_id: str
    report_no: int
    identifier: str
    kind: MessageType
    sent_at: datetime
    expires_at: datetime
    #: In the first language.
    lang: str
    headline: str
    description: str
    #: The XML document, UTF-8.
    payload: bytes

    @property
    def file_name(self) -> str:
        """A name for its file: identifiers hold nothing that a file system would mind."""
        return f"{self.identifier}.xml"


def cap_time(at: datetime, *, is_end: bool = False) -> str:
    """Return an instant as CAP wants it: whole seconds, and UTC as ``-00:00``; an end is not cut short."""
    if is_end and at.microsecond:
        at += timedelta(seconds=1)
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}-00:00"


def written(
    event: EventMessage,
    identifier: str,
    kind: MessageType,
    references: Sequence[str],
    places: Mapping[AlertLevel, Sequence[CapPlace]],
    profile: Profile,
    cards: Mapping[str, InfoCard],
    likelihood: float | None,
) -> CapMessage:
    """Return a message: one ``info`` for each level and language, since CAP's severity stands there.

    Parameters
    ----------
    event
        The event as it stands, its texts in the order of languages.
    identifier, kind, references
        As the history of the event says.
    places
        Where each level holds, the areas of lower levels around those of higher ones: CAP's polygons have no holes.
    profile, cards, likelihood
        As in ``CapHistory``.
    """
    alert = ET.Element("alert", xmlns=NAMESPACE)
    _add(alert, "identifier", identifier)
    _add(alert, "sender", SENDER)
    _add(alert, "sent", cap_time(event.issued_at))
    _add(alert, "status", _STATUS[event.status])
    _add(alert, "msgType", kind)
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", _RESTRICTION)
    _add(alert, "note", _NOTE[event.status].format(event_id=event.event_id))
    if references:
        _add(alert, "references", " ".join(references))
    _add(alert, "incidents", event.event_id)
    said: list[tuple[str, str, str]] = []
    for level in (level for level in ("critical", "active", "passive") if level in places):
        texts = _texts(event, level, profile)
        for lang, text in texts.items():
            info = _Info(event, level, lang, text, wording_of(lang), cards.get(lang))
            words = _CANCELLED if kind == "Cancel" else _less_certain(profile.cap[_LEVELS[level]], likelihood)
            info.write(alert, words, places[level])
            said.append((lang, info.headline, info.description))
    if not said:
        raise AssertionError("a message has a level and an event has texts")
    ET.indent(alert, space=" ")
    return CapMessage(
        event.event_id,
        event.report_no,
        identifier,
        kind,
        event.issued_at,
        event.expires_at,
        *said[0],
        payload=ET.tostring(alert, encoding="utf-8", xml_declaration=True),
    )


@dataclass(frozen=True, slots=True)
class _Info:
    """What is said of one level in one language."""

    event: EventMessage
    level: AlertLevel
    lang: str
    text: EventText
    wording: CapWording
    card: InfoCard | None

    @property
    def _mark(self) -> str:
        """What the texts of a report that calls itself actual do not say."""
        return self.wording.mark if self.event.status is AlertStatus.ACTUAL else ""

    @property
    def headline(self) -> str:
        """One line."""
        line = _clean(self._mark + self.text.short)
        return line if len(line) <= MAX_HEADLINE else line[: MAX_HEADLINE - 1] + "…"

    @property
    def description(self) -> str:
        """All there is to say, and that it is a simulation."""
        notice = self.wording.notice if self.card is None else self.card.notice
        return _clean(f"{self._mark}{self.text.long}\n{notice}")

    def write(self, alert: ET.Element, words: CapWords, places: Iterable[CapPlace]) -> None:
        """Add the ``info``."""
        event, instruction = self.event, signal_of(self.level, self.event.kind).instruction
        info = ET.SubElement(alert, "info")
        _add(info, "language", self.lang)
        _add(info, "category", "Geo")
        _add(info, "event", self.wording.event)
        _add(info, "responseType", _RESPONSE[instruction])
        _add(info, "urgency", words.urgency)
        _add(info, "severity", words.severity)
        _add(info, "certainty", words.certainty)
        _add_pair(info, "eventCode", *_EVENT_CODE)
        if event.origin_at is not None:
            _add(info, "onset", cap_time(event.origin_at))
        _add(info, "expires", cap_time(event.expires_at, is_end=True))
        _add(info, "senderName", self.wording.sender_name)
        _add(info, "headline", self.headline)
        _add(info, "description", self.description)
        by_code = load_language(self.lang).instructions if self.card is None else self.card.instructions
        _add(info, "instruction", by_code[instruction])
        for name, value in _parameters(event, self.level).items():
            _add_pair(info, "parameter", name, value)
        for place in places:
            area = ET.SubElement(info, "area")
            _add(area, "areaDesc", _named(place, self.wording))
            for polygon in place.polygon.polygon_texts():
                _add(area, "polygon", polygon)
            if (circle := place.polygon.circle_text()) is not None:
                _add(area, "circle", circle)


def _texts(event: EventMessage, level: AlertLevel, profile: Profile) -> Mapping[str, EventText]:
    """Return what is said where a level holds: where there is hardly any shaking, taking cover is not asked for."""
    if event.kind is ReportKind.CANCEL or event.radius_km_by_level.get(level, 0.0) <= 0:
        return event.texts
    there = msgspec.structs.replace(event, radius_km_by_level={level: event.radius_km_by_level[level]})
    return event_texts(there, profile.info.partition("/")[0], event.texts)


def _less_certain(words: CapWords, likelihood: float | None) -> CapWords:
    if likelihood is None:
        return words
    certainty: CapCertainty = "Likely" if likelihood > _LIKELY else "Possible" if likelihood > _POSSIBLE else "Unlikely"
    return CapWords(words.severity, words.urgency, max(words.certainty, certainty, key=_CERTAINTIES.index))


def _parameters(event: EventMessage, level: AlertLevel) -> dict[str, str]:
    """Return what the event says of itself, under the names of the other messages; what is unknown is left out."""
    is_cancel = event.kind is ReportKind.CANCEL
    parameters: dict[str, float | str | None] = {
        "event_id": event.event_id,
        "report_no": event.report_no,
        "kind": event.kind.value,
        "status": event.status.value,
        "level": None if is_cancel else level,
        "scale": event.scale,
        "origin_at": None if event.origin_at is None else iso_utc(event.origin_at),
        "lat_deg": event.lat_deg,
        "lon_deg": event.lon_deg,
        "depth_km": event.depth_km,
        "magnitude": event.magnitude,
        "magnitude_type": event.magnitude_type,
    }
    return {name: _spelled(value) for name, value in parameters.items() if value is not None}


def _spelled(value: float | str) -> str:
    """Return a value without an exponent and without zeros at the end."""
    return f"{value:.5f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _named(place: CapPlace, wording: CapWording) -> str:
    name = place.name or wording.no_place
    circle = place.polygon.circle
    if circle is None or not place.polygon.is_circle:
        return wording.region.format(place=name)
    return wording.circle.format(place=name, radius_km=f"{circle[2]:.0f}" if circle[2] >= 1 else f"{circle[2]:.1f}")


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = _clean(text)


def _add_pair(parent: ET.Element, tag: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, tag)
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _clean(text: str) -> str:
    """Return a text without what XML cannot say: names come from feeds."""
    return _NOT_XML.sub("", text)
