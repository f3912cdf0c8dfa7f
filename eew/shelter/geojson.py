"""Any GeoJSON file, such as an extract of OpenStreetMap or what a city's map server gives."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import shape

from eew.model.errors import InputError, ShelterDataError
from eew.model.records import Hazard
from eew.shelter.row import UNNAMED, ImportResult, Reason, ShelterRows, hazards_named
from eew.shelter.source_table import read_text

__all__ = ["PROPERTIES", "import_geojson"]

#: What may be taken from a feature, and under which names it is looked for, in this order and in any case: besides our
#: own words OpenStreetMap's [OSM-POINT] and those of the National Shelter System [NSS].
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "@id"),
    "name": ("name",),
    "capacity": ("capacity", "evac_cap"),
    "hazards": ("hazards",),
    "status": ("status",),
}
#: Where a feature may say what it is meant for, besides ``hazards``; the longer ones are OpenStreetMap's [OSM-POINT].
MARKS = {
    "earthquake": Hazard.EARTHQUAKE,
    "assembly_point:earthquake": Hazard.EARTHQUAKE,
    "tsunami": Hazard.TSUNAMI,
    "assembly_point:tsunami": Hazard.TSUNAMI,
}
_TRUE_WORDS = {"1", "yes", "true"}
#: Names of reference systems in which a place is longitude and latitude in degrees, within a few metres of WGS 84.
_DEGREES = {"crs84", "crs83", "epsg:4326", "epsg:4269", "epsg:4258"}
_SHAPES = {"MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
#: Of a turn around the Earth.
_HALF_TURN_DEG = 180.0


def import_geojson(
    path: str | Path, columns: Mapping[str, str] | None = None, unnamed: str | None = UNNAMED
) -> ImportResult:
    """Read the features of a GeoJSON FeatureCollection (UTF-8, may be gzipped).

    Parameters
    ----------
    path
        The file.
    columns
        Which property holds what, by the words of ``PROPERTIES``; what it does not name is looked for as there.
    unnamed
        What a feature without a name is called; ``None``: it is left out.

    Raises
    ------
    InputError
        If ``columns`` has a word nobody knows.
    ShelterDataError
        If the file is not a FeatureCollection, its coordinates are not longitude and latitude on WGS 84, or no feature
        has a property that ``columns`` names.

    Notes
    -----
    The id may also be the feature's own. What is no point lies at a point inside or on it. Hazards are words, in a text
    or a list, or ``earthquake`` and ``tsunami`` (also as OpenStreetMap's ``assembly_point:…``); an assembly point of
    OpenStreetMap without such a mark is one for any emergency. A file that says nowhere what its shelters are meant for
    counts as one of shelters for earthquakes, none for tsunamis.

    References
    ----------
    [OSM-POINT], [NSS], [RFC7946]
    """
    names = _names(columns or {})
    collection = _collection(path)
    _refuse_other_crs(collection.get("crs"), path)
    features = [_mapping(feature) for feature in collection["features"]]
    _refuse_absent(columns or {}, features, path)
    rows = ShelterRows(counted="feature", unnamed=unnamed)
    is_marked = False
    for number, feature in enumerate(features, start=1):
        properties = {key.lower(): value for key, value in _mapping(feature.get("properties")).items()}
        is_marked = (
            is_marked or any(key in properties for key in (*names["hazards"], *MARKS)) or _is_for_some(properties)
        )
        geometry = _mapping(feature.get("geometry"))
        place = _place(geometry)
        if place is None:
            rows.reject(number, Reason.SHAPE, geometry.get("type", "no geometry"))
            continue
        said = {
            word: next((value for key in keys if (value := properties.get(key)) is not None), None)
            for word, keys in names.items()
        }
        rows.add(
            number,
            _text(feature.get("id") if said["id"] is None else said["id"]),
            _text(said["name"]),
            lat=place[1],
            lon=place[0],
            hazards=_hazards(said["hazards"], properties),
            capacity=_text(said["capacity"]),
            status=_text(said["status"]),
            shape=None if geometry.get("type") == "Point" else _text(geometry.get("type")),
        )
    return rows.result(title=Path(path).name, licence="as its publisher says", is_hazard_assumed=not is_marked)


def _names(columns: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Return where each word is looked for, in lower case."""
    for word in columns:
        if word not in PROPERTIES:
            raise InputError(
                f"one of {', '.join(PROPERTIES)}; the place is the geometry", field="--columns", value=word
            )
    return {**PROPERTIES, **{word: (name.lower(),) for word, name in columns.items()}}


def _collection(path: str | Path) -> Mapping[str, Any]:
    """Return the FeatureCollection of a file."""
    expected = "a GeoJSON FeatureCollection"
    try:
        collection = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ShelterDataError(expected, file=path, line=error.lineno, value=error.msg) from error
    except RecursionError as error:
        raise ShelterDataError(expected, file=path, value="nested too deeply") from error
    if not isinstance(collection, dict) or not isinstance(collection.get("features"), list):
        raise ShelterDataError(expected, file=path, field="features")
    return collection


def _refuse_other_crs(crs: object, path: str | Path) -> None:
    """Refuse coordinates that are not degrees: GeoJSON of before 2016 may name any reference system."""
    if crs is None:
        return
    name = _text(_mapping(_mapping(crs).get("properties")).get("name"))
    # urn:ogc:def:crs:EPSG:9.8.15:4326, urn:ogc:def:crs:OGC:1.3:CRS84, EPSG:4326
    parts = name.lower().split(":")
    if parts[-1] not in _DEGREES and f"{parts[-3 if len(parts) > 2 else 0]}:{parts[-1]}" not in _DEGREES:
        raise ShelterDataError(
            "longitude and latitude on WGS 84 (CRS84 or EPSG:4326), such as `ogr2ogr -t_srs EPSG:4326` makes",
            file=path,
            field="crs",
            value=name or json.dumps(crs)[:80],
        )


def _refuse_absent(columns: Mapping[str, str], features: Sequence[Mapping[str, object]], path: str | Path) -> None:
    """Refuse a name of which no feature has a property: it is a slip of the hand."""
    seen = {key: key.lower() for feature in features for key in _mapping(feature.get("properties"))}
    for word, name in columns.items():
        if name.lower() not in seen.values():
            listed = ", ".join(seen)[:300] or "none"
            raise ShelterDataError(
                f"the property of {word} in a feature at least, among: {listed}",
                file=path,
                field="--columns",
                value=name,
            )


def _place(geometry: Mapping[str, object]) -> tuple[str, str] | None:
    """Return longitude and latitude, as they are given or of a point inside; ``None`` where there is none."""
    coordinates, kind = geometry.get("coordinates"), geometry.get("type")
    if kind == "Point":
        if not isinstance(coordinates, list) or len(coordinates) < 2:
            return None
        return _text(coordinates[0]), _text(coordinates[1])
    if kind not in _SHAPES:
        return None
    try:
        outline = shape(dict(geometry))
        west, south, east, north = outline.bounds
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            return None
        if east - west > _HALF_TURN_DEG:
            # It lies across the date line, and not around the Earth.
            outline = shapely.transform(outline, _eastward)
        point = shapely.make_valid(outline).representative_point()
    except (shapely.GEOSException, ValueError, TypeError, IndexError, KeyError, AttributeError):
        # Numbers that are none, rings that are too short, lists where there should be numbers.
        return None
    return None if point.is_empty else (repr(point.x - 360 if point.x > _HALF_TURN_DEG else point.x), repr(point.y))


def _eastward(corners: "npt.NDArray[np.float64]") -> "npt.NDArray[np.float64]":
    """Return corners (longitude, latitude) with the western longitudes beyond 180°."""
    lon_deg, lat_deg = corners.T
    return np.column_stack((np.where(lon_deg < 0, lon_deg + 360, lon_deg), lat_deg))


def _hazards(words: object, properties: Mapping[str, object]) -> int:
    """Return the bits of the hazards a feature names."""
    bits = hazards_named(" ".join(map(_text, words)) if isinstance(words, list) else _text(words))
    for name, hazard in MARKS.items():
        if _text(properties.get(name)).lower() in _TRUE_WORDS:
            bits |= hazard
    is_for_any = properties.get("emergency") == "assembly_point" and not _is_for_some(properties)
    return bits | Hazard.EARTHQUAKE if is_for_any else bits


def _is_for_some(properties: Mapping[str, object]) -> bool:
    """Return whether an assembly point of OpenStreetMap says for which emergencies it is, or is not."""
    return any(key.startswith("assembly_point:") for key in properties)


def _mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Return a JSON number, truth value or text as text; anything else is nothing."""
    return str(value) if isinstance(value, str | int | float) else ""
