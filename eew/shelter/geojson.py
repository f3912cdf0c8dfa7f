"""Any GeoJSON file of points, such as an extract of OpenStreetMap."""

import json
from collections.abc import Mapping
from pathlib import Path

from eew.errors import ShelterDataError
from eew.model import Hazard
from eew.shelter.row import ImportResult, Reason, ShelterRows, hazards_named
from eew.shelter.table import read_text

__all__ = ["import_geojson"]

#: Where a feature may say what it is meant for, besides ``hazards``; the longer ones are OpenStreetMap's [OSM-POINT].
MARKS = {
    "earthquake": Hazard.EARTHQUAKE,
    "assembly_point:earthquake": Hazard.EARTHQUAKE,
    "tsunami": Hazard.TSUNAMI,
    "assembly_point:tsunami": Hazard.TSUNAMI,
}
_TRUE_WORDS = {"1", "yes", "true"}


def import_geojson(path: str | Path) -> ImportResult:
    """Read the point features of a GeoJSON FeatureCollection (UTF-8, may be gzipped).

    Properties taken: ``id`` (or ``@id``, or the feature's own id), ``name``, ``capacity``, ``hazards`` (words, in a
    text or a list), ``earthquake`` and ``tsunami`` (also as OpenStreetMap's ``assembly_point:…``). A file that says
    nowhere what its shelters are meant for counts as one of shelters for earthquakes, none for tsunamis.

    Raises
    ------
    ShelterDataError
        If the file is not a FeatureCollection.
    """
    try:
        collection = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ShelterDataError("a GeoJSON FeatureCollection", file=path, line=error.lineno, value=error.msg) from error
    except RecursionError as error:
        raise ShelterDataError("a GeoJSON FeatureCollection", file=path, value="nested too deeply") from error
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list):
        raise ShelterDataError("a GeoJSON FeatureCollection", file=path, field="features")
    rows = ShelterRows(counted="feature")
    is_marked = False
    for number, feature in enumerate(features, start=1):
        properties = _mapping(_mapping(feature).get("properties"))
        is_marked = is_marked or "hazards" in properties or not MARKS.keys().isdisjoint(properties)
        geometry = _mapping(_mapping(feature).get("geometry"))
        place = geometry.get("coordinates")
        if geometry.get("type") != "Point" or not isinstance(place, list) or len(place) < 2:
            rows.reject(number, Reason.SHAPE, geometry.get("type", "no geometry"))
            continue
        rows.add(
            number,
            _text(properties.get("id", properties.get("@id", _mapping(feature).get("id")))),
            _text(properties.get("name")),
            lat=_text(place[1]),
            lon=_text(place[0]),
            hazards=_hazards(properties),
            capacity=_text(properties.get("capacity")),
        )
    return rows.result(title=Path(path).name, licence="as its publisher says", is_hazard_assumed=not is_marked)


def _hazards(properties: Mapping[str, object]) -> int:
    """Return the bits of the hazards a feature names."""
    words = properties.get("hazards")
    bits = hazards_named(" ".join(map(_text, words)) if isinstance(words, list) else _text(words))
    for name, hazard in MARKS.items():
        if _text(properties.get(name)).lower() in _TRUE_WORDS:
            bits |= hazard
    return bits


def _mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Return a JSON number, truth value or text as text; anything else is nothing."""
    return str(value) if isinstance(value, str | int | float) else ""
