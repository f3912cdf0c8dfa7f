"""What devices work out for themselves, in parts, against the estimate of each place alone."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from eew.client.rules import solution_of
from eew.contract.message import AlertCore
from eew.devices.swarm import device_estimates as module
from eew.devices.swarm.device_estimates import OnDeviceEstimator
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import Targets
from eew.model.records import AlertStatus, Estimate, EventReport, ReportKind
from eew.model.region_profile_file import load_profile
from eew.physics.travel_time_table import TravelTimeTable

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
PROFILE = load_profile("japan")
N = 100
#: North from the epicentre; the last ones lie beyond the travel-time table.
LAT_DEG, LON_DEG = np.linspace(36.0, 80.0, N), np.full(N, 140.0)
N_AT_ONCE = 16


def core(report_no: int = 1, magnitude: float | None = 7.6, origin_at: datetime | None = ORIGIN_AT) -> AlertCore:
    return AlertCore(
        event_id="e1",
        report_no=report_no,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT + timedelta(seconds=28),
        origin_at=origin_at,
        lat_deg=36.0,
        lon_deg=140.0,
        depth_km=10.0,
        magnitude=magnitude,
        expires_at=ORIGIN_AT + timedelta(seconds=600),
        key_id="0a1b2c3d",
        signature="",
    )


class CountedEstimator(Estimator):
    """Counts how many places it was asked for."""

    n_places = 0

    def estimate(self, report: EventReport, targets: Targets, min_intensity: float) -> Estimate:
        CountedEstimator.n_places += len(targets)
        return Estimator.estimate(self, report, targets, min_intensity)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> OnDeviceEstimator:
    """Return the estimate of 100 places, 16 at a time."""
    monkeypatch.setattr(module, "_BLOCK_ROWS", N_AT_ONCE)
    monkeypatch.setattr(module, "Estimator", CountedEstimator)
    monkeypatch.setattr(CountedEstimator, "n_places", 0)
    return OnDeviceEstimator(LAT_DEG, LON_DEG, PROFILE, PROFILE.travel_times)


def alone(row: int, magnitude: float) -> tuple[float, float]:
    """Return intensity and S arrival of one place, by the estimator; NaN beyond its table."""
    table = TravelTimeTable.load(PROFILE.travel_times)
    estimator = Estimator(table, intensity_model(PROFILE.intensity_model), PROFILE.default_depth_km)
    found = estimator.estimate(
        solution_of(core(magnitude=magnitude)), Targets.of(LAT_DEG[row : row + 1], LON_DEG[row : row + 1]), -np.inf
    )
    if not len(found.target_row):
        return np.nan, np.nan
    return float(found.intensity[0]), float(found.s_arrival_s[0])


@pytest.mark.parametrize("rows", [slice(0, 1), slice(15, 17), slice(16, 32), slice(3, 97), slice(0, N), None])
def test_a_part_is_reckoned_as_each_place_alone(rows: slice | None, own: OnDeviceEstimator) -> None:
    """Within a block, across blocks, all of them."""
    found = own.estimate(core(), rows)
    expected = [alone(row, 7.6) for row in range(N)[rows or slice(None)]]
    np.testing.assert_array_equal(found.intensity, np.array(expected, dtype=np.float32)[:, 0])
    np.testing.assert_array_equal(found.s_arrival_s, np.array(expected, dtype=np.float32)[:, 1])
    # By the profile: critical from 3.5, as 4.5 is reached somewhere; active from 2.5, passive from 0.5.
    bars = np.array([0.5, 2.5, 3.5], dtype=np.float32)
    assert found.level.tolist() == [int((bars <= intensity).sum()) for intensity in found.intensity]


def test_what_was_not_asked_for_is_not_reckoned(own: OnDeviceEstimator) -> None:
    """Places 20 to 29 lie in one block of 16."""
    own.estimate(core(), slice(20, 25))
    own.estimate(core(), slice(25, 30))
    assert CountedEstimator.n_places == N_AT_ONCE


def test_what_all_have_asked_for_is_let_go(own: OnDeviceEstimator) -> None:
    """All in parts of seven: every place is estimated once, and nothing is kept; asked again, it is estimated again."""
    for first in range(0, N, 7):
        own.estimate(core(), slice(first, min(first + 7, N)))
    assert CountedEstimator.n_places == N
    assert [each.blocks for each in own._reports.values()] == [{}]
    own.estimate(core(), slice(0, 1))
    assert CountedEstimator.n_places == N + N_AT_ONCE


def test_whoever_asks_for_all_may_ask_again(own: OnDeviceEstimator) -> None:
    """A view asks with every picture."""
    for _ in range(3):
        own.estimate(core())
    assert CountedEstimator.n_places == N


def test_a_forgery_that_bears_the_number_of_a_report_spoils_nothing(own: OnDeviceEstimator) -> None:
    """It is estimated before anybody looks at its signature."""
    own.estimate(core(3, magnitude=2.0), slice(0, 5))
    assert own.estimate(core(3), slice(0, 1)).intensity[0] == np.float32(alone(0, 7.6)[0])


def test_only_the_latest_reports_are_kept(own: OnDeviceEstimator) -> None:
    """Four; of the fifth on, the oldest is let go."""
    for report_no in range(1, 7):
        own.estimate(core(report_no), slice(0, 1))
    assert [each.report.report_no for each in own._reports.values()] == [3, 4, 5, 6]


def test_a_core_that_is_no_solution_is_refused(own: OnDeviceEstimator) -> None:
    """It says no origin, or a magnitude out of range; nothing is kept of it."""
    for wrong in (core(origin_at=None), core(magnitude=99.0)):
        with pytest.raises(msgspec.ValidationError):
            own.estimate(wrong, slice(0, 1))
    assert not own._reports
