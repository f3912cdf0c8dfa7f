"""How long it takes from a report to the sending order: p, s, intensity, level and order of every device.

As a benchmark: ``python -m pytest benchmarks/bench_estimate.py``. As one measurement of a million devices, and beside
it obspy's TauP called for some of them one by one: ``python benchmarks/bench_estimate.py``.
"""

import os
import platform
import statistics
import time
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from pyproj import Geod
from pytest_benchmark.fixture import BenchmarkFixture

from eew.cells import cell_at
from eew.decision.order import SendingOrder, sending_order
from eew.decision.policy import levels
from eew.estimate.estimator import Estimator
from eew.estimate.intensity import intensity_model
from eew.estimate.targets import Targets
from eew.estimate.traveltime import TravelTimeTable
from eew.model import AlertStatus, CodeColumn, Estimate, EventReport, FloatColumn, Level, ReportKind
from eew.profile import load_profile

SEED = 20110311
ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
ISSUED_S = 30.0
#: As the published radius of the model's sphere: degrees of TauP.
KM_A_DEGREE = 6371.0 * np.pi / 180
DEPTH_KM = 24.0
RATE_HZ = 150_000.0

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
    magnitude=8.1,
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


def decide(targets: Targets) -> Answer:
    """Return the answer to ``REPORT``."""
    estimate = ESTIMATOR.estimate(REPORT, targets, PROFILE.min_intensity)
    level = levels(PROFILE, REPORT.magnitude, estimate.intensity, estimate.max_intensity)
    return Answer(estimate, level, sending_order(estimate.s_arrival_s - np.float32(ISSUED_S), level, RATE_HZ))


def geodesic_km(lat_deg: FloatColumn, lon_deg: FloatColumn) -> npt.NDArray[np.float64]:
    """Return the distance of each device from the epicentre."""
    n = len(lat_deg)
    here = np.full(n, REPORT.lon_deg, dtype=float), np.full(n, REPORT.lat_deg, dtype=float)
    distance_m = Geod(ellps="WGS84").inv(*here, lon_deg.astype(float), lat_deg.astype(float))[2]
    return np.asarray(distance_m) / 1000


def check(answer: Answer, lat_deg: FloatColumn, lon_deg: FloatColumn) -> None:
    """Hold some of the answers against table and model called for each, and the order against plain sorting."""
    n = len(lat_deg)
    assert len(answer.estimate.target_row) == n
    row = np.linspace(0, n - 1, 200).astype(int)
    distance_km = geodesic_km(lat_deg[row], lon_deg[row])
    p_travel_s, s_travel_s = ESTIMATOR.table.travel_times(distance_km, DEPTH_KM)
    # Straight to the focus by the law of cosines.
    focus_km = 6371.0088 - DEPTH_KM
    square = 6371.0088**2 + focus_km**2 - 2 * 6371.0088 * focus_km * np.cos(distance_km / 6371.0088)
    intensity = ESTIMATOR.model.intensity(8.1, np.sqrt(square), depth_km=DEPTH_KM)
    assert np.abs(answer.estimate.p_arrival_s[row] - p_travel_s).max() < 0.05
    assert np.abs(answer.estimate.s_arrival_s[row] - s_travel_s).max() < 0.05
    assert np.abs(answer.estimate.intensity[row] - intensity).max() < 0.02
    # JMA: class 4 is critical where 5 lower is expected somewhere, class 3 active, class 1 passive.
    for begins, level in ((3.5, Level.CRITICAL), (2.5, Level.ACTIVE), (0.5, Level.PASSIVE)):
        assert (answer.level[row][intensity >= begins + 0.02] >= level).all()
        assert (answer.level[row][intensity < begins - 0.02] < level).all()
    assert np.array_equal(np.sort(answer.order.order), np.arange(n))
    on_time = answer.order.order[: answer.order.n_on_time]
    assert (np.diff(answer.estimate.s_arrival_s[on_time]) > -0.05).all()


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
@pytest.mark.benchmark(group="kernel")
def test_from_report_to_sending_order(benchmark: BenchmarkFixture, n: int) -> None:
    """Every device is affected; some answers are checked one by one."""
    lat_deg, lon_deg = population(n)
    targets = Targets.of(lat_deg, lon_deg)
    answer = benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plugin leaves it untyped
        decide, (targets,), rounds=5, warmup_rounds=1
    )
    benchmark.extra_info |= {"n": n, "bytes": targets.coordinates_km.nbytes, "seed": SEED}
    check(answer, lat_deg, lon_deg)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
@pytest.mark.benchmark(group="kernel")
def test_placing_a_population(benchmark: BenchmarkFixture, n: int) -> None:
    """Once a population: coordinates, and a sphere around each block."""
    lat_deg, lon_deg = population(n)
    targets = benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plugin leaves it untyped
        Targets.of, (lat_deg, lon_deg), rounds=3, warmup_rounds=1
    )
    benchmark.extra_info |= {"n": n, "bytes": targets.coordinates_km.nbytes, "seed": SEED}
    assert len(targets) == n


def main(n: int = 10**6, n_rounds: int = 9, n_taup: int = 200) -> None:
    """Print how long a million devices take, and how much longer a device takes obspy's TauP, in one run."""
    with warnings.catch_warnings():
        # obspy lists its plug-ins by an interface of the standard library that is going away.
        warnings.simplefilter("ignore", DeprecationWarning)
        from obspy.taup import TauPyModel

    lat_deg, lon_deg = population(n)
    targets = Targets.of(lat_deg, lon_deg)
    decide(targets)
    seconds, cpu_seconds = [], []
    for _ in range(n_rounds):
        start, cpu_start = time.perf_counter(), time.process_time()
        answer = decide(targets)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu_start)
    check(answer, lat_deg, lon_deg)

    row = np.linspace(0, n - 1, n_taup).astype(int)
    degrees = geodesic_km(lat_deg[row], lon_deg[row]) / KM_A_DEGREE
    model = TauPyModel("ak135")
    phases = ["p", "P", "Pg", "Pn", "s", "S", "Sg", "Sn"]
    model.get_travel_times(DEPTH_KM, 1.0, phases)
    off_s = []
    start = time.perf_counter()
    for each, degree in zip(row, degrees, strict=True):
        arrivals = model.get_travel_times(DEPTH_KM, degree, phases)
        first_s = min(arrival.time for arrival in arrivals if arrival.name[0] in "sS")
        off_s.append(abs(first_s - answer.estimate.s_arrival_s[each]))
    taup_s = (time.perf_counter() - start) / n_taup
    ours_s = statistics.median(seconds) / n
    print(
        f"{n:,} devices, all affected, p, s, intensity, level, order: median {statistics.median(seconds):.3f} s, "
        f"best {min(seconds):.3f} s, worst {max(seconds):.3f} s of {n_rounds}, "
        f"{statistics.median(cpu_seconds):.3f} s of processor time"
    )
    print(
        f"obspy.taup for {n_taup} of them, one by one: {1000 * taup_s:.1f} ms a device, {taup_s / ours_s:,.0f} times "
        f"ours; S differs by {max(off_s):.3f} s at most"
    )
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}")


if __name__ == "__main__":
    main()
