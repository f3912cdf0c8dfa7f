"""Distances on WGS 84, fast enough for millions of devices.

A device's place is kept as its Earth-centred (ECEF) coordinates on the ellipsoid. The straight chord between two
such points, bent back to an arc of the mean radius, is the geodesic within 0.01 % up to 3 000 km
(``tests/physics/test_geodesy.py`` holds it against pyproj), and costs a handful of multiplications.
"""

import numpy as np
import numpy.typing as npt

from eew.physics import earth
from eew.physics.columns import COLUMNS, FloatArray
from eew.physics.earth import EARTH_RADIUS_KM, FLATTENING, SEMI_MAJOR_KM

__all__ = [
    "EARTH_RADIUS_KM",
    "FLATTENING",
    "SEMI_MAJOR_KM",
    "FloatArray",
    "arc_km",
    "chord_km",
    "ecef_km",
    "epicentral_km",
    "hypocentral_km",
]


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
    lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
    x, y, z = np.broadcast_arrays(*earth.ecef_km(COLUMNS, lat, lon))
    return np.stack((x, y, z)).astype(dtype, copy=False)


def chord_km(coordinates_km: FloatArray, source_km: FloatArray) -> FloatArray:
    """Return the straight distance of each point, shape ``(3, n)``, km, to one source, shape ``(3,)``, km."""
    x, y, z = (coordinates_km[axis] - coordinates_km.dtype.type(source_km[axis]) for axis in range(3))
    return earth.chord_km(COLUMNS, x, y, z)


def arc_km(chord: FloatArray) -> FloatArray:
    """Return the arc of the mean sphere over a chord; both km, any shape."""
    return earth.arc_km(COLUMNS, chord)


def epicentral_km(lat_deg: float, lon_deg: float, to_lat_deg: npt.ArrayLike, to_lon_deg: npt.ArrayLike) -> FloatArray:
    """Return the distance along the surface from one epicentre to each point, km, in the points' shape."""
    return arc_km(chord_km(ecef_km(to_lat_deg, to_lon_deg), ecef_km(lat_deg, lon_deg)))


def hypocentral_km(epicentral: FloatArray, depth_km: float) -> FloatArray:
    """Return the straight distance from a focus at ``depth_km`` to surface points at these arcs; km, same shape.

    Takes the chord of the mean sphere to the focus, so that far distances are not overstated.
    """
    return earth.ray_km(COLUMNS, np.asarray(epicentral, dtype=np.float64), depth_km)
