"""The late-alert radius against the constant-speed check."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.estimate.blind import late_alert_radius_km


class StraightRays:
    """One speed everywhere in a flat Earth."""

    max_distance_km = 1000.0

    def travel_times(
        self, epicentral_km: npt.ArrayLike, depth_km: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        focus_km = np.hypot(np.asarray(epicentral_km, dtype=np.float64), depth_km)
        return np.asarray(focus_km / 6.1), np.asarray(focus_km / 3.5)


@pytest.mark.parametrize(("delivery_s", "expected_km"), [(0, 18.5), (2, 26.2), (5, 37.2), (13, 65.7)])
def test_agrees_with_the_constant_speed_check(delivery_s: float, expected_km: float) -> None:
    """Issued 6 s after origin at 3.5 km/s from 10 km depth, each delivery costs the ring that is printed."""
    assert late_alert_radius_km(StraightRays(), 10.0, 6.0 + delivery_s) == pytest.approx(expected_km, abs=0.06)


@given(depth_km=st.floats(0, 300), after_s=st.floats(0, 280))
def test_is_where_the_s_wave_is_at_that_moment(depth_km: float, after_s: float) -> None:
    """The radius is the other leg of the S wave's path, and zero until it has come up."""
    leg2 = (3.5 * after_s) ** 2 - depth_km**2
    expected_km = math.sqrt(leg2) if leg2 > 0 else 0.0
    found = late_alert_radius_km(StraightRays(), depth_km, after_s)
    assert expected_km - 0.0011 <= found <= expected_km + 1e-6


def test_ends_where_the_table_ends() -> None:
    """When the S wave has passed the table's last distance, that is the answer."""
    assert late_alert_radius_km(StraightRays(), 10.0, 3600.0) == 1000.0
