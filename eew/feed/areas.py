"""An agency's areas: their polygons from GeoJSON, and which point of each lies nearest to an epicentre."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from eew.model.errors import InputError

__all__ = ["Areas", "load_areas"]

_KINDS = ("Polygon", "MultiPolygon")
_COLLECTION = "a GeoJSON FeatureCollection of polygons with properties code and name"


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """The polygons of an agency's areas by code, as longitude and latitude."""

    polygon_by_code: dict[str, BaseGeometry]
    name_by_code: dict[str, str]

    def __len__(self) -> int:
        """How many areas."""
        return len(self.polygon_by_code)

    def nearest_points(
        self, lat_deg: float, lon_deg: float, codes: Sequence[str]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the point of each area that is nearest to an epicentre: the epicentre itself where it lies inside.

        Parameters
        ----------
        lat_deg, lon_deg
            Of the epicentre, degrees.
        codes
            Of the areas.

        Returns
        -------
        lat_deg, lon_deg
            Shape ``(len(codes),)``, degrees; NaN where no area has the code.

        Notes
        -----
        Found in the azimuthal equidistant plane around the epicentre, in which distances from it are geodesics of
        WGS 84 [KAR13]; an area's edges are straight there between its corners.
        """
        plane = pyproj.Proj(proj="aeqd", lat_0=lat_deg, lon_0=lon_deg, ellps="WGS84")

        def flat(lon_lat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            return np.column_stack(plane(*lon_lat.T))

        epicentre = shapely.Point(0, 0)
        to_lat_deg, to_lon_deg = np.full((2, len(codes)), math.nan)
        for row, code in enumerate(codes):
            if (polygon := self.polygon_by_code.get(code)) is not None:
                line = shapely.shortest_line(shapely.transform(polygon, flat), epicentre)
                x_m, y_m = shapely.get_coordinates(line)[0]
                to_lon_deg[row], to_lat_deg[row] = plane(x_m, y_m, inverse=True)
        return to_lat_deg, to_lon_deg


def load_areas(path: str | Path) -> Areas:
    """Read areas from GeoJSON: features with ``properties.code`` and ``name``, Polygon or MultiPolygon.

    Features without a code or a geometry are left out; those of one code are one area.

    Raises
    ------
    InputError
        If the file is no such GeoJSON, naming the feature.
    """
    try:
        document = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"GeoJSON ({error})", file=path) from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise InputError(_COLLECTION, file=path)
    parts_by_code: dict[str, list[BaseGeometry]] = {}
    name_by_code: dict[str, str] = {}
    for index, feature in enumerate(features):
        place = f"features[{index}]"
        try:
            properties, geometry = feature["properties"], feature["geometry"]
            code = str(properties["code"] or "")
            if not code or geometry is None:
                continue
            if geometry["type"] not in _KINDS:
                raise InputError(" or ".join(_KINDS), file=path, field=f"{place}.geometry.type", value=geometry["type"])
            polygon = shapely.from_geojson(json.dumps(geometry))
        except (KeyError, TypeError, shapely.errors.GEOSException) as error:
            raise InputError(_COLLECTION, file=path, field=place) from error
        # GeoJSON allows a third coordinate, which a projection to the plane would take for something else.
        parts_by_code.setdefault(code, []).append(shapely.force_2d(polygon))
        name_by_code.setdefault(code, str(properties.get("name") or code))
    if not parts_by_code:
        raise InputError("at least one area with a code and a polygon", file=path)
    polygon_by_code = {code: _joined(parts) for code, parts in parts_by_code.items()}
    return Areas(polygon_by_code, name_by_code)


def _joined(parts: list[BaseGeometry]) -> BaseGeometry:
    return parts[0] if len(parts) == 1 else shapely.GeometryCollection(parts)
