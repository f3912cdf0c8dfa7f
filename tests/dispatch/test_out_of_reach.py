"""Why nobody was told."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.testing import assert_allclose

from eew.dispatch.out_of_reach import out_of_reach
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.model.records import Devices, EventReport
from eew.model.region_profile_file import load_profile
from eew.physics.geodesy import hypocentral_km
from eew.physics.travel_time_table import TravelTimeTable
from tests.strategies import make_report

AT = datetime(2020, 1, 1, tzinfo=UTC)
PROFILE = load_profile("global")
MODEL = intensity_model(PROFILE.intensity_model)
ESTIMATOR = Estimator(TravelTimeTable.load(PROFILE.travel_times), MODEL, PROFILE.default_depth_km)


def report(report_no: int, magnitude: float | None, *, is_assumed: bool = False) -> EventReport:
    return make_report(
        report_no, 0, magnitude, event_id="e", source="s", at=AT, lat_deg=0.0, lon_deg=0.0, is_assumed=is_assumed
    )


def living_at(*lon_deg: float) -> Devices:
    n = len(lon_deg)
    return Devices(
        id=np.array([f"d{i}" for i in range(n)], dtype=np.bytes_),
        lat_deg=np.zeros(n, dtype=np.float32),
        lon_deg=np.array(lon_deg, dtype=np.float32),
        cell=np.zeros(n, dtype=np.uint32),
        kind=np.zeros(n, dtype=np.uint8),
        region="the equator",
        seed=1,
    )


def test_the_nearest_device_and_the_report_felt_farthest_are_told() -> None:
    """On the equator a degree is the ellipsoid's great radius times π/180; a radius ends where the formula says."""
    found = out_of_reach([report(1, 5.0), report(2, 6.5), report(3, 6.0)], living_at(40, -20, 30), ESTIMATOR, PROFILE)
    assert found is not None
    assert (found.event_id, found.report_no, found.magnitude, found.is_issued) == ("e", 2, 6.5, True)
    assert_allclose(found.nearest_device_km, 6378.137 * math.radians(20), rtol=2e-4)
    around_km = np.array([found.felt_radius_km - 1, found.felt_radius_km + 1])
    near, far = MODEL.intensity(6.5, hypocentral_km(around_km, 10.0), depth_km=10.0)
    assert near >= PROFILE.min_intensity > far


def test_reports_without_a_source_reach_nobody() -> None:
    """No attenuation may be applied to them."""
    assert out_of_reach([], living_at(1), ESTIMATOR, PROFILE) is None
    reports = [report(1, None), report(2, 7.0, is_assumed=True)]
    assert out_of_reach(reports, living_at(1), ESTIMATOR, PROFILE) is None


def test_a_report_that_is_felt_nowhere_has_no_radius() -> None:
    """And the profile tells nobody of it."""
    found = out_of_reach([report(1, 1.0)], living_at(0.01), ESTIMATOR, PROFILE)
    assert found is not None
    assert (found.felt_radius_km, found.is_issued) == (0.0, False)


@pytest.mark.parametrize("n", [1, 5])
def test_devices_are_looked_at_in_parts(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of a part, the nearest is found."""
    monkeypatch.setattr("eew.dispatch.out_of_reach._CHUNK_ROWS", n)
    found = out_of_reach([report(1, 6.0)], living_at(50, 40, 30, 60), ESTIMATOR, PROFILE)
    assert found is not None
    assert_allclose(found.nearest_device_km, 6378.137 * math.radians(30), rtol=2e-4)
