"""CAP, the Common Alerting Protocol: SASMEX's (1.1 in Atom), that of SeisComP as ATTAC sends it (1.2), and ours."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree as ET

from eew.contract.cap.cap_message import NAMESPACE, cap_time
from eew.feed.cap_area import area_elements, areas_of, pairs_of
from eew.feed.cap_chain import Chains, Reference
from eew.feed.formats.native import as_report
from eew.feed.formats.shakealert import UNKNOWN_NUMBERS, decimal, utc_time
from eew.feed.json_message import parsed_each
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.refusal import A_TIME
from eew.feed.synthetic_report_no import LAST_NO
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unusable_member import Spared
from eew.feed.xml_document import parsed_xml
from eew.model.errors import MISSING_FIELD, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind, Severity
from eew.model.units import iso_utc

__all__ = ["for_one_feed", "parse", "render"]

#: An Atom feed of a hundred of SASMEX's alerts has some 250 kB.
MAX_BYTES = 500_000
MAX_ALERTS = 1_000
#: Messages that do not count themselves are numbered by when they were sent; SeisComP may send several in a second.
TICK = timedelta(milliseconds=100)

_STATUSES = {"Actual": AlertStatus.ACTUAL, "Exercise": AlertStatus.EXERCISE, "Test": AlertStatus.TEST}
_NOT_MEANT = ("System", "Draft")
_TYPES = ("Alert", "Update", "Cancel")
_NO_ALERTS = ("Ack", "Error")
#: Earthquake in the languages of those who warn of them.
_EARTHQUAKE = re.compile(
    "earthquake|s[ií]smo|s[ií]smic|temblor|terremoto|s[eé]isme|erdbeben|cutremur|deprem|gempa|lindol|σεισμ|地震|지진",
    re.IGNORECASE,
)
#: SAME, and the OASIS event terms [OET].
_EARTHQUAKE_CODES = frozenset({"EQW", "OET-068"})

_SASMEX = "sasmex"
_AGENCY_BY_SENDER = {"cires.org.mx": _SASMEX, "sasmex.net": _SASMEX}
_SENDER_BY_AGENCY = {_SASMEX: "cires.org.mx"}
#: SASMEX says in the event's name how bad it is, and leaves the severity out or calls it unknown.
_SASMEX_WORDS = {
    "alerta s": Severity.SEVERE,
    "severo": Severity.SEVERE,
    "fuerte": Severity.SEVERE,
    "moderado": Severity.MODERATE,
}
#: Where SASMEX alerts unless it names an area: Mexico City in ISO 3166-2.
_MEXICO_CITY = {"code": "MX-CMX", "name": "Ciudad de México"}

#: Members of a report by the names of parameters, in small letters and without what is neither letter nor digit.
_NAMES = {
    "origin_at": ("originat", "origintime"),
    "lat_deg": ("latdeg", "latitude"),
    "lon_deg": ("londeg", "longitude"),
    "depth_km": ("depthkm", "depth"),
    "magnitude": ("magnitude",),
    "magnitude_type": ("magnitudetype",),
    "likelihood": ("likelihood",),
    "is_assumed": ("isassumed",),
    "event_id": ("eventid",),
    "report_no": ("reportno",),
    "kind": ("kind",),
}
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: One of several words stands in quotes.
_ONE_INCIDENT = re.compile(r'"([^"]+)"|([^"\s]+)')
T = TypeVar("T")
_ZONE = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})$")


class _Reader:
    """Reads the messages of one feed."""

    def __init__(self) -> None:
        self._chains = Chains()

    def parse(self, data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
        """Read one message, which may be a feed of several alerts."""
        return _parsed(data, file, self._chains)

    def render(self, report: EventReport) -> bytes:
        """Write a report."""
        return render(report)


def for_one_feed() -> _Reader:
    """Return what reads the messages of one feed and remembers which event each was of.

    An update that names only the message before it is then of the event that this one was of.
    """
    return _Reader()


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read one alert, or an Atom feed of them.

    Parameters
    ----------
    data
        An ``alert`` (CAP 1.0 to 1.2), or a ``feed`` with alerts as the content of its entries; UTF-8.
    file
        Where it came from, for the error.

    Returns
    -------
    tuple of Parsed
        A report for each alert, in the order in which they were sent, then what is ignored; a heartbeat for a feed
        without entries.

    Raises
    ------
    ReportDecodeError
        If it is no such message, or something is wrong with every alert in it.

    Notes
    -----
    - ``sent`` is the issue and must say its zone, as the standard demands. ``effective``, ``onset`` and ``expires``
      are not read: how long an alert holds is the profile's to say.
    - The status is ``Actual``, ``Exercise`` or ``Test``; ``System`` and ``Draft`` are ignored, and so are the types
      ``Ack`` and ``Error``. A ``Cancel`` takes back, whatever else it says.
    - What is not about an earthquake, by the text or the code of its event, is ignored: feeds of all hazards are
      common. A cancel without an ``info`` does not say what it was about and is taken for one.
    - The event is the parameter event_id, else the only one of ``incidents``, else the earliest of ``references``,
      else the identifier: SeisComP sends all messages of an event under one. A name too long for a topic becomes a
      digest.
    - The number is the parameter report_no, else it grows by one each 0.1 s since the origin, or since the earliest
      reference where no origin is said. A cancel that does not say its own has the last number.
    - Time and place of the focus, depth, magnitude and its type are parameters, under ATTAC's names (originTime,
      latitude, longitude, depth in km, magnitude) or ours. What is not as it
      should be of the last three, of a polygon or circle, or of the focus where there are areas, is left out, and told.
    - An ``area`` with a polygon or circle, or a geocode, is an area of the report. One that is only a name is the place
      of the focus where that is known (ATTAC), else an area. Only the first language is read, each level's ``info``
      has its severity. SASMEX's is in the text of its event, and where it names no area it is Mexico City. SASMEX's
      circle "Zona Probable Epicentro" is where the focus may be; it is an area like any other.
    - A report of areas alone is told to nobody today (``eew.decision.merge``).

    References
    ----------
    [CAP11], [CAP12], [SASMEX-CAP], [SED-CAP]
    """
    return _parsed(data, file, Chains())


def render(report: EventReport) -> bytes:
    """Write one alert as SeisComP does: each solution an ``Alert`` of one incident.

    Resolution: 1 s of the issue, 1 µs of the origin, numbers as they are. Not sayable: areas' intensities and
    arrivals, a fault, a tsunami, a detection. A single report does not know the messages before it, so there are no
    references, not even of a cancel, which names its incident; ``eew.contract.cap`` writes them.
    """
    name = agency_name(report.event_id)
    name = name if name.isprintable() and '"' not in name else report.event_id
    is_cancel = report.kind is ReportKind.CANCEL
    alert = ET.Element("alert", xmlns=NAMESPACE)
    _add(alert, "identifier", f"{name}-{report.report_no}" + ("-cancel" if is_cancel else ""))
    _add(alert, "sender", _SENDER_BY_AGENCY.get(report.source, report.source))
    _add(alert, "sent", cap_time(report.issued_at))
    _add(alert, "status", next(word for word, status in _STATUSES.items() if status is report.status))
    _add(alert, "msgType", "Cancel" if is_cancel else "Alert")
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", "For receivers that take part in the simulation; not for the public")
    _add(alert, "note", "Played by a simulator, not a warning")
    _add(alert, "incidents", f'"{name}"' if any(map(str.isspace, name)) else name)
    areas = report.areas or ()
    for severity in dict.fromkeys(area.severity for area in areas) or (None,):
        info = ET.SubElement(alert, "info")
        words = ("Unknown" if severity is None else severity.value.capitalize(), "Unknown" if is_cancel else "Likely")
        _add(info, "category", "Geo")
        _add(info, "event", "Earthquake")
        _add(info, "urgency", "Past" if is_cancel else "Immediate")
        _add(info, "severity", words[0])
        _add(info, "certainty", words[1])
        for parameter, value in _parameters(report).items():
            pair = ET.SubElement(info, "parameter")
            _add(pair, "valueName", parameter)
            _add(pair, "value", value)
        if report.place is not None and report.is_located:
            _add(ET.SubElement(info, "area"), "areaDesc", report.place)
        info.extend(area_elements(tuple(area for area in areas if area.severity is severity)))
    written: bytes = ET.tostring(alert, encoding="UTF-8", xml_declaration=True)
    return written


def _parsed(data: bytes, file: str | Path | None, chains: Chains) -> tuple[Parsed, ...]:
    root = parsed_xml(data, file=file, root=("alert", "feed"), max_bytes=MAX_BYTES)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    spared = Spared()
    if root.tag == "alert":
        part = _Alert(root, file, spared).parsed(chains)
        return (part, *spared.parts())
    entries = root.findall("entry")
    if not entries:
        return (Heartbeat("cap"),)
    alerts = [alert for entry in entries if (alert := entry.find("content/alert")) is not None]
    if not alerts:
        return (Ignored("a feed whose entries only name their alerts' addresses"),)
    if len(alerts) > MAX_ALERTS:
        raise ReportDecodeError(f"at most {MAX_ALERTS} alerts", file=file, field="entry", value=len(alerts))
    # The newest stands first: read from the end, what is referred to comes before what refers to it.
    parts = parsed_each(reversed(alerts), lambda alert: _Alert(alert, file, spared).parsed(chains))
    reports = (part for part in parts if isinstance(part, EventReport))
    others = (part for part in parts if not isinstance(part, EventReport))
    return (*sorted(reports, key=lambda report: report.issued_at), *others, *spared.parts())


class _Alert:
    """One alert, its tags without namespaces."""

    def __init__(self, alert: ET.Element, file: str | Path | None, spared: Spared) -> None:
        self._alert = alert
        self._file = file
        self._spared = spared
        infos = alert.findall("info")
        lang = infos[0].findtext("language", "").strip() if infos else ""
        self._infos = [info for info in infos if info.findtext("language", "").strip() == lang]
        self._said: dict[str, str] = {}
        for info in self._infos:
            for name, value in pairs_of(info, "parameter"):
                self._said.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), value)
        #: What is wrong with time and place of the focus, which a report with areas can be without.
        self._wrong: list[ReportDecodeError] = []
        self._origin_at = self._placed(lambda: self._instant_or_none("origin_at"))

    def parsed(self, chains: Chains) -> Parsed:
        """Return the report, or why there is none."""
        status = self._word("status", (*_STATUSES, *_NOT_MEANT))
        message_type = self._word("msgType", (*_TYPES, *_NO_ALERTS))
        if status in _NOT_MEANT or message_type in _NO_ALERTS:
            return Ignored(f"no alert but {status} {message_type}")
        is_cancel = message_type == "Cancel"
        if not self._infos and not is_cancel:
            return Ignored("an alert without information")
        if self._infos and not any(map(_is_earthquake, self._infos)):
            return Ignored(f"no earthquake but {self._infos[0].findtext('event', '').strip()[:40]}")
        members = self._identity(message_type, chains) | {"status": _STATUSES[status]}
        if not is_cancel:
            members |= self._solution(members["source"])
            if self._wrong and not members["areas"]:
                raise self._wrong[0]
        for error in self._wrong:
            self._spared.add(error)
        return as_report(members, file=self._file, spared=self._spared)

    def _identity(self, message_type: str, chains: Chains) -> dict[str, Any]:
        """Return which report of which event it is."""
        sender, identifier = self._text("sender"), self._text("identifier")
        sent_at = _instant(self._text("sent"), "sent", self._file)
        references = self._references()
        first = min(references, key=lambda each: each.sent_at, default=None)
        incident = _ONE_INCIDENT.fullmatch(self._alert.findtext("incidents", "").strip())
        event_id = self._given("event_id") if _WORD.fullmatch(self._given("event_id")) else None
        if event_id is None and incident is not None:
            event_id = _event_word(incident[1] or incident[2])
        event_id = event_id or chains.event_of(references)
        event_id = event_id or _event_word(identifier if first is None else first.identifier)
        is_cancel = message_type == "Cancel"
        number = self._given("report_no")
        # SeisComP sends the same event in other formats, too, which number it otherwise.
        numbering: str | None = "cap"
        if number.isascii() and number.isdecimal() and len(number) <= 9:
            report_no, numbering = int(number), None
        elif is_cancel:
            report_no = LAST_NO
        else:
            since = self._origin_at or (sent_at if first is None else first.sent_at)
            report_no = max(1, min((sent_at - since) // TICK + 1, LAST_NO))
            report_no = chains.numbered(Reference(sender, identifier, sent_at), event_id, report_no)
        kind = ReportKind.CANCEL if is_cancel else ReportKind.UPDATE if references else ReportKind.NEW
        if not is_cancel and self._given("kind") in {"new", "update", "final"}:
            kind = ReportKind(self._given("kind"))
        agency = _AGENCY_BY_SENDER.get(sender) or re.sub(r"[^A-Za-z0-9_-]", "-", sender[:64])
        return {
            "event_id": event_id,
            "source": agency,
            "report_no": report_no,
            "numbering": numbering,
            "kind": kind,
            "issued_at": sent_at,
        }

    def _solution(self, source: str) -> dict[str, Any]:
        """Return what it says of the earthquake, and where it shakes."""
        members: dict[str, Any] = {
            "origin_at": self._origin_at,
            **{name: self._placed(partial(self._number, name)) for name in ("lat_deg", "lon_deg")},
            "magnitude_type": self._given("magnitude_type") or None,
            "is_assumed": self._given("is_assumed").lower() == "true",
            **{name: self._spared(partial(self._number, name)) for name in ("depth_km", "magnitude", "likelihood")},
        }
        areas = areas_of(((info, _severity(info, source)) for info in self._infos), self._file, self._spared)
        is_located = None not in {members["origin_at"], members["lat_deg"], members["lon_deg"]}
        if is_located:
            members["place"] = next((area["name"] for area in areas if "polygons" not in area), None)
            areas = [area for area in areas if "polygons" in area]
        elif source == _SASMEX and not areas:
            areas = [_MEXICO_CITY | {"severity": _severity(self._infos[0], source)}]
        return members | {"areas": areas or None}

    def _placed(self, read: Callable[[], T]) -> T | None:
        """Return what is read of time and place of the focus; note what is wrong."""
        try:
            return read()
        except ReportDecodeError as error:
            self._wrong.append(error)
            return None

    def _instant_or_none(self, member: str) -> datetime | None:
        text = self._given(member)
        return _instant(text, _NAMES[member][-1], self._file) if text else None

    def _number(self, member: str) -> float | None:
        """Return the number under a parameter; SeisComP has numbers for unknown."""
        return decimal(self._given(member), field=_NAMES[member][-1], file=self._file, unknown=UNKNOWN_NUMBERS)

    def _given(self, member: str) -> str:
        """Return the parameter of a member, "" where there is none."""
        return next((self._said[name] for name in _NAMES[member] if name in self._said), "")

    def _references(self) -> list[Reference]:
        found = []
        for group in self._alert.findtext("references", "").split():
            parts = group.split(",")
            if len(parts) == 3 and parts[1]:
                sent_at = self._spared(partial(_instant, parts[2], "references", self._file))
                if sent_at is not None:
                    found.append(Reference(parts[0], parts[1], sent_at))
        return found

    def _text(self, tag: str) -> str:
        if not (text := self._alert.findtext(tag, "").strip()):
            raise ReportDecodeError(MISSING_FIELD, file=self._file, field=tag)
        return text

    def _word(self, tag: str, words: tuple[str, ...]) -> str:
        if (word := self._text(tag)) not in words:
            raise ReportDecodeError(" or ".join(words), file=self._file, field=tag, value=word)
        return word


def _is_earthquake(info: ET.Element) -> bool:
    if _EARTHQUAKE.search(info.findtext("event", "")) is not None:
        return True
    return any(value in _EARTHQUAKE_CODES for _, value in pairs_of(info, "eventCode"))


def _severity(info: ET.Element, source: str) -> Severity | None:
    """Return how bad it is where an ``info`` holds."""
    word = info.findtext("severity", "").strip().lower()
    if word in set(Severity):
        return Severity(word)
    event = info.findtext("event", "").lower() if source == _SASMEX else ""
    return next((severity for part, severity in _SASMEX_WORDS.items() if part in event), None)


def _event_word(name: str) -> str:
    """Return a name as a topic may say it; a digest of one that is too long, as the OIDs of some services are."""
    word = topic_safe_id(name)
    return word if len(word) <= 64 else f"cap-{hashlib.blake2b(name.encode(), digest_size=20).hexdigest()}"


def _instant(text: str, field: str, file: str | Path | None) -> datetime:
    """Return a time, which must say its zone: what is hours off would be stale, or not yet."""
    if _ZONE.search(text.strip()) is None:
        raise ReportDecodeError(A_TIME, file=file, field=field, value=text)
    return utc_time(text, field=field, file=file)


def _parameters(report: EventReport) -> dict[str, str]:
    """Return a report's parameters: ATTAC's where it has them, else our own."""
    origin_at = None if report.origin_at is None else iso_utc(report.origin_at, None)
    said: dict[str, object] = {
        "report_no": report.report_no,
        "kind": report.kind.value,
        "originTime": origin_at,
        "magnitude": report.magnitude,
        "magnitude_type": report.magnitude_type,
        "latitude": report.lat_deg,
        "longitude": report.lon_deg,
        "depth": report.depth_km,
        "likelihood": report.likelihood,
        "is_assumed": "true" if report.is_assumed else None,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def _add(parent: ET.Element, tag: str, text: str) -> None:
    """Write an element that holds a text, without the characters that XML cannot hold."""
    ET.SubElement(parent, tag).text = "".join(character for character in text if character.isprintable())
