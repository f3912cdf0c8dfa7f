"""The estimate against the travel-time table and the intensity model called place by place on geodesics."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from eew.estimate import estimator as module
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import BLOCK_ROWS, Targets
from eew.model.records import AlertStatus, Estimate, EventReport, ReportKind, Vertex
from eew.physics import cells, geodesy
from eew.physics.travel_time_table import TravelTimeTable
from tests.strategies import make_report

Float64Array = npt.NDArray[np.float64]

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
GEOD = Geod(ellps="WGS84")
GEOCENTRIC = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
MEAN_RADIUS_KM = 6371.0088
AK135 = TravelTimeTable.load("ak135")

#: What the estimate promises.
S_TOLERANCE_S, INTENSITY_TOLERANCE = 0.05, 0.02
#: Of the geodesic: what is wanted is 0.003, what is promised this.
DISTANCE_TOLERANCE = 0.0001


def report(magnitude: float | None = 7.2, **members: Any) -> EventReport:
    return make_report(1, 28, magnitude, kind=ReportKind.NEW, at=ORIGIN_AT, **members)


@dataclass(frozen=True)
class Places:
    """Places in Morton order."""

    lat_deg: npt.NDArray[np.float32]
    lon_deg: npt.NDArray[np.float32]

    @classmethod
    def of(cls, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> "Places":
        lat, lon = np.asarray(lat_deg, dtype=np.float32), np.asarray(lon_deg, dtype=np.float32)
        order = np.argsort(cells.cell_at(lat, lon), kind="stable")
        return cls(lat[order], lon[order])

    @classmethod
    def around(cls, rng: np.random.Generator, lat_deg: float, lon_deg: float, n: int, far_km: float) -> "Places":
        """Return places at all distances up to ``far_km`` on the geodesic, close by more often than far away."""
        distance_m = far_km * 1000 * rng.random(n) ** 2
        lon, lat, _ = GEOD.fwd(np.full(n, lon_deg), np.full(n, lat_deg), rng.uniform(0, 360, n), distance_m)
        return cls.of(lat, lon)

    def epicentral_km(self, of: EventReport) -> Float64Array:
        """Return the geodesic from the epicentre."""
        n = len(self.lat_deg)
        assert of.lat_deg is not None
        assert of.lon_deg is not None
        ends = np.full(n, of.lon_deg), np.full(n, of.lat_deg), self.lon_deg.astype(float), self.lat_deg.astype(float)
        return np.asarray(GEOD.inv(*ends)[2]) / 1000

    @property
    def targets(self) -> Targets:
        return Targets.of(self.lat_deg, self.lon_deg)


def straight_km(epicentral_km: Float64Array, depth_km: float) -> Float64Array:
    """Return the straight way from the focus by the law of cosines on the mean sphere."""
    focus_km = MEAN_RADIUS_KM - depth_km
    angle = epicentral_km / MEAN_RADIUS_KM
    square = MEAN_RADIUS_KM**2 + focus_km**2 - 2 * MEAN_RADIUS_KM * focus_km * np.cos(angle)
    return np.asarray(np.sqrt(np.maximum(square, 0)))


def estimator(model: str = "sm99", table: TravelTimeTable = AK135) -> Estimator:
    return Estimator(table, intensity_model(model), default_depth_km=10.0)


def check(
    estimate: Estimate,
    of: EventReport,
    places: Places,
    min_intensity: float,
    *,
    model: str,
    table: TravelTimeTable = AK135,
    depth_km: float | None = None,
) -> None:
    """Compare an estimate of a point source with table and model called for every place."""
    epicentral_km = places.epicentral_km(of)
    depth_km = (of.depth_km or 0.0) if depth_km is None else depth_km
    assert of.magnitude is not None
    intensity = intensity_model(model).intensity(of.magnitude, straight_km(epicentral_km, depth_km), depth_km=depth_km)
    # Which rows are reached: as brute force says, but where distance or intensity are too close to a limit to call.
    edge_km = 0.0002 * table.max_distance_km
    is_surely_in = (intensity >= min_intensity + INTENSITY_TOLERANCE) & (
        epicentral_km < table.max_distance_km - edge_km
    )
    is_surely_out = (intensity < min_intensity - INTENSITY_TOLERANCE) | (
        epicentral_km > table.max_distance_km + edge_km
    )
    is_reached = np.zeros(len(epicentral_km), dtype=bool)
    is_reached[estimate.target_row] = True
    assert not (is_surely_in & ~is_reached).any()
    assert not (is_surely_out & is_reached).any()
    assert (np.diff(estimate.target_row) > 0).all()

    row = estimate.target_row
    distance_km = np.minimum(epicentral_km[row], table.max_distance_km)
    np.testing.assert_allclose(estimate.intensity, intensity[row], atol=INTENSITY_TOLERANCE)
    within_km = np.array([[1 - DISTANCE_TOLERANCE], [1 + DISTANCE_TOLERANCE]]) * distance_km
    p_travel_s, s_travel_s = table.travel_times(np.minimum(within_km, table.max_distance_km), depth_km)
    for arrival_s, (least_s, most_s) in ((estimate.p_arrival_s, p_travel_s), (estimate.s_arrival_s, s_travel_s)):
        assert (arrival_s >= least_s - S_TOLERANCE_S).all()
        assert (arrival_s <= most_s + S_TOLERANCE_S).all()
    assert (estimate.s_arrival_s >= estimate.p_arrival_s).all()


sources = st.sampled_from(
    [
        (38.2, 142.7),
        (0.0, 0.0),
        (0.0, 101.5),
        (-17.9, 179.97),
        (51.2, -179.9),
        (71.0, -8.2),
        (-62.5, -58.4),
        (89.2, 30.0),
    ]
)


@given(
    source=sources,
    depth_km=st.sampled_from([0.0, 0.3, 5.0, 10.0, 34.0, 150.0, 620.0]) | st.floats(0, 700),
    magnitude=st.floats(3, 9),
    model=st.sampled_from(["icl", "sm99", "aww12", "aw07"]),
    min_intensity=st.sampled_from([-np.inf, 0.5, 2.0, 3.5, 5.0, 20.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_an_estimate_is_what_table_and_model_say_of_each_place(
    source: tuple[float, float], depth_km: float, magnitude: float, model: str, min_intensity: float, seed: int
) -> None:
    """Anywhere on Earth, at any depth, also across the date line and the pole: arrivals, intensity, who is reached."""
    now = report(magnitude, lat_deg=source[0], lon_deg=source[1], depth_km=depth_km)
    places = Places.around(np.random.default_rng(seed), *source, n=400, far_km=3400)
    estimate = estimator(model).estimate(now, places.targets, min_intensity)
    check(estimate, now, places, min_intensity, model=model)


def test_ten_thousands_of_places_in_many_chunks_and_blocks(rng: np.random.Generator) -> None:
    """The same with runs longer than a chunk and with blocks ruled out."""
    now = report(6.5)
    places = Places.around(rng, 38.2, 142.7, n=90_000, far_km=2500)
    estimate = estimator().estimate(now, places.targets, 2.5)
    check(estimate, now, places, 2.5, model="sm99")
    assert 0 < len(estimate.target_row) < 90_000


@pytest.fixture(scope="module")
def short_table(tmp_path_factory: pytest.TempPathFactory) -> TravelTimeTable:
    """Return a table that ends at 2 000 km as JMA's does, in JMA's layout, of straight rays at 7 and 4 km/s."""
    lines = []
    for depth_km in (0, 10, 100, 700):
        for distance_km in (0, 2, 50, 500, 1000, 1500, 2000):
            way_km = float(straight_km(np.array([distance_km], dtype=np.float64), depth_km)[0])
            lines.append(f"P{way_km / 7:9.3f} S{way_km / 4:9.3f} {depth_km:3d} {distance_km:6d}")
    path: Path = tmp_path_factory.mktemp("table") / "tjma2001"
    path.write_text("\n".join(lines))
    return TravelTimeTable.load(path)


def test_a_table_that_ends_at_2000_km_reaches_to_its_end_and_no_further(
    short_table: TravelTimeTable, rng: np.random.Generator
) -> None:
    """Whoever is nearer than the end is told an S arrival, whoever is beyond is not, to 0.01 % of the distance."""
    now = report(9.0, depth_km=10)
    distance_km = np.concatenate([rng.uniform(1990, 2010, 3000), rng.uniform(0, 2000, 3000)])
    lon, lat, _ = GEOD.fwd(np.full(6000, 142.7), np.full(6000, 38.2), rng.uniform(0, 360, 6000), distance_km * 1000)
    places = Places.of(lat, lon)
    estimate = estimator(table=short_table).estimate(now, places.targets, -np.inf)
    is_reached = np.zeros(6000, dtype=bool)
    is_reached[estimate.target_row] = True
    epicentral_km = places.epicentral_km(now)
    assert is_reached[epicentral_km < 2000 - 0.2].all()
    assert not is_reached[epicentral_km > 2000 + 0.2].any()
    check(estimate, now, places, -np.inf, model="sm99", table=short_table)


@pytest.mark.parametrize("end_km", [0.2, 0.25, 1.0, 300.0])
def test_pruning_stops_where_the_curves_stop(end_km: float) -> None:
    """One place a block on a line of steps: all before the end are reached, whatever block they are in."""
    table = TravelTimeTable.of_times(
        "short", np.array([0.0, end_km]), np.array([0.0, 100.0]), np.ones((2, 2)), np.ones((2, 2)), 6.0, 3.5
    )
    distance_km = np.linspace(0, 1.2 * end_km, 60)
    lon, lat, _ = GEOD.fwd(np.zeros(60), np.zeros(60), np.full(60, 90), distance_km * 1000)
    targets = Targets.of(np.repeat(lat, BLOCK_ROWS), np.repeat(lon, BLOCK_ROWS))
    estimate = estimator(table=table).estimate(report(lat_deg=0.0, lon_deg=0.0), targets, -np.inf)
    reached_km = distance_km[np.unique(estimate.target_row // BLOCK_ROWS)]
    # 0.01 %, and single precision.
    assert float(reached_km.max()) <= end_km * 1.0001 + 0.002
    assert set(distance_km[distance_km < end_km * 0.9999 - 0.002]) <= set(reached_km)


@pytest.mark.parametrize(("depth_km", "counts_as_km"), [(None, 10.0), (-3.0, 0.0), (780.0, 700.0)])
def test_an_unknown_or_impossible_depth_is_replaced(
    depth_km: float | None, counts_as_km: float, rng: np.random.Generator
) -> None:
    """The profile's depth where there is none, the surface for a volcano's summit, the table's bottom below it."""
    now = report(7.0, depth_km=depth_km)
    places = Places.around(rng, 38.2, 142.7, n=500, far_km=1500)
    estimate = estimator().estimate(now, places.targets, -np.inf)
    check(estimate, now, places, -np.inf, model="sm99", depth_km=counts_as_km)


@pytest.mark.parametrize(
    "of",
    [
        report(None),
        report(1.0, is_assumed=True),
        EventReport(
            event_id="20110311144640",
            source="jma",
            report_no=2,
            kind=ReportKind.CANCEL,
            status=AlertStatus.ACTUAL,
            issued_at=ORIGIN_AT,
            origin_at=ORIGIN_AT,
            lat_deg=38.2,
            lon_deg=142.7,
            magnitude=7.2,
        ),
    ],
    ids=["no-magnitude", "assumed", "cancel"],
)
def test_where_no_attenuation_may_be_applied_nobody_is_reached(of: EventReport) -> None:
    """An unknown magnitude, an assumed hypocentre and a cancel say nothing of shaking anywhere."""
    estimate = estimator().estimate(of, Targets.of([38.2], [142.7]), -np.inf)
    assert len(estimate.target_row) == 0
    assert estimate.max_intensity is None
    assert estimator().reach(of, -np.inf) is None


def test_too_weak_a_report_reaches_nobody_but_says_how_strong_it_is_at_the_most() -> None:
    """An M 2.0 under one's feet is below JMA 4, and the model at the epicentre says by how much."""
    estimate = estimator().estimate(report(2.0), Targets.of([38.2], [142.7]), 3.5)
    assert len(estimate.target_row) == 0
    expected = intensity_model("sm99").intensity(2.0, 10.0, depth_km=10.0)
    assert estimate.max_intensity == pytest.approx(float(expected), abs=INTENSITY_TOLERANCE)


def test_at_zero_degrees_the_epicentre_is_known(rng: np.random.Generator) -> None:
    """Latitude 0 and longitude 0 are places and not unknown: 45 km north of 0 N 0 E differs from 45 km north of 1 N."""
    places = Places.around(rng, 0.0, 0.0, n=300, far_km=400)
    for lat_deg, lon_deg in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0)):
        now = report(6.0, lat_deg=lat_deg, lon_deg=lon_deg)
        check(estimator().estimate(now, places.targets, 1.0), now, places, 1.0, model="sm99")


@pytest.mark.parametrize("magnitude", [5.0, 5.5])
def test_a_moderate_earthquake_touches_few_of_many(
    magnitude: float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 300 000 places all over Japan a tenth at most, in the blocks around the source, is looked at."""
    places = Places.of(rng.uniform(31, 45, 300_000), rng.uniform(130, 145, 300_000))
    targets = places.targets
    n_looked_at = 0

    def counted(coordinates_km: npt.NDArray[np.floating], source_km: npt.NDArray[np.floating]) -> object:
        nonlocal n_looked_at
        n_looked_at += coordinates_km.shape[1]
        return geodesy.chord_km(coordinates_km, source_km)

    monkeypatch.setattr(module, "chord_km", counted)
    estimate = estimator().estimate(report(magnitude, lat_deg=36.0, lon_deg=138.0), targets, 3.5)
    assert 0 < len(estimate.target_row) < 3000
    assert len(estimate.target_row) <= n_looked_at <= 30_000


def test_permuted_devices_are_told_the_same(rng: np.random.Generator) -> None:
    """Within a block the order is of no account, and a population of another composition tells a place the same."""
    places = Places.around(rng, 38.2, 142.7, n=5000, far_km=600)
    now = report(7.0)
    estimate = estimator().estimate(now, places.targets, 2.5)
    order = rng.permutation(5000)
    moved = estimator().estimate(now, Targets.of(places.lat_deg[order], places.lon_deg[order]), 2.5)
    at = np.full(5000, np.nan), np.full(5000, np.nan)
    at[0][estimate.target_row], at[1][estimate.target_row] = estimate.intensity, estimate.s_arrival_s
    back = np.full(5000, np.nan), np.full(5000, np.nan)
    back[0][order[moved.target_row]], back[1][order[moved.target_row]] = moved.intensity, moved.s_arrival_s
    np.testing.assert_array_equal(at, back)


def test_columns_are_read_only_and_of_the_right_types(rng: np.random.Generator) -> None:
    """Also an empty estimate has its five columns."""
    places = Places.around(rng, 38.2, 142.7, n=50, far_km=100)
    for min_intensity in (0.0, 99.0):
        estimate = estimator().estimate(report(), places.targets, min_intensity)
        assert estimate.target_row.dtype == np.int32
        for column in (
            estimate.target_row,
            estimate.intensity,
            estimate.p_arrival_s,
            estimate.s_arrival_s,
            estimate.s_slowness_s_km,
        ):
            assert not column.flags.writeable
            assert len(column) == len(estimate.target_row)
            assert column.dtype.itemsize == 4


def test_slowness_is_how_much_later_the_s_wave_comes_a_km_further_out(rng: np.random.Generator) -> None:
    """It is the difference of the table's S times half a km to both sides, but where branches cross in between."""
    now = report(8.0, depth_km=30.0)
    places = Places.around(rng, 38.2, 142.7, n=2000, far_km=1500)
    estimate = estimator().estimate(now, places.targets, -np.inf)
    distance_km = np.maximum(places.epicentral_km(now)[estimate.target_row], 0.5)
    _, before_s = AK135.travel_times(distance_km - 0.5, 30.0)
    _, after_s = AK135.travel_times(distance_km + 0.5, 30.0)
    off = np.abs(estimate.s_slowness_s_km - (after_s - before_s))
    assert float(np.quantile(off, 0.99)) < 0.005
    # A crossing is at most the step between the slowest crust and the mantle, 1/3.46 to 1/4.48 s/km [KEB95].
    assert float(off.max()) < 0.07
    assert (estimate.s_slowness_s_km >= 0).all()


def test_reach_tells_the_shaking_by_distance() -> None:
    """What radii are drawn from is the model itself, from the epicentre to the end of the table."""
    reach = estimator("aww12").reach(report(7.0, depth_km=12.0), 4.0)
    assert reach is not None
    edge_km = reach.epicentral_km[np.flatnonzero(reach.intensity >= 4.0)[-1]]
    assert reach.last_s_arrival_s == pytest.approx(AK135.travel_times(edge_km, 12.0)[1], abs=0.2)
    expected = intensity_model("aww12").intensity(7.0, straight_km(reach.epicentral_km.astype(np.float64), 12.0))
    np.testing.assert_allclose(reach.intensity, expected, atol=0.001)
    assert reach.epicentral_km[0] == 0
    assert 2999.7 <= reach.epicentral_km[-1] <= 3000


#: A vertical strike-slip fault of 120 km, 0 to 15 km deep, and a plane that dips under the coast, 20 to 50 km deep.
FAULTS: dict[str, tuple[tuple[Vertex, ...], ...]] = {
    "vertical": (((37.0, 37.0, 0.0), (37.8, 38.0, 0.0), (37.8, 38.0, 15.0), (37.0, 37.0, 15.0)),),
    "dipping": (((36.0, 37.5, 20.0), (38.0, 37.5, 20.0), (38.0, 36.5, 50.0), (36.0, 36.5, 50.0)),),
    "two-and-an-empty-one": (((37.0, 37.0, 2.0), (37.5, 37.5, 2.0)), (), ((38.5, 37.0, 5.0),)),
}


def geocentric_km(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, depth_km: npt.ArrayLike) -> Float64Array:
    lat, lon, depth = (np.asarray(each, dtype=np.float64) for each in np.broadcast_arrays(lat_deg, lon_deg, depth_km))
    return np.array(GEOCENTRIC.transform(lon, lat, -1000 * depth)) / 1000


def sampled_fault_km(fault: tuple[tuple[Vertex, ...], ...]) -> Float64Array:
    """Return points all over a fault of up to four corners, shape ``(3, m)``."""
    u, v = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 1, 241), np.linspace(0, 1, 121)))
    parts = []
    for segment in (each for each in fault if each):
        corner = [geocentric_km(*vertex) for vertex in segment]
        corner += [corner[-1]] * (4 - len(corner)) if len(corner) != 2 else [corner[1], corner[0]]
        weights = ((1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v)
        parts.append(sum(np.outer(each, weight) for each, weight in zip(corner, weights, strict=True)))
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("min_intensity", [4.0, 5.5, -np.inf])
def test_a_finite_fault_shakes_by_the_distance_to_it_and_radiates_from_the_hypocentre(
    name: str, min_intensity: float, rng: np.random.Generator
) -> None:
    """Intensity by the nearest of thousands of points of the fault, arrivals from the epicentre at its southern end."""
    now = report(7.8, lat_deg=37.0, lon_deg=37.0, depth_km=10.0, fault=FAULTS[name])
    places = Places.of(rng.uniform(32, 42, 1500), rng.uniform(32, 42, 1500))
    estimate = estimator("aww12").estimate(now, places.targets, min_intensity)
    ground_km = geocentric_km(places.lat_deg, places.lon_deg, 0.0)
    fault_km = sampled_fault_km(FAULTS[name])
    rupture_km = np.array([np.sqrt(((fault_km - each[:, np.newaxis]) ** 2).sum(axis=0).min()) for each in ground_km.T])
    intensity = intensity_model("aww12").intensity(7.8, rupture_km, is_fault_distance=True)
    is_reached = np.zeros(1500, dtype=bool)
    is_reached[estimate.target_row] = True
    # The samples lie a km apart: so much nearer may the fault be.
    assert is_reached[intensity >= min_intensity + 0.1].all()
    assert not is_reached[intensity < min_intensity - 0.1].any()
    np.testing.assert_allclose(estimate.intensity, intensity[is_reached], atol=0.1)
    _, s_travel_s = AK135.travel_times(places.epicentral_km(now)[is_reached], 10.0)
    np.testing.assert_allclose(estimate.s_arrival_s, s_travel_s, atol=S_TOLERANCE_S)


@pytest.mark.parametrize(("name", "top_km"), [("vertical", 0.0), ("dipping", 20.0), ("two-and-an-empty-one", 2.0)])
def test_the_greatest_intensity_of_a_fault_is_above_its_shallowest_part(name: str, top_km: float) -> None:
    """Nobody stands on a fault that begins 20 km down."""
    now = report(7.8, lat_deg=37.0, lon_deg=37.0, fault=FAULTS[name])
    estimate = estimator("aww12").estimate(now, Targets.of([37.0], [37.0]), 20.0)
    expected = intensity_model("aww12").intensity(7.8, top_km, is_fault_distance=True)
    assert estimate.max_intensity == pytest.approx(float(expected), abs=0.001)


def test_a_fault_without_any_vertex_is_no_fault(rng: np.random.Generator) -> None:
    """A feed that sends empty rings gets the point source, and no traceback."""
    places = Places.around(rng, 38.2, 142.7, n=300, far_km=600)
    plain, empty = (estimator().estimate(report(fault=fault), places.targets, 1.0) for fault in (None, ((), ())))
    np.testing.assert_array_equal(plain.intensity, empty.intensity)
    assert plain.max_intensity == empty.max_intensity


def test_a_fault_far_from_its_epicentre_still_finds_everybody(rng: np.random.Generator) -> None:
    """A rupture that ends 400 km from where it began reaches who is near its end."""
    fault = (((37.0, 37.0, 5.0), (37.0, 41.5, 5.0)),)
    now = report(7.9, lat_deg=37.0, lon_deg=37.0, fault=fault)
    places = Places.of(37.0 + rng.uniform(-0.1, 0.1, 200), 41.5 + rng.uniform(0, 0.1, 200))
    estimate = estimator("aww12").estimate(now, places.targets, 7.5)
    assert len(estimate.target_row) == 200


@pytest.mark.parametrize("after_s", [-1.0, 0.0, 12.0, 60.0])
def test_who_is_next_has_the_same_estimate_and_nobody_is_passed_over(after_s: float, rng: np.random.Generator) -> None:
    """Of 30 000, about 500 whose S wave comes next: exactly those the whole estimate has between two instants."""
    of, places = report(7.0), Places.around(rng, 38.2, 142.7, 30_000, 700.0)
    whole = estimator().estimate(of, places.targets, -np.inf)
    soon = estimator().estimate_next(of, places.targets, after_s=after_s, n_most=500)
    assert 0 < len(soon.target_row) <= 500
    before_s = soon.s_arrival_s.max()
    expected = (whole.s_arrival_s > after_s) & (whole.s_arrival_s <= before_s)
    # At the edge a rounding decides.
    edge = np.abs(whole.s_arrival_s - before_s) < 0.001
    missing = set(whole.target_row[expected & ~edge].tolist()) - set(soon.target_row.tolist())
    assert not missing
    position = np.searchsorted(whole.target_row, soon.target_row)
    for name in ("target_row", "intensity", "p_arrival_s", "s_arrival_s", "s_slowness_s_km"):
        np.testing.assert_array_equal(getattr(soon, name), getattr(whole, name)[position])
    assert soon.max_intensity == whole.max_intensity


def test_nobody_is_next_by_a_fault(rng: np.random.Generator) -> None:
    """Nor by a report to which no attenuation may be applied."""
    targets = Places.around(rng, 37.4, 37.5, 1000, 100.0).targets
    of_fault = report(7.8, fault=FAULTS["vertical"])
    for of in (of_fault, report(None)):
        assert len(estimator().estimate_next(of, targets, after_s=0.0, n_most=100).target_row) == 0
