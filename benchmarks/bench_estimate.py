"""How long it takes from a report to the sending order: p, s, intensity, level and order of every device.

As a benchmark: ``python -m pytest benchmarks/bench_estimate.py``. As one measurement of a million devices, and beside
it obspy's TauP called for some of them one by one: ``python benchmarks/bench_estimate.py``.
"""

import math
import statistics
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from pyproj import Geod
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import bench_order
from benchmarks.timing import Timed, note, timed, where
from eew.decision.policy import levels
from eew.decision.sending_order import SendingOrder, sending_order
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import Targets
from eew.model.records import AlertStatus, CodeColumn, Estimate, EventReport, FloatColumn, Level, ReportKind
from eew.model.region_profile_file import load_profile
from eew.physics.cells import cell_at
from eew.physics.travel_time_table import TravelTimeTable

SEED = 20110311
ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
ISSUED_S = 30.0
#: As the published radius of the model's sphere: degrees of TauP.
KM_A_DEGREE = 6371.0 * np.pi / 180
DEPTH_KM = 24.0
RATE_HZ = 150_000.0
MAGNITUDE = 8.1
#: TauP's names of all that can come first this near.
PHASES = ("p", "P", "Pg", "Pn", "s", "S", "Sg", "Sn")

REPORT = EventReport(
    event_id="20110311144640",
    source="jma",
    report_no=14,
    kind=ReportKind.UPDATE,
    status=AlertStatus.ACTUAL,
    issued_at=ORIGIN_AT + timedelta(seconds=ISSUED_S),
    origin_at=ORIGIN_AT,
    lat_deg=38.1,
    lon_deg=142.9,
    depth_km=DEPTH_KM,
    magnitude=MAGNITUDE,
)
PROFILE = load_profile("japan")
ESTIMATOR = Estimator(TravelTimeTable.load("ak135"), intensity_model(PROFILE.intensity_model), PROFILE.default_depth_km)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a dispatcher needs before it can send."""

    estimate: Estimate
    level: CodeColumn
    order: SendingOrder


def population(n: int) -> tuple[FloatColumn, FloatColumn]:
    """Return ``n`` devices, all of them affected, in Morton order as populations are kept."""
    rng = np.random.default_rng(SEED)
    lat_deg, lon_deg = rng.uniform((34, 136), (42, 142), (n, 2)).astype(np.float32).T
    order = np.argsort(cell_at(lat_deg, lon_deg), kind="stable")
    return lat_deg[order], lon_deg[order]


def estimated(targets: Targets) -> Estimate:
    """Return p, s and intensity at every device."""
    return ESTIMATOR.estimate(REPORT, targets, PROFILE.min_intensity)


def decide(targets: Targets) -> Answer:
    """Return the answer to ``REPORT``."""
    estimate = estimated(targets)
    level = levels(PROFILE, REPORT.magnitude, estimate.intensity, estimate.max_intensity)
    return Answer(estimate, level, sending_order(slack_s(estimate), level, RATE_HZ))


def slack_s(estimate: Estimate) -> FloatColumn:
    """Return how long after the issue the S waves come."""
    return estimate.s_arrival_s - np.float32(ISSUED_S)


def geodesic_km(lat_deg: FloatColumn, lon_deg: FloatColumn) -> npt.NDArray[np.float64]:
    """Return the distance of each device from the epicentre."""
    n = len(lat_deg)
    here = np.full(n, REPORT.lon_deg, dtype=float), np.full(n, REPORT.lat_deg, dtype=float)
    distance_m = Geod(ellps="WGS84").inv(*here, lon_deg.astype(float), lat_deg.astype(float))[2]
    return np.asarray(distance_m) / 1000


def si_midorikawa_1999(distance_km: float) -> float:
    """Return JMA intensity at an epicentral distance, as the papers have it, one number after the other."""
    focus_km = 6371.0088 - DEPTH_KM
    # Straight to the focus by the law of cosines.
    square = 6371.0088**2 + focus_km**2 - 2 * 6371.0088 * focus_km * math.cos(distance_km / 6371.0088)
    mw = min(MAGNITUDE - 0.171, 8.3)
    x_km = max(math.sqrt(square) - 10 ** (0.5 * mw - 1.85) / 2, 3)
    log_pgv = 0.58 * mw + 0.0038 * DEPTH_KM - 1.29 - math.log10(x_km + 0.0028 * 10 ** (0.5 * mw)) - 0.002 * x_km
    return 2.68 + 1.72 * (log_pgv + math.log10(1.31))


def taup(distance_km: npt.NDArray[np.float64]) -> Timed[list[tuple[float, float]]]:
    """Return the first P and S of obspy's TauP at each distance, and how long it took over them, one by one."""
    with warnings.catch_warnings():
        # obspy lists its plug-ins by an interface of the standard library that is going away.
        warnings.simplefilter("ignore", DeprecationWarning)
        from obspy.taup import TauPyModel

    model = TauPyModel("ak135")

    def first_s(degree: float) -> tuple[float, float]:
        arrivals = model.get_travel_times(DEPTH_KM, degree, PHASES)
        p_s, s_s = (min(each.time for each in arrivals if each.name[0].lower() == wave) for wave in "ps")
        return p_s, s_s

    # It prepares a depth once.
    first_s(1.0)
    return timed(lambda: [first_s(degree) for degree in (distance_km / KM_A_DEGREE).tolist()], 1)


def check_estimate(estimate: Estimate, lat_deg: FloatColumn, lon_deg: FloatColumn, n_taup: int = 12) -> None:
    """Hold some of the answers against TauP and the formula of intensity, called for each."""
    n = len(lat_deg)
    assert np.array_equal(np.sort(estimate.target_row), np.arange(n))
    row = np.linspace(0, n - 1, n_taup).astype(int)
    distance_km = geodesic_km(lat_deg[row], lon_deg[row])
    arrivals_s = np.array(taup(distance_km).result)
    assert np.abs(estimate.p_arrival_s[row] - arrivals_s[:, 0]).max() < 0.05
    assert np.abs(estimate.s_arrival_s[row] - arrivals_s[:, 1]).max() < 0.05
    intensity = [si_midorikawa_1999(each) for each in distance_km.tolist()]
    assert np.abs(estimate.intensity[row] - intensity).max() < 0.02


def check(answer: Answer, lat_deg: FloatColumn, lon_deg: FloatColumn) -> None:
    """Hold the levels against intensity one by one, and the order against the best there is."""
    check_estimate(answer.estimate, lat_deg, lon_deg)
    row = np.linspace(0, len(lat_deg) - 1, 200).astype(int)
    distance_km = geodesic_km(lat_deg[row], lon_deg[row])
    intensity = np.array([si_midorikawa_1999(each) for each in distance_km.tolist()])
    # JMA: class 4 is critical where 5 lower is expected somewhere, class 3 active, class 1 passive.
    for begins, level in ((3.5, Level.CRITICAL), (2.5, Level.ACTIVE), (0.5, Level.PASSIVE)):
        assert (answer.level[row][intensity >= begins + 0.02] >= level).all()
        assert (answer.level[row][intensity < begins - 0.02] < level).all()
    bench_order.check(answer.order, slack_s(answer.estimate), answer.level, RATE_HZ)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
@pytest.mark.benchmark(group="estimate")
def test_estimate(benchmark: BenchmarkFixture, n: int) -> None:
    """Every device is affected; some answers are checked one by one."""
    lat_deg, lon_deg = population(n)
    targets = Targets.of(lat_deg, lon_deg)
    estimate = benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plugin leaves it untyped
        estimated, (targets,), rounds=5, warmup_rounds=1
    )
    note(benchmark, "estimate", n, bytes=targets.coordinates_km.nbytes, seed=SEED)
    check_estimate(estimate, lat_deg, lon_deg)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
@pytest.mark.benchmark(group="estimate")
def test_from_report_to_sending_order(benchmark: BenchmarkFixture, n: int) -> None:
    """Estimate, level and order together."""
    lat_deg, lon_deg = population(n)
    targets = Targets.of(lat_deg, lon_deg)
    answer = benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plugin leaves it untyped
        decide, (targets,), rounds=5, warmup_rounds=1
    )
    note(benchmark, "estimate, level and order", n, bytes=targets.coordinates_km.nbytes, seed=SEED)
    check(answer, lat_deg, lon_deg)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
@pytest.mark.benchmark(group="estimate")
def test_placing_a_population(benchmark: BenchmarkFixture, n: int) -> None:
    """Once a population: coordinates, and a sphere around each block."""
    lat_deg, lon_deg = population(n)
    targets = benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plugin leaves it untyped
        Targets.of, (lat_deg, lon_deg), rounds=3, warmup_rounds=1
    )
    note(benchmark, "placing a population", n, bytes=targets.coordinates_km.nbytes, seed=SEED)
    # On a sphere or an ellipsoid of the Earth's size, whichever it is.
    radius_km = np.linalg.norm(np.asarray(targets.coordinates_km, dtype=np.float64), axis=0)
    assert len(targets) == n
    assert np.abs(radius_km - 6371).max() < 11


def main(n: int = 10**6, n_rounds: int = 9, n_taup: int = 200) -> None:
    """Print how long a million devices take, and how much longer a device takes obspy's TauP, in one run."""
    lat_deg, lon_deg = population(n)
    targets = Targets.of(lat_deg, lon_deg)
    decide(targets)
    ours = timed(lambda: decide(targets), n_rounds)
    check(ours.result, lat_deg, lon_deg)

    row = np.linspace(0, n - 1, n_taup).astype(int)
    theirs = taup(geodesic_km(lat_deg[row], lon_deg[row]))
    off_s = np.abs(np.array(theirs.result)[:, 1] - ours.result.estimate.s_arrival_s[row])
    taup_s = theirs.seconds[0] / n_taup
    ours_s = statistics.median(ours.seconds) / n
    print(f"{n:,} devices, all affected, p, s, intensity, level, order: {ours}")
    print(
        f"obspy.taup for {n_taup} of them, one by one: {1000 * taup_s:.1f} ms a device, {taup_s / ours_s:,.0f} times "
        f"ours; S differs by {off_s.max():.3f} s at most"
    )
    print(where())


if __name__ == "__main__":
    main()
