"""Distances on WGS 84, fast enough for millions of devices.

A device's place is kept as its Earth-centred (ECEF) coordinates on the ellipsoid. The straight chord between two
such points, bent back to an arc of the mean radius, is the geodesic within 0.01 % up to 3 000 km
(``tests/test_geodesy.py`` holds it against pyproj), and costs a handful of multiplications.
"""

import numpy as np
import numpy.typing as npt

__all__ = [
    "EARTH_RADIUS_KM",
    "FloatArray",
    "arc_km",
    "chord_km",
    "ecef_km",
    "epicentral_km",
    "hypocentral_km",
]

FloatArray = npt.NDArray[np.floating]

#: Semi-major axis (km) and flattening of WGS 84 [WGS84].
SEMI_MAJOR_KM = 6378.137
FLATTENING = 1 / 298.257223563
#: Mean radius (2a + b) / 3 of WGS 84, km.
EARTH_RADIUS_KM = SEMI_MAJOR_KM * (1 - FLATTENING / 3)


def ecef_km(
    lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, dtype: npt.DTypeLike = np.float64
) -> npt.NDArray[np.floating]:
    """Return Earth-centred coordinates of points on the ellipsoid.

    Parameters
    ----------
    lat_deg, lon_deg
        Any shape, broadcast against each other; geodetic, degrees.
    dtype
        Of the result. Single precision resolves 0.5 m.

    Returns
    -------
    coordinates
        Shape ``(3, …)``, km: x, y, z.
    """
    lat = np.radians(np.asarray(lat_deg, dtype=np.float64))
    lon = np.radians(np.asarray(lon_deg, dtype=np.float64))
    eccentricity2 = FLATTENING * (2 - FLATTENING)
    sin_lat = np.sin(lat)
    normal_km = SEMI_MAJOR_KM / np.sqrt(1 - eccentricity2 * sin_lat**2)
    across = normal_km * np.cos(lat)
    lat_part = normal_km * (1 - eccentricity2) * sin_lat
    x, y, z = np.broadcast_arrays(across * np.cos(lon), across * np.sin(lon), lat_part)
    return np.stack((x, y, z)).astype(dtype, copy=False)


def chord_km(coordinates_km: FloatArray, source_km: FloatArray) -> FloatArray:
    """Return the straight distance of each point, shape ``(3, n)``, km, to one source, shape ``(3,)``, km."""
    x, y, z = (coordinates_km[axis] - coordinates_km.dtype.type(source_km[axis]) for axis in range(3))
    distance: FloatArray = np.sqrt(x * x + y * y + z * z)
    return distance


def arc_km(chord: FloatArray) -> FloatArray:
    """Return the arc of the mean sphere over a chord; both km, any shape."""
    arc: FloatArray = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / (2 * EARTH_RADIUS_KM), 1))
    return arc


def epicentral_km(lat_deg: float, lon_deg: float, to_lat_deg: npt.ArrayLike, to_lon_deg: npt.ArrayLike) -> FloatArray:
    """Return the distance along the surface from one epicentre to each point, km, in the points' shape."""
    return arc_km(chord_km(ecef_km(to_lat_deg, to_lon_deg), ecef_km(lat_deg, lon_deg)))


def hypocentral_km(epicentral: FloatArray, depth_km: float) -> FloatArray:
    """Return the straight distance from a focus at ``depth_km`` to surface points at these arcs; km, same shape.

    Takes the chord of the mean sphere to the focus, so that far distances are not overstated.
    """
    focus_km = EARTH_RADIUS_KM - depth_km
    half_sin = np.sin(np.asarray(epicentral, dtype=np.float64) / (2 * EARTH_RADIUS_KM))
    straight: FloatArray = np.sqrt(depth_km**2 + 4 * EARTH_RADIUS_KM * focus_km * half_sin**2)
    return straight
