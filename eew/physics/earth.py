"""Distances on WGS 84: points Earth-centred (ECEF), the straight chord between them, the arc and the ray over it."""

import math

from eew.physics.arithmetic import NUMBERS, Arithmetic, NumberT

__all__ = [
    "EARTH_RADIUS_KM",
    "FLATTENING",
    "SEMI_MAJOR_KM",
    "arc_km",
    "bearing_deg",
    "chord_km",
    "ecef_km",
    "epicentral_km",
    "ray_km",
]

#: Semi-major axis (km) and flattening of WGS 84 [WGS84].
SEMI_MAJOR_KM = 6378.137
FLATTENING = 1 / 298.257223563
#: Mean radius (2a + b) / 3 of WGS 84, km.
EARTH_RADIUS_KM = SEMI_MAJOR_KM * (1 - FLATTENING / 3)


def ecef_km(arithmetic: Arithmetic[NumberT], lat_deg: NumberT, lon_deg: NumberT) -> tuple[NumberT, NumberT, NumberT]:
    """Return the Earth-centred coordinates x, y, z, km, of points on the ellipsoid."""
    lat, lon = arithmetic.radians(lat_deg), arithmetic.radians(lon_deg)
    eccentricity2 = FLATTENING * (2 - FLATTENING)
    sin_lat = arithmetic.sin(lat)
    normal_km = SEMI_MAJOR_KM / arithmetic.sqrt(1 - eccentricity2 * sin_lat**2)
    across = normal_km * arithmetic.cos(lat)
    return across * arithmetic.cos(lon), across * arithmetic.sin(lon), normal_km * (1 - eccentricity2) * sin_lat


def chord_km(arithmetic: Arithmetic[NumberT], x: NumberT, y: NumberT, z: NumberT) -> NumberT:
    """Return the length of what lies between two points, all km."""
    return arithmetic.sqrt(x * x + y * y + z * z)


def arc_km(arithmetic: Arithmetic[NumberT], chord: NumberT) -> NumberT:
    """Return the arc of the mean sphere over a chord, km: the geodesic within 0.01 % up to 3 000 km."""
    return 2 * EARTH_RADIUS_KM * arithmetic.arcsin(arithmetic.minimum(chord / (2 * EARTH_RADIUS_KM), 1))


def ray_km(
    arithmetic: Arithmetic[NumberT], arc: NumberT, depth_km: "NumberT | float", radius_km: float = EARTH_RADIUS_KM
) -> NumberT:
    """Return the straight distance from a focus at ``depth_km`` to a surface point, ``arc`` away on a sphere; km."""
    half_sin = arithmetic.sin(arc / (2 * radius_km))
    return arithmetic.sqrt(depth_km**2 + 4 * radius_km * (radius_km - depth_km) * half_sin**2)


def epicentral_km(lat_deg: float, lon_deg: float, to_lat_deg: float, to_lon_deg: float) -> float:
    """Return the distance along the surface from one point to another, km."""
    return arc_km(NUMBERS, chord_km(NUMBERS, *_between_km(lat_deg, lon_deg, to_lat_deg, to_lon_deg)))


def bearing_deg(lat_deg: float, lon_deg: float, to_lat_deg: float, to_lon_deg: float) -> int:
    """Return in which direction a point lies as seen from another, whole degrees clockwise from north, 0 to 359.

    Of the straight line, laid on the ground where one stands: the geodesic's within 0.1° up to 200 km.
    """
    x, y, z = _between_km(lat_deg, lon_deg, to_lat_deg, to_lon_deg)
    lat, lon = math.radians(lat_deg), math.radians(lon_deg)
    outward = x * math.cos(lon) + y * math.sin(lon)
    east = y * math.cos(lon) - x * math.sin(lon)
    north = z * math.cos(lat) - outward * math.sin(lat)
    return round(math.degrees(math.atan2(east, north))) % 360


def _between_km(lat_deg: float, lon_deg: float, to_lat_deg: float, to_lon_deg: float) -> tuple[float, float, float]:
    """Return the straight way from one point to another, Earth-centred."""
    here, there = ecef_km(NUMBERS, lat_deg, lon_deg), ecef_km(NUMBERS, to_lat_deg, to_lon_deg)
    return there[0] - here[0], there[1] - here[1], there[2] - here[2]
