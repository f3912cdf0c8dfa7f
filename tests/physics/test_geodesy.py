"""Distances agree with the WGS 84 geodesic and with straight lines through the ellipsoid, both by PROJ."""

import numpy as np
import pytest
from pyproj import Geod, Transformer

from eew.physics.geodesy import arc_km, chord_km, ecef_km, epicentral_km, hypocentral_km

GEOD = Geod(ellps="WGS84")
GEOCENTRIC = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)


@pytest.mark.parametrize(
    ("distance_km", "limit"),
    [(0.001, 1e-5), (1.0, 1e-6), (300.0, 2e-6), (1000.0, 2e-5), (2000.0, 5e-5), (2900.0, 1e-4), (3000.0, 1.1e-4)],
)
def test_distances_are_the_geodesic(rng: np.random.Generator, distance_km: float, limit: float) -> None:
    """From anywhere in any direction the relative error is below 1e-4 to 2 900 km, and 1.1e-4 to 3 000 km."""
    n = 4000
    lat_deg, lon_deg = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    azimuth_deg = rng.uniform(0, 360, n)
    to_lon_deg, to_lat_deg, _ = GEOD.fwd(lon_deg, lat_deg, azimuth_deg, np.full(n, distance_km * 1000))
    found = np.array(
        [float(epicentral_km(*places)) for places in zip(lat_deg, lon_deg, to_lat_deg, to_lon_deg, strict=True)]
    )
    assert np.abs(found / distance_km - 1).max() < limit


def test_published_geodesic_is_met() -> None:
    """Flinders Peak to Buninyong is 54.972271 km, the worked example of Vincenty's formula [GDA]."""
    assert epicentral_km(-37.95103341, 144.42486788, -37.65282113, 143.92649552) == pytest.approx(54.972271, rel=1e-5)


def test_points_are_where_proj_puts_them(rng: np.random.Generator) -> None:
    """Earth-centred coordinates are PROJ's, to the millimetre, poles included."""
    lat_deg = np.concatenate([rng.uniform(-90, 90, 500), [90, -90, 0]])
    lon_deg = np.concatenate([rng.uniform(-180, 180, 500), [0, 0, 180]])
    expected_m = np.array(GEOCENTRIC.transform(lon_deg, lat_deg, np.zeros(len(lat_deg))))
    np.testing.assert_allclose(ecef_km(lat_deg, lon_deg) * 1000, expected_m, atol=1e-3, rtol=0)


def test_single_precision_keeps_a_metre(rng: np.random.Generator) -> None:
    """In float32 a distance is that of float64 within 2 m, and stays float32."""
    lat_deg, lon_deg = rng.uniform(30, 45, 2000), rng.uniform(128, 146, 2000)
    source_km = ecef_km(38.1, 142.9)
    single = arc_km(chord_km(ecef_km(lat_deg, lon_deg, np.float32), source_km))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, epicentral_km(38.1, 142.9, lat_deg, lon_deg), atol=2e-3, rtol=0)


def test_distance_does_not_mind_the_date_line() -> None:
    """Two points each side of the date line are as close as they are."""
    _, _, expected_m = GEOD.inv(179.9, -17.0, -179.9, -17.2)
    assert epicentral_km(-17.0, 179.9, -17.2, -179.9) == pytest.approx(expected_m / 1000, rel=1e-6)


def test_distance_does_not_mind_the_longitude_of_a_pole() -> None:
    """All longitudes of a pole are one point."""
    assert epicentral_km(90, 0, 90, 137) == pytest.approx(0, abs=1e-9)


def test_same_point_is_at_no_distance_and_antipode_at_half_the_globe() -> None:
    """Neither end of the range gives anything but a number."""
    assert epicentral_km(35, 139, 35, 139) == 0
    assert epicentral_km(0, 0, 0, 180) == pytest.approx(20_015, rel=2e-3)


def test_focus_is_as_far_as_the_straight_line(rng: np.random.Generator) -> None:
    """To a focus at depth, the distance is the straight line through the ellipsoid within 0.3 %."""
    n = 3000
    lat_deg, lon_deg = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    arc = rng.uniform(0, 2000, n)
    depth = rng.uniform(0, 700, n)
    to_lon_deg, to_lat_deg, _ = GEOD.fwd(lon_deg, lat_deg, rng.uniform(0, 360, n), arc * 1000)
    focus_m = np.array(GEOCENTRIC.transform(lon_deg, lat_deg, -depth * 1000))
    surface_m = np.array(GEOCENTRIC.transform(to_lon_deg, to_lat_deg, np.zeros(n)))
    expected_km = np.linalg.norm(surface_m - focus_m, axis=0) / 1000
    found = np.array([float(hypocentral_km(np.asarray(a), d)) for a, d in zip(arc, depth, strict=True)])
    assert np.abs(found / expected_km - 1)[expected_km > 1].max() < 3e-3


def test_right_above_the_focus_the_distance_is_the_depth() -> None:
    """At no arc only the depth is left."""
    assert hypocentral_km(np.zeros(1), 35.0)[0] == 35.0
