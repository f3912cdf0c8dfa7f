"""Travel times against TauP, published tables, an agency's own arrivals and published warnings."""

import json
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.model.errors import ModelRangeError, TravelTimeError
from eew.physics.geodesy import epicentral_km
from eew.physics.travel_time_table import MODEL_RADIUS_KM, TRAVEL_TIME_NAMES, TravelTimeTable

with warnings.catch_warnings():
    # obspy lists its plug-ins by an interface of the standard library that is going away.
    warnings.simplefilter("ignore", DeprecationWarning)
    from obspy.taup import TauPyModel

    from eew.physics.tables import build

FloatArray = npt.NDArray[np.float64]

PHASES = (("p", "P", "Pg", "Pn"), ("s", "S", "Sg", "Sn"))
#: What the project promises against TauP.
P99_S, MAX_S = 0.02, 0.05
#: The published tables were computed by another program and are printed to 0.01 s.
PUBLISHED_TOLERANCE_S = 0.05
#: A residual is stored to 1/4096 s and added in single precision.
NODE_TOLERANCE_S = 0.0005

#: [JMA] S arrivals by area in report 9 of 2011-03-11, s after 14:46:16 JST; source 38.1N 142.9E, 10 km deep.
TOHOKU_S_ARRIVAL_S = {
    "210": 47, "221": 47, "251": 48, "250": 55, "241": 59, "212": 59, "242": 59, "233": 59, "243": 63, "300": 65,
    "252": 66, "240": 71, "231": 74, "202": 76, "372": 76, "301": 77, "230": 80, "340": 83, "331": 92,
}  # fmt: skip
#: [ICL] epicentral distance (km) and published warning (s), depth (km).
LUDING = ({53: 7, 99: 20, 161: 36, 176: 40, 221: 50}, 16)
QIAOJIA = ({60: 10, 115: 26, 156: 38}, 8)

model_names = pytest.mark.parametrize("name", ["ak135", "iasp91"])
waves = pytest.mark.parametrize(("wave", "letter"), [(0, "P"), (1, "S")], ids=["P", "S"])
TABLES = {name: TravelTimeTable.load(name) for name in TRAVEL_TIME_NAMES}
tables = st.sampled_from(list(TABLES.values()))
depths = st.floats(0, 700)
distances = st.lists(st.floats(0, 3000), min_size=1, max_size=30)


@model_names
def test_first_arrivals_are_those_of_taup(name: str, rng: np.random.Generator) -> None:
    """P and S are within the promised error of TauP's first arrivals on a random grid."""
    n = 100
    distance_km, depth_km = rng.uniform(0, 1500, n), rng.uniform(0, 650, n)
    depth_km[::2] = rng.uniform(0, 60, n // 2)  # where branches cross most
    model = TauPyModel(name)
    degrees = np.degrees(distance_km / 6371)
    expected = [
        [
            min(arrival.time for arrival in model.get_travel_times(depth, degree, phases))
            for depth, degree in zip(depth_km, degrees, strict=True)
        ]
        for phases in PHASES
    ]
    error_s = np.abs(np.array(TABLES[name].travel_times(distance_km, depth_km)) - expected)
    assert (np.percentile(error_s, 99, axis=1) <= P99_S).all()
    assert error_s.max() <= MAX_S


@model_names
@pytest.mark.parametrize("depth_km", [0.0, 0.25, 19.75, 34.8, 96.53, 381.05, 654.77])
def test_error_stays_small_where_branches_cross(name: str, depth_km: float) -> None:
    """The densest look at depths between nodes finds no error above the promise, up to the table's end."""
    distance_km = np.arange(0, 3000, 0.37)
    corrected = TauPyModel(name).model.depth_correct(depth_km)
    expected = [build.first_arrivals(corrected, phases, distance_km / MODEL_RADIUS_KM) for phases in PHASES]
    error_s = np.abs(np.array(TABLES[name].travel_times(distance_km, depth_km)) - expected)
    assert np.percentile(error_s, 99) <= P99_S
    assert error_s.max() <= MAX_S


@model_names
def test_shipped_table_is_what_the_script_builds(name: str) -> None:
    """At a node depth the shipped table says what the build script works out today."""
    depth_km = 35.0
    corrected = TauPyModel(name).model.depth_correct(depth_km)
    expected = [build.first_arrivals(corrected, phases, build.DISTANCES_KM / MODEL_RADIUS_KM) for phases in PHASES]
    got = TABLES[name].travel_times(build.DISTANCES_KM, depth_km)
    np.testing.assert_allclose(got, expected, rtol=0, atol=NODE_TOLERANCE_S)
    np.testing.assert_array_equal(TABLES[name].depth_km, build.DEPTHS_KM)


@pytest.mark.reference_data
@waves
@pytest.mark.parametrize("part", ["shallow", "deep"])
def test_ak135_agrees_with_the_published_tables(reference_data: Path, wave: int, letter: str, part: str) -> None:
    """Times and S slownesses are those of the published ak135 tables wherever they overlap."""
    depth_km, degrees, published_s, published_s_deg = _published_ak135(
        reference_data / "traveltime" / f"ak135_{letter}_{part}.txt"
    )
    distance_km = np.radians(degrees) * 6371
    times_s = TABLES["ak135"].travel_times(distance_km[:, np.newaxis], depth_km)[wave]
    assert times_s.shape == published_s.shape
    assert np.abs(times_s - published_s).max() <= PUBLISHED_TOLERANCE_S
    if letter == "S":
        km_deg = np.radians(1) * 6371
        is_smooth = (degrees >= 3) & (degrees <= 12)  # away from where branches cross
        around_km = distance_km[is_smooth, np.newaxis] + [0.0, 0.5]
        for column, depth in enumerate(depth_km):
            _, s_travel_s = TABLES["ak135"].travel_times(around_km, depth)
            slowness_s_km = np.diff(s_travel_s, axis=1)[:, 0] / 0.5
            np.testing.assert_allclose(slowness_s_km * km_deg, published_s_deg[is_smooth, column], rtol=0.02)


@pytest.mark.reference_data
def test_jma_area_arrivals_of_tohoku_are_met(reference_data: Path) -> None:
    """JMA's table and each area's nearest point give JMA's own S arrivals, hardly ever later than JMA."""
    nearest_km = _nearest_km(reference_data / "areas" / "jma_AreaForecastLocalE_20240520.geojson", 38.1, 142.9)
    jma2001 = TravelTimeTable.load(reference_data / "traveltime" / "tjma2001.csv")
    distance_km = np.array([nearest_km[code] for code in TOHOKU_S_ARRIVAL_S])
    _, s_travel_s = jma2001.travel_times(distance_km, 10)
    later_s = s_travel_s - np.array(list(TOHOKU_S_ARRIVAL_S.values()))
    assert (np.abs(later_s) <= 4.5).sum() >= 16
    assert np.median(np.abs(later_s)) <= 2.8
    assert later_s.max() <= 1
    for name in ("ak135", "iasp91"):
        np.testing.assert_allclose(TABLES[name].travel_times(distance_km, 10)[1], s_travel_s, rtol=0, atol=1.6)


@model_names
@pytest.mark.parametrize("quake", [LUDING, QIAOJIA], ids=["luding", "qiaojia"])
def test_one_issue_time_explains_the_published_warnings(name: str, quake: tuple[dict[int, int], int]) -> None:
    """S arrival less published warning is the same issue time at every place, within a second."""
    warning_s, depth_km = quake
    _, s_travel_s = TABLES[name].travel_times(list(warning_s), depth_km)
    issue_s = s_travel_s - list(warning_s.values())
    assert np.ptp(issue_s) / 2 <= 1
    assert 3 <= issue_s.mean() <= 10


@pytest.mark.parametrize(("late_s", "radius_km"), [(0, 18.5), (2, 26.2), (5, 37.2), (13, 65.7)])
def test_constant_speed_gives_the_known_late_radius(late_s: float, radius_km: float) -> None:
    """At 3.5 km/s, 10 km deep, issued after 6 s, the S wave is where a hand calculation puts it."""
    _, s_travel_s = TABLES["constant-6.0-3.5"].travel_times(radius_km, 10)
    # The radius is printed to 0.1 km and worked out on a flat Earth.
    assert float(s_travel_s) == pytest.approx(6 + late_s, abs=0.03)


@given(table=tables, depth_km=depths, distance_km=distances)
def test_p_comes_before_s_and_arrivals_grow_with_distance(
    table: TravelTimeTable, depth_km: float, distance_km: list[float]
) -> None:
    """At one depth no wave arrives earlier further out, and S never before P."""
    p_travel_s, s_travel_s = table.travel_times(np.sort(distance_km), depth_km)
    assert (p_travel_s <= s_travel_s).all()
    assert (p_travel_s >= 0).all()
    # Storing a residual to 1/4096 s may move a node by half of that.
    assert (np.diff(p_travel_s) >= -1 / 4096).all()
    assert (np.diff(s_travel_s) >= -1 / 4096).all()


@given(table=tables, depth_km=depths, distance_km=distances, seed=st.integers(0, 2**32 - 1))
def test_each_place_is_answered_by_itself(
    table: TravelTimeTable, depth_km: float, distance_km: list[float], seed: int
) -> None:
    """Permuting the places permutes the answers, one place alone gets the same, and inputs stay as they were."""
    given_km = np.array(distance_km)
    kept_km = given_km.copy()
    order = np.random.default_rng(seed).permutation(len(given_km))
    together = np.array(table.travel_times(given_km, depth_km))
    np.testing.assert_array_equal(table.travel_times(given_km[order], depth_km), together[:, order])
    alone = table.travel_times(float(given_km[0]), depth_km)
    assert (float(alone[0]), float(alone[1])) == tuple(together[:, 0])
    np.testing.assert_array_equal(given_km, kept_km)


def test_distances_and_depths_broadcast() -> None:
    """A column of depths and a row of distances give a table in double precision."""
    p_travel_s, s_travel_s = TABLES["ak135"].travel_times(np.arange(5, dtype=np.float32), [[10], [20], [30]])
    assert p_travel_s.shape == s_travel_s.shape == (3, 5)
    assert p_travel_s.dtype == s_travel_s.dtype == np.float64


def test_focus_above_sea_level_counts_as_at_it() -> None:
    """Reports reach 10 km up; the models begin at the surface."""
    table = TABLES["iasp91"]
    np.testing.assert_array_equal(table.travel_times([0, 50], -10), table.travel_times([0, 50], 0))


@pytest.mark.parametrize(
    ("distance_km", "depth_km", "quantity"),
    [
        (3000.1, 10, "epicentral_km"),
        (-0.1, 10, "epicentral_km"),
        (np.nan, 10, "epicentral_km"),
        ([1, np.inf], 10, "epicentral_km"),
        (10, 700.1, "depth_km"),
        (10, -10.1, "depth_km"),
        (10, np.nan, "depth_km"),
    ],
)
@pytest.mark.parametrize("name", ["ak135", "constant-5.5-3.3"])
def test_outside_the_table_is_refused(
    name: str, distance_km: float | list[float], depth_km: float, quantity: str
) -> None:
    """A place or depth beyond the table names the quantity and the range."""
    with pytest.raises(ModelRangeError, match=rf"{quantity}: .*expected .* to .*{name}"):
        TABLES[name].travel_times(distance_km, depth_km)


def test_saved_table_is_read_back_and_saved_the_same(tmp_path: Path) -> None:
    """A table written and read by path answers the same, and writing it again gives the same bytes."""
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    TABLES["ak135"].save(first, "a test")
    read = TravelTimeTable.load(first)
    read.save(second, "a test")
    np.testing.assert_array_equal(read.travel_times([3, 700], 33.3), TABLES["ak135"].travel_times([3, 700], 33.3))
    assert read.name == "first"
    assert first.read_bytes() == second.read_bytes()


def test_unknown_name_lists_the_known(tmp_path: Path) -> None:
    """A name that is neither known nor a file is answered with what is known."""
    for name in ("prem", tmp_path):
        with pytest.raises(TravelTimeError, match=r"ak135, iasp91, constant-5\.5-3\.3") as error:
            TravelTimeTable.load(name)
        assert error.value.value == str(name)


def test_damaged_table_file_is_named(tmp_path: Path) -> None:
    """A .npz that is not a table of ours is refused with its name."""
    path = tmp_path / "mine.npz"
    path.write_bytes(b"not a zip")
    with pytest.raises(TravelTimeError, match=r"mine\.npz"):
        TravelTimeTable.load(path)
    np.savez(path, distance_km=[0, 1])
    with pytest.raises(TravelTimeError, match=r"mine\.npz"):
        TravelTimeTable.load(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("distance_km", [0.0, 2, 2]),
        ("distance_km", [0.0, 2, np.nan]),
        ("depth_km", [1.0, 2]),
        ("depth_km", [0.0]),
        ("speed_km_s", [5.8, 0]),
        ("p_residual_steps", np.zeros((3, 2), dtype=np.int32)),
        ("s_residual_steps", np.zeros((2, 3))),
    ],
)
def test_unusable_column_is_named(tmp_path: Path, field: str, value: npt.ArrayLike) -> None:
    """A table file with a column that cannot be is refused by that column."""
    steps = np.zeros((2, 3), dtype=np.int32)
    columns: dict[str, npt.ArrayLike] = {
        "distance_km": [0.0, 1, 2],
        "depth_km": [0.0, 1],
        "speed_km_s": [5.8, 3.4],
        "p_residual_steps": steps,
        "s_residual_steps": steps,
    }
    path = tmp_path / "mine.npz"
    np.savez(path, allow_pickle=False, **{name: np.asarray(column) for name, column in columns.items()})
    assert float(TravelTimeTable.load(path).travel_times(0, 1)[0]) == pytest.approx(1 / 5.8)
    np.savez(
        path, allow_pickle=False, **{name: np.asarray(column) for name, column in (columns | {field: value}).items()}
    )
    with pytest.raises(TravelTimeError, match=field):
        TravelTimeTable.load(path)


def _published_ak135(path: Path) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Depths, degrees up to 3000 km, times and slownesses (s/degree) of a published table."""
    header, *lines = (line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip())
    rows = np.array([line for line in lines if float(line[0]) <= 26], dtype=np.float64)
    n = len(header)
    times_s = rows[:, 1 : 1 + 2 * n : 2] * 60 + rows[:, 2 : 2 + 2 * n : 2]
    return np.array(header, dtype=np.float64), rows[:, 0], times_s, rows[:, 1 + 2 * n :]


def _nearest_km(path: Path, lat_deg: float, lon_deg: float) -> dict[str, float]:
    """Distance of each area's nearest boundary point, found on the edges in a local plane, measured on the sphere."""
    scale = np.array([np.cos(np.radians(lat_deg)), 1])
    source = np.array([lon_deg, lat_deg])
    nearest: dict[str, float] = {}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        if feature["geometry"] is None:
            continue
        parts = feature["geometry"]["coordinates"]
        for part in parts if feature["geometry"]["type"] == "MultiPolygon" else [parts]:
            ring = (np.array(part[0]) - source) * scale
            edge = np.diff(ring, axis=0)
            length2 = np.maximum((edge**2).sum(axis=1), 1e-18)
            along = np.clip(-(ring[:-1] * edge).sum(axis=1) / length2, 0, 1)
            foot = ring[:-1] + along[:, np.newaxis] * edge
            lon, lat = foot[(foot**2).sum(axis=1).argmin()] / scale + source
            distance_km = float(epicentral_km(lat_deg, lon_deg, lat, lon))
            code = feature["properties"]["code"]
            nearest[code] = min(nearest.get(code, np.inf), distance_km)
    return nearest
