"""The rules of CAP 1.2 as a checker, written from the standard's text (section 3.2 and 3.3) and not from its schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
IDENTIFIER = re.compile(r"[^\s,<&]+")
NUMBER = r"-?\d+(\.\d+)?"
POINT = re.compile(rf"({NUMBER}),({NUMBER})")
CIRCLE = re.compile(rf"({NUMBER}),({NUMBER}) (\d+(\.\d+)?)")
LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")

#: Elements in their order: name, at least, at most (``None``: as many as one likes).
Rules = list[tuple[str, int, int | None]]

ALERT: Rules = [
    ("identifier", 1, 1),
    ("sender", 1, 1),
    ("sent", 1, 1),
    ("status", 1, 1),
    ("msgType", 1, 1),
    ("source", 0, 1),
    ("scope", 1, 1),
    ("restriction", 0, 1),
    ("addresses", 0, 1),
    ("code", 0, None),
    ("note", 0, 1),
    ("references", 0, 1),
    ("incidents", 0, 1),
    ("info", 0, None),
]
INFO: Rules = [
    ("language", 0, 1),
    ("category", 1, None),
    ("event", 1, 1),
    ("responseType", 0, None),
    ("urgency", 1, 1),
    ("severity", 1, 1),
    ("certainty", 1, 1),
    ("audience", 0, 1),
    ("eventCode", 0, None),
    ("effective", 0, 1),
    ("onset", 0, 1),
    ("expires", 0, 1),
    ("senderName", 0, 1),
    ("headline", 0, 1),
    ("description", 0, 1),
    ("instruction", 0, 1),
    ("web", 0, 1),
    ("contact", 0, 1),
    ("parameter", 0, None),
    ("resource", 0, None),
    ("area", 0, None),
]
AREA: Rules = [
    ("areaDesc", 1, 1),
    ("polygon", 0, None),
    ("circle", 0, None),
    ("geocode", 0, None),
    ("altitude", 0, 1),
    ("ceiling", 0, 1),
]
PAIR: Rules = [("valueName", 1, 1), ("value", 1, 1)]
WORDS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {
        "Geo",
        "Met",
        "Safety",
        "Security",
        "Rescue",
        "Fire",
        "Health",
        "Env",
        "Transport",
        "Infra",
        "CBRNE",
        "Other",
    },
    "responseType": {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}


def parsed(payload: bytes) -> ET.Element:
    return ET.fromstring(payload)  # noqa: S314 - a document of our own


@dataclass
class Checker:
    """Collects what is wrong with one message."""

    problems: list[str]

    def check(self, payload: bytes) -> None:
        alert = parsed(payload)
        if alert.tag != f"{CAP}alert":
            self.problems.append(f"root {alert.tag}")
            return
        self.order(alert, ALERT)
        text = {child.tag.removeprefix(CAP): child.text or "" for child in alert}
        for name in ("identifier", "sender"):
            self.match(IDENTIFIER, name, text.get(name, ""))
        if text.get("msgType") in {"Update", "Cancel", "Ack", "Error"} and not text.get("references", "").strip():
            self.problems.append("references: a message of this type needs them")
        if (text.get("scope") == "Restricted") is not bool(text.get("restriction")):
            self.problems.append("restriction: when the scope is Restricted, and only then")
        for reference in text.get("references", "").split():
            sender, identifier, sent = [*reference.split(","), "", "", ""][:3]
            self.match(IDENTIFIER, "references", sender)
            self.match(IDENTIFIER, "references", identifier)
            self.match(DATE_TIME, "references", sent)
        self.leaves(alert)
        for info in alert.findall(f"{CAP}info"):
            self.info(info, text.get("sent", ""))

    def info(self, info: ET.Element, sent: str) -> None:
        self.order(info, INFO)
        language = info.findtext(f"{CAP}language")
        if language is not None:
            self.match(LANGUAGE, "language", language)
        expires = info.findtext(f"{CAP}expires")
        if expires is not None and datetime.fromisoformat(expires) <= datetime.fromisoformat(sent):
            self.problems.append("expires: before it was sent")
        if len(info.findtext(f"{CAP}headline") or "") > 160:
            self.problems.append("headline: over 160 characters")
        for tag in ("parameter", "eventCode"):
            for pair in info.findall(f"{CAP}{tag}"):
                self.order(pair, PAIR)
        for area in info.findall(f"{CAP}area"):
            self.order(area, AREA)
            for polygon in area.findall(f"{CAP}polygon"):
                self.polygon(polygon.text or "")
            for circle in area.findall(f"{CAP}circle"):
                self.match(CIRCLE, "circle", circle.text or "")

    def polygon(self, text: str) -> None:
        points = text.split(" ")
        for point in points:
            self.match(POINT, "polygon", point)
            lat, lon = map(float, point.split(","))
            if not (-90 <= lat <= 90 and -180 <= lon <= 180):
                self.problems.append(f"polygon: {point}")
        if len(points) < 4 or points[0] != points[-1]:
            self.problems.append("polygon: four pairs at least, the last the first")

    def order(self, parent: ET.Element, rules: Rules) -> None:
        names = [child.tag.removeprefix(CAP) for child in parent]
        known = [name for name, _, _ in rules]
        if unknown := set(names) - set(known):
            self.problems.append(f"{parent.tag}: unknown {unknown}")
            return
        if names != sorted(names, key=known.index):
            self.problems.append(f"{parent.tag}: order {names}")
        for name, least, most in rules:
            if names.count(name) < least or (most is not None and names.count(name) > most):
                self.problems.append(f"{parent.tag}: {names.count(name)} times {name}")

    def leaves(self, alert: ET.Element) -> None:
        for element in alert.iter():
            name, text = element.tag.removeprefix(CAP), element.text or ""
            if not len(element) and not text.strip():
                self.problems.append(f"{name}: empty")
            if name in WORDS and text not in WORDS[name]:
                self.problems.append(f"{name}: {text}")
            if name in {"sent", "effective", "onset", "expires"}:
                self.match(DATE_TIME, name, text)

    def match(self, pattern: re.Pattern[str], name: str, text: str) -> None:
        if not pattern.fullmatch(text):
            self.problems.append(f"{name}: {text!r}")


@pytest.fixture
def cap_problems() -> Callable[[bytes], list[str]]:
    """Return what says what is wrong with a CAP message."""

    def problems(payload: bytes) -> list[str]:
        checker = Checker([])
        checker.check(payload)
        return checker.problems

    return problems
