"""Where each level of a report ends on the ground: a circle about a point source, the neighbourhood of a fault.

report ─ estimate, decision ─ plane about the epicentre ─ shapely ─ latitude and longitude ─▶ Contour
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import shapely
import shapely.affinity
from pyproj import Proj
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from eew.contract.alert_signal import AlertLevel
from eew.contract.cap.area import AlertPolygon, Ring
from eew.decision.policy import is_issued, levels
from eew.estimate.estimator import Estimator
from eew.estimate.fault import fault_distance_km
from eew.estimate.targets import Targets
from eew.model.records import EventReport, Level, Profile, Rupture, Vertex
from eew.physics.geodesy import EARTH_RADIUS_KM, ecef_km

__all__ = ["contours"]

Float64Array = npt.NDArray[np.float64]

_LEVELS: dict[AlertLevel, Level] = {"critical": Level.CRITICAL, "active": Level.ACTIVE, "passive": Level.PASSIVE}
#: Corners of a circle: with as many its polygon lies 0.1 % outside it, and there is room for a cut or two.
_N_CORNERS, _MIN_CORNERS = 72, 16
#: No side of a small circle is shorter: coordinates are given to 11 m.
_MIN_SIDE_KM = 0.1
#: A fault's contour is simplified to as many corners, from this tolerance on; then no side is longer than this share
#: of its whole length: a side is straight on the map, not on the ground.
_MAX_CORNERS, _FIRST_TOLERANCE_KM, _LONGEST_SIDE = 55, 0.05, 1 / 40
#: Beyond it no side is straight enough anyway.
_MAX_LAT_DEG = 80.0
#: Directions in which a fault's contour is looked for from each corner of its top, and halvings on the way.
_N_DIRECTIONS, _N_HALVINGS = 180, 18
#: Corners of a fault as shallow as the shallowest, km.
_TOP_KM = 0.01


def contours(
    report: EventReport, radius_km_by_level: Mapping[str, float], profile: Profile, estimator: Estimator
) -> dict[AlertLevel, AlertPolygon]:
    """Return where each level that anybody reaches ends.

    Parameters
    ----------
    report
        A solution, or a cancel: that has none.
    radius_km_by_level
        How far out each level reaches as of a point source, by its word, km; empty where the report tells nobody.
    profile, estimator
        What the radii were worked out by; asked again where the report has a finite fault.

    Returns
    -------
    contours
        By level, the loudest first. Regions of lower levels hold those of higher ones. At most about 100 corners each.
        Polygons go round where the level ends: a circle's is 0.1 % further out at the corners, a fault's was
        simplified outwards.

    """
    rupture = report.rupture
    if rupture is None or not radius_km_by_level:
        return {}
    if rupture.fault:
        return _of_fault(report, rupture, profile, estimator)
    return {
        word: _of_circle(rupture.lat_deg, rupture.lon_deg, radius_km)
        for word in _LEVELS
        if (radius_km := radius_km_by_level.get(word, 0.0)) > 0
    }


# A point source


def _of_circle(lat_deg: float, lon_deg: float, radius_km: float) -> AlertPolygon:
    """Return a geodesic circle and the polygon around it."""
    n = int(np.clip(2 * math.pi * radius_km / _MIN_SIDE_KM, _MIN_CORNERS, _N_CORNERS))
    azimuth = np.arange(n) * 2 * math.pi / n
    # So far out that the sides touch the circle from outside, on a sphere.
    corner_km = EARTH_RADIUS_KM * math.atan(math.tan(radius_km / EARTH_RADIUS_KM) / math.cos(math.pi / n))
    ring_km = corner_km * np.column_stack((np.sin(azimuth), np.cos(azimuth)))
    return AlertPolygon(_on_map([ring_km], _plane(lat_deg, lon_deg)), (lat_deg, lon_deg, radius_km), is_circle=True)


# A finite fault


def _of_fault(
    report: EventReport, rupture: Rupture, profile: Profile, estimator: Estimator
) -> dict[AlertLevel, AlertPolygon]:
    """Return the contours of a report with a fault: where the distance to it is what the level allows."""
    plane = _plane(rupture.lat_deg, rupture.lon_deg)
    # Further than the table goes nobody is told, fault or not.
    table_end = shapely.Point(0, 0).buffer(estimator.table.max_distance_km, quad_segs=_N_CORNERS)
    found: dict[AlertLevel, AlertPolygon] = {}
    for word, rupture_km in _rupture_km_by_level(report, rupture, profile, estimator).items():
        regions = [_neighbourhood(segment, rupture_km, plane) for segment in rupture.fault]
        region = shapely.intersection(shapely.union_all([each for each in regions if each is not None]), table_end)
        # What lies between two directions, at the rounding of its corners.
        between_km = rupture_km * (1 - math.cos(math.pi / _N_DIRECTIONS))
        longest_km = region.length * _LONGEST_SIDE
        region = shapely.buffer(region, between_km + _bulge_km(longest_km, rupture.lat_deg, rupture_km))
        outer = [shapely.segmentize(part, longest_km) for part in _simplified(region)]
        if outer:
            rings_km = [shapely.get_coordinates(polygon.exterior) for polygon in outer]
            circle = _circle_inside(outer, rupture.lat_deg, rupture.lon_deg)
            found[word] = AlertPolygon(_on_map(rings_km, plane), circle)
    return found


def _rupture_km_by_level(
    report: EventReport, rupture: Rupture, profile: Profile, estimator: Estimator
) -> dict[AlertLevel, float]:
    """Return the distance from the fault at which each level ends; levels that are reached nowhere are left out."""
    max_intensity = estimator.estimate(report, Targets.of([], []), profile.min_intensity).max_intensity
    magnitude = rupture.magnitude
    if max_intensity is None or not is_issued(profile, magnitude, max_intensity, rupture.depth_km):
        return {}
    depth_km = estimator.default_depth_km if rupture.depth_km is None else rupture.depth_km
    depth_km = min(max(depth_km, 0.0), estimator.table.max_depth_km)

    def levels_at(rupture_km: Float64Array) -> npt.NDArray[np.uint8]:
        intensity = estimator.model.intensity(magnitude, rupture_km, depth_km=depth_km, is_fault_distance=True)
        return levels(profile, magnitude, intensity, max_intensity)

    ends: dict[AlertLevel, float] = {}
    for word, level in _LEVELS.items():
        inside_km, outside_km = 0.0, 2 * estimator.table.max_distance_km
        if levels_at(np.array([inside_km]))[0] < level:
            continue
        for _ in range(3 * _N_HALVINGS):
            middle_km = (inside_km + outside_km) / 2
            if levels_at(np.array([middle_km]))[0] >= level:
                inside_km = middle_km
            else:
                outside_km = middle_km
        ends[word] = inside_km
    return ends


def _neighbourhood(segment: tuple[Vertex, ...], rupture_km: float, plane: Proj) -> BaseGeometry | None:
    """Return the places on the ground within a distance of one flat piece of a fault, in the plane, km.

    The piece is convex, so its neighbourhood is, too. From above each corner of its top edge it is looked into all
    directions for the end: the corners of a long piece come out as round as those of a short one.
    """
    lat_deg, lon_deg, depth_km = np.array(segment, dtype=np.float64).T
    x_km, y_km = plane(lon_deg, lat_deg)
    is_top = depth_km <= depth_km.min() + _TOP_KM
    length_km = math.hypot(np.ptp(x_km), np.ptp(y_km))
    azimuth = np.tile(np.arange(_N_DIRECTIONS) * 2 * math.pi / _N_DIRECTIONS, np.count_nonzero(is_top))
    start_x_km, start_y_km = (np.repeat(column[is_top], _N_DIRECTIONS) for column in (x_km, y_km))

    def place_km(along_km: Float64Array) -> Float64Array:
        return np.column_stack((start_x_km + along_km * np.sin(azimuth), start_y_km + along_km * np.cos(azimuth)))

    def is_within(along_km: Float64Array) -> npt.NDArray[np.bool_]:
        x_km, y_km = place_km(along_km).T
        lon, lat = plane(x_km, y_km, inverse=True)
        return np.asarray(fault_distance_km(ecef_km(lat, lon), [segment]) <= rupture_km)

    inside_km = np.zeros(len(azimuth))
    if not is_within(inside_km).any():
        return None
    # Longer than any way through the neighbourhood, and short enough for the far side not to come near again.
    outside_km = np.full(len(azimuth), 1.1 * (length_km + rupture_km) + 1)
    for _ in range(_N_HALVINGS):
        middle_km = (inside_km + outside_km) / 2
        within = is_within(middle_km)
        inside_km = np.where(within, middle_km, inside_km)
        outside_km = np.where(within, outside_km, middle_km)
    return shapely.convex_hull(shapely.MultiPoint(place_km(inside_km)))


def _simplified(region: BaseGeometry) -> list[Polygon]:
    """Return a region's parts without holes, with few corners, and nothing of it left outside."""
    tolerance_km = _FIRST_TOLERANCE_KM
    while True:
        # Simplified lines come as much too far in at most.
        wider = shapely.simplify(shapely.buffer(region, tolerance_km), tolerance_km)
        parts = [
            shapely.Polygon(part.exterior) for part in shapely.get_parts(wider) if isinstance(part, shapely.Polygon)
        ]
        parts = [part for part in parts if not part.is_empty]
        if sum(shapely.get_num_coordinates(part) for part in parts) <= _MAX_CORNERS:
            return parts
        tolerance_km *= 2


def _bulge_km(side_km: float, lat_deg: float, reach_km: float) -> float:
    """Return how far a side that is straight on the map leaves the great circle between its ends, at most."""
    farthest_deg = min(abs(lat_deg) + math.degrees(reach_km / EARTH_RADIUS_KM), _MAX_LAT_DEG)
    return side_km**2 * math.tan(math.radians(farthest_deg)) / (8 * EARTH_RADIUS_KM)


def _circle_inside(parts: list[Polygon], lat_deg: float, lon_deg: float) -> tuple[float, float, float] | None:
    """Return the largest circle about the epicentre, which is the plane's middle; distances from there are true."""
    middle = shapely.Point(0, 0)
    radius_km = max((part.exterior.distance(middle) for part in parts if part.contains(middle)), default=0.0)
    radius_km = math.floor(10 * radius_km) / 10
    return (lat_deg, lon_deg, radius_km) if radius_km > 0 else None


# From the plane to the map


def _plane(lat_deg: float, lon_deg: float) -> Proj:
    """Return the plane on which distances and directions from a place are true, km."""
    return Proj(proj="aeqd", lat_0=lat_deg, lon_0=lon_deg, ellps="WGS84", units="km")


def _on_map(rings_km: "list[Float64Array]", plane: Proj) -> tuple[Ring, ...]:
    """Return rings of the plane as rings of the map, cut at the date line; around a pole they reach up to it."""
    parts: list[Polygon] = []
    for ring_km in rings_km:
        lon, lat = plane(ring_km[:, 0], ring_km[:, 1], inverse=True)
        # Each corner beside the one before, wherever the date line is.
        lon = np.unwrap(np.append(lon, lon[0]), period=360)
        lat = np.append(lat, lat[0])
        if abs(lon[-1] - lon[0]) > 180:
            pole_deg = math.copysign(90, lat.mean())
            lon = np.append(lon, (lon[-1], lon[0]))
            lat = np.append(lat, (pole_deg, pole_deg))
        region = shapely.make_valid(shapely.Polygon(np.column_stack((lon, lat))))
        for turn in range(-2, 3):
            window = shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)
            part = shapely.intersection(region, window)
            parts += _polygons(shapely.affinity.translate(part, xoff=-360 * turn))
    return tuple(_ring(part) for part in parts)


def _polygons(region: BaseGeometry) -> list[Polygon]:
    """Return a region's parts with an area, to four decimals and valid so."""
    rounded = shapely.set_precision(region, 1e-4)
    return [part for part in shapely.get_parts(rounded) if isinstance(part, shapely.Polygon) and not part.is_empty]


def _ring(polygon: "Polygon") -> Ring:
    """Return a polygon's corners, counter-clockwise."""
    points = shapely.get_coordinates(shapely.orient_polygons(polygon).exterior)
    return tuple((round(float(lat), 4), round(float(lon), 4)) for lon, lat in points)
