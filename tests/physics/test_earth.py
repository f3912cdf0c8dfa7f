"""Distances and bearings of one place agree with PROJ's geodesic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from eew.physics.earth import bearing_deg, epicentral_km

GEOD = Geod(ellps="WGS84")


@given(
    lat_deg=st.floats(-89, 89),
    lon_deg=st.floats(-180, 180),
    azimuth_deg=st.floats(0, 360),
    distance_km=st.floats(0.01, 150),
)
def test_what_is_near_lies_where_proj_says(
    lat_deg: float, lon_deg: float, azimuth_deg: float, distance_km: float
) -> None:
    """Within 0.01 % and a degree, which is what is shown; over the date line, too."""
    lon, lat, _ = GEOD.fwd(lon_deg, lat_deg, azimuth_deg, distance_km * 1000)
    assert epicentral_km(lat_deg, lon_deg, lat, lon) == pytest.approx(distance_km, rel=1e-4)
    apart_deg = (bearing_deg(lat_deg, lon_deg, lat, lon) - azimuth_deg + 180) % 360 - 180
    assert abs(apart_deg) <= 0.6


def test_at_a_pole_all_ways_are_ways() -> None:
    """Nothing is raised there, nor for a way of no length."""
    assert epicentral_km(90, 0, 90, 135) == pytest.approx(0, abs=1e-9)
    assert bearing_deg(90, 0, 89, 0) == 180
    assert 0 <= bearing_deg(35, 139, 35, 139) < 360
