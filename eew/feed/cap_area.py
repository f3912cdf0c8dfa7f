"""The areas of a CAP message: what is said of each, and where it is."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree as ET

from eew.feed.formats.shakealert import decimal
from eew.feed.unusable_member import Spared
from eew.model.errors import ReportDecodeError
from eew.model.records import AreaAnswer, Severity

__all__ = ["area_elements", "areas_of", "pairs_of"]

#: The outline of a state in full has some hundred corners; all of a message go into one line of native JSON.
MAX_CORNERS = 4_000
MAX_AREAS = 1_000
_A_POLYGON = "four or more of latitude,longitude with spaces between, the first one again at the end"
_A_CIRCLE = "latitude,longitude radius_km"
_MOST_KM = 20_038.0
_Shape = TypeVar("_Shape")


def pairs_of(parent: ET.Element, tag: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of a message's parameters or codes; SeisComP puts several into one element."""
    for element in parent.iterfind(tag):
        names = (name.text or "" for name in element.iterfind("valueName"))
        values = (value.text or "" for value in element.iterfind("value"))
        yield from ((name.strip(), value.strip()) for name, value in zip(names, values, strict=False))


def areas_of(
    infos: Iterable[tuple[ET.Element, Severity | None]], file: str | Path | None, spared: Spared
) -> list[dict[str, Any]]:
    """Return what a message says of its areas, by the members of ``AreaAnswer``.

    Parameters
    ----------
    infos
        Each ``info``, its tags without namespaces, and what it says of all of its areas.
    file
        Where it came from, for what is told.
    spared
        Takes what is left out: polygons and circles that are none, or are too many, and areas that are.

    Returns
    -------
    list of dict
        One for each area with a polygon or circle; of the others one for each of its codes. One that has neither is
        only a name and has no member ``polygons``.
    """
    found: list[dict[str, Any]] = []
    n_corners = 0
    for area, severity in ((area, severity) for info, severity in infos for area in info.iterfind("area")):
        name = area.findtext("areaDesc", "").strip() or None
        codes = [value for _, value in pairs_of(area, "geocode") if value]
        polygons = _each(area, "polygon", _polygon, file, spared)
        circles = _each(area, "circle", _circle, file, spared)
        n_more = sum(map(len, polygons))
        if n_corners + n_more > MAX_CORNERS:
            spared.add(ReportDecodeError(f"at most {MAX_CORNERS} corners in all", file=file, field="polygon"))
            polygons, n_more = [], 0
        n_corners += n_more
        said = {"name": name, "severity": severity}
        where = {"polygons": polygons or None, "circles": circles or None}
        if polygons or circles:
            found.append({"code": codes[0] if codes else name or "", **said, **where})
        elif codes:
            found += [{"code": code, **said, **where} for code in codes]
        elif name is not None:
            found.append({"code": name, **said})
        if len(found) > MAX_AREAS:
            spared.add(ReportDecodeError(f"at most {MAX_AREAS} areas", file=file, field="area"))
            return found[:MAX_AREAS]
    return found


def area_elements(areas: tuple[AreaAnswer, ...]) -> Iterator[ET.Element]:
    """Yield the elements of areas: name, polygons, circles, code; intensities and arrivals have no words in CAP."""
    for area in areas:
        element = ET.Element("area")
        _add(element, "areaDesc", area.name or area.code)
        for ring in area.polygons or ():
            _add(element, "polygon", " ".join(f"{lat:.5f},{lon:.5f}" for lat, lon in ring))
        for lat, lon, radius_km in area.circles or ():
            _add(element, "circle", f"{lat:.5f},{lon:.5f} {radius_km:.3f}")
        if area.code != area.name:
            code = ET.SubElement(element, "geocode")
            _add(code, "valueName", "code")
            _add(code, "value", area.code)
        yield element


def _each(
    area: ET.Element,
    tag: str,
    read: Callable[[str, str | Path | None], _Shape],
    file: str | Path | None,
    spared: Spared,
) -> list[_Shape]:
    # An empty element is how some say that there is none.
    texts = [text for element in area.iterfind(tag) if (text := (element.text or "").strip())]
    shapes = (spared(partial(read, text, file)) for text in texts)
    return [shape for shape in shapes if shape is not None]


def _polygon(text: str, file: str | Path | None) -> tuple[tuple[float, float], ...]:
    corners = text.split(maxsplit=MAX_CORNERS + 1)
    if len(corners) > MAX_CORNERS:
        raise ReportDecodeError(f"at most {MAX_CORNERS} corners", file=file, field="polygon")
    ring = [_place(corner, "polygon", _A_POLYGON, file) for corner in corners]
    if len(ring) > 2 and ring[0] != ring[-1]:
        # Said to be closed by the standard; who leaves that out means the same.
        ring.append(ring[0])
    if len(ring) < 4:
        raise ReportDecodeError(_A_POLYGON, file=file, field="polygon", value=text)
    return tuple(ring)


def _circle(text: str, file: str | Path | None) -> tuple[float, float, float]:
    place, _, size = text.partition(" ")
    radius_km = decimal(size, field="circle", file=file)
    if radius_km is None or not 0 <= radius_km <= _MOST_KM:
        raise ReportDecodeError(_A_CIRCLE, file=file, field="circle", value=text)
    return (*_place(place, "circle", _A_CIRCLE, file), radius_km)


def _place(text: str, field: str, expected: str, file: str | Path | None) -> tuple[float, float]:
    lat, _, lon = text.partition(",")
    lat_deg, lon_deg = (decimal(part, field=field, file=file) for part in (lat, lon))
    if lat_deg is None or lon_deg is None or abs(lat_deg) > 90 or abs(lon_deg) > 180:
        raise ReportDecodeError(expected, file=file, field=field, value=text)
    return lat_deg, lon_deg


def _add(parent: ET.Element, tag: str, text: str) -> None:
    """Write an element that holds a text, without the characters that XML cannot hold."""
    ET.SubElement(parent, tag).text = "".join(character for character in text if character.isprintable())
