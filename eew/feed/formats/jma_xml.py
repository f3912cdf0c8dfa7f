"""JMA disaster-prevention XML: VXSE43 (warning), VXSE44 (forecast), VXSE45 (ground-motion forecast)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from eew.errors import ReportDecodeError
from eew.feed.formats.native import as_report
from eew.model import AlertStatus, EventReport, ReportKind

__all__ = ["decode_jma_xml"]

#: The longest telegram seen has 20 kB; beyond this it is no telegram.
MAX_BYTES = 2_000_000

_STATUS = {"通常": AlertStatus.ACTUAL, "訓練": AlertStatus.EXERCISE, "試験": AlertStatus.TEST}
_INFO_TYPES = {word: word for word in ("発表", "訂正", "取消")}
_COORDINATE = re.compile(r"(?P<lat>[+-][\d.]+)(?P<lon>[+-][\d.]+)(?P<depth>[+-]\d+)?/")


def decode_jma_xml(data: bytes, *, file: str | Path | None = None) -> EventReport:
    """Read one telegram.

    Parameters
    ----------
    data
        The telegram, UTF-8.
    file
        Where it came from, for the error.

    Raises
    ------
    ReportDecodeError
        If it is no such telegram or says something impossible.

    Notes
    -----
    The serial numbers of VXSE43 count warnings only; those of 44 and 45 count every report. A telegram with an assumed
    hypocentre may leave out the origin time; the time of detection, which is later, then stands for it. It is not
    used for arrivals, since no attenuation is applied to such a report. The areas are not read.
    """
    telegram = _Telegram(_parsed(data, file), file)
    members: dict[str, Any] = {
        "event_id": telegram.text("Head/EventID"),
        "source": "jma",
        "report_no": telegram.number("Head/Serial"),
        "status": telegram.choice("Control/Status", _STATUS),
        "issued_at": telegram.text("Head/ReportDateTime"),
    }
    info_type = telegram.choice("Head/InfoType", _INFO_TYPES)
    if info_type == "取消":
        members["kind"] = ReportKind.CANCEL
    elif telegram.find("Body/NextAdvisory") is not None:
        members["kind"] = ReportKind.FINAL
    else:
        members["kind"] = ReportKind.NEW if members["report_no"] == 1 else ReportKind.UPDATE
    if info_type != "取消" or telegram.find("Body/Earthquake") is not None:
        members |= _earthquake(telegram)
    return as_report(members, file=file)


def _earthquake(telegram: "_Telegram") -> dict[str, Any]:
    area = "Body/Earthquake/Hypocenter/Area"
    coordinate = telegram.text(f"{area}/Coordinate")
    parts = _COORDINATE.fullmatch(coordinate)
    if parts is None:
        raise telegram.error(f"{area}/Coordinate", coordinate, "±lat±lon[±height in m]/")
    magnitude = telegram.find("Body/Earthquake/Magnitude")
    if magnitude is not None and (magnitude.text or "").strip() in {"", "NaN"}:
        magnitude = None
    is_assumed = "仮定震源要素" in (telegram.find_text("Body/Earthquake/Condition") or "")
    detected_at = telegram.find_text("Body/Earthquake/ArrivalTime")
    return {
        "origin_at": telegram.find_text("Body/Earthquake/OriginTime") or (detected_at if is_assumed else None),
        "detected_at": detected_at,
        "lat_deg": telegram.decimal(f"{area}/Coordinate", parts["lat"]),
        "lon_deg": telegram.decimal(f"{area}/Coordinate", parts["lon"]),
        # The third number is a height in metres: below the ground it is negative.
        "depth_km": None if parts["depth"] is None else int(parts["depth"]) / -1000 or 0.0,
        "magnitude": None if magnitude is None else telegram.decimal("Body/Earthquake/Magnitude", magnitude.text),
        "magnitude_type": None if magnitude is None else magnitude.get("type"),
        "place": telegram.find_text(f"{area}/Name"),
        "is_assumed": is_assumed,
    }


def _parsed(data: bytes, file: str | Path | None) -> ET.Element:
    """Parse what holds no declarations: without them there are no entities to expand or to fetch."""
    if len(data) > MAX_BYTES:
        raise ReportDecodeError(f"at most {MAX_BYTES} bytes", file=file, field="size", value=len(data))
    try:
        # Decoded here, so that an encoding named in the telegram cannot hide a declaration from the next test.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportDecodeError("UTF-8", file=file, value=data[:20]) from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ReportDecodeError("a telegram without document type or entities", file=file, field="<!DOCTYPE>")
    try:
        root = ET.fromstring(text)  # noqa: S314 - declarations are refused and the size is bounded above
    except (ET.ParseError, ValueError) as error:
        line = error.position[0] if isinstance(error, ET.ParseError) else None
        raise ReportDecodeError(f"well-formed XML ({error})", file=file, line=line) from error
    if not root.tag.endswith("}Report"):
        raise ReportDecodeError("a JMA telegram, its root a Report", file=file, field="root", value=root.tag)
    return root


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
        element = self.find(path)
        return None if element is None or element.text is None else element.text.strip() or None

    def text(self, path: str) -> str:
        """Return its text, which must be there."""
        text = self.find_text(path)
        if text is None:
            raise self.error(path, None, "it to be given")
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

    def choice(self, path: str, choices: Mapping[str, str]) -> str:
        """Return what its text stands for."""
        text = self.text(path)
        if text not in choices:
            raise self.error(path, text, " or ".join(choices))
        return choices[text]

    def error(self, path: str, value: object, expected: str) -> ReportDecodeError:
        """Return the error for an element."""
        return ReportDecodeError(expected, file=self._file, field=path, value=value)
