"""The nearest shelter of each device."""

import math

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from pyproj import Geod

from eew.model.records import Hazard, Shelters
from eew.shelter.nearest import nearest, nearest_k

GEOD = Geod(ellps="WGS84")
Place = tuple[float, float]

# Nasty places: around the poles, on both sides of the date line, many in one spot, almost opposite on Earth.
POLES: list[Place] = [(89.9, 0.0), (89.9, 90.0), (89.9, 179.9), (89.9, -180.0), (-89.9, 10.0), (90.0, 33.0), (-90.0, 0)]
DATE_LINE: list[Place] = [(10.0, 179.99), (10.0, -179.99), (10.0, 180.0), (10.0, -180.0), (10.1, 179.5), (-60, -179)]
ONE_SPOT: list[Place] = [(35.0, 139.0)] * 9 + [(35.0, 139.0000001)]
ANTIPODES: list[Place] = [(0.0, 179.6), (0.5, 179.5), (-0.5, 179.7), (0.0, -179.5), (1.0, 180.0), (-1.0, -179.9)]

places = st.lists(st.tuples(st.floats(-90, 90, width=32), st.floats(-180, 180, width=32)), min_size=1, max_size=25)


def catalogue(sites: list[Place], hazards: npt.ArrayLike = Hazard.EARTHQUAKE) -> Shelters:
    lat_deg, lon_deg = np.array(sites, dtype=np.float64).reshape(-1, 2).T
    return Shelters(
        id=tuple(f"s{number}" for number in range(len(sites))),
        name=tuple(f"site {number}" for number in range(len(sites))),
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        hazards=np.broadcast_to(np.asarray(hazards, dtype=np.uint8), (len(sites),)),
        capacity=np.full(len(sites), np.nan, dtype=np.float32),
        title="test",
        licence="none",
        is_synthetic=True,
    )


def brute_force(sites: list[Place], device: Place) -> list[tuple[float, int, float]]:
    """Return distance, row and azimuth of every site, nearest first, measured one by one."""
    measured = []
    for row, (lat, lon) in enumerate(sites):
        azimuth, _, distance = GEOD.inv(device[1], device[0], lon, lat)
        measured.append((distance, row, azimuth))
    return sorted(measured)


def flat_bearing(device: Place, site: Place) -> float:
    """Return the bearing on a plane that touches the ellipsoid at the device, right for short ways.

    From the radii of curvature of the meridian and the prime vertical, as any textbook of geodesy has them.
    """
    a, f = 6378137.0, 1 / 298.257223563
    e2 = f * (2 - f)
    w2 = 1 - e2 * math.sin(math.radians(device[0])) ** 2
    meridian, prime_vertical = a * (1 - e2) / w2**1.5, a / math.sqrt(w2)
    north = math.radians(site[0] - device[0]) * meridian
    east = math.radians(site[1] - device[1]) * prime_vertical * math.cos(math.radians(device[0]))
    return math.degrees(math.atan2(east, north)) % 360


@given(sites=places, devices=places)
@example(sites=POLES, devices=POLES)
@example(sites=DATE_LINE, devices=[*DATE_LINE, (9.99, 180.0), (9.99, -180.0)])
@example(sites=ONE_SPOT, devices=[(35.1, 139.1), (35.0, 139.0), (-35, -41)])
@example(sites=ANTIPODES, devices=[(0.0, 0.0), (0.1, 0.0), (0.0, -0.5)])
@settings(max_examples=150)
def test_the_nearest_are_those_of_a_search_over_every_geodesic(sites: list[Place], devices: list[Place]) -> None:
    """For any places on Earth, rows and distances equal those of measuring every pair on its own."""
    lat, lon = np.array(devices).T
    one = nearest(catalogue(sites), lat, lon)
    three = nearest_k(catalogue(sites), lat, lon, 3)
    for number, device in enumerate(devices):
        expected = brute_force(sites, device)[:3]
        assert one.shelter_row[number] == expected[0][1]
        assert one.distance_m[number] == np.float32(expected[0][0])
        n = len(expected)
        assert three.shelter_row[number].tolist() == [row for _, row, _ in expected] + [-1] * (3 - n)
        assert three.distance_m[number, :n].tolist() == [np.float32(distance) for distance, _, _ in expected]
        assert np.isnan(three.distance_m[number, n:]).all()


def test_dense_town_equals_brute_force(rng: np.random.Generator) -> None:
    """Among many sites close together each of many devices gets what measuring all of them gives."""
    sites = [(float(lat), float(lon)) for lat, lon in rng.normal((35.7, 139.7), 0.05, (300, 2))]
    devices = rng.normal((35.7, 139.7), 0.1, (200, 2)).astype(np.float32)
    found = nearest_k(catalogue(sites), devices[:, 0], devices[:, 1], 3)
    for number, (lat, lon) in enumerate(devices.tolist()):
        expected = brute_force(sites, (lat, lon))[:3]
        assert found.shelter_row[number].tolist() == [row for _, row, _ in expected]


def test_chord_and_geodesic_that_disagree_are_settled_by_the_geodesic() -> None:
    """Two far sites, nearly as far: the one with the shorter chord has the longer geodesic and is not taken.

    Along the equator the Earth bends less than along the meridian, so an equal chord belongs to a shorter way.
    """
    device, north = (0.0, 0.0), (90.0, 0.0)
    distance_north_m = GEOD.inv(0, 0, north[1], north[0])[2]
    east_lon, east_lat, _ = GEOD.fwd(0, 0, 90, distance_north_m - 1000)
    a, b = 6378.137, 6356.752314
    chord_north = math.hypot(a, b)
    chord_east = 2 * a * math.sin(math.radians(east_lon) / 2)
    assert chord_east > chord_north, "the case must be one where chord and geodesic disagree"
    # With more sites than the tree is asked for at first, the margin must notice.
    sites = [north, (east_lat, east_lon), (0.0, 170.0), (0.0, -170.0), (5.0, 175.0)]
    assert nearest(catalogue(sites), [device[0]], [device[1]]).shelter_row[0] == 1


@pytest.mark.parametrize("n_devices", [3, 100_000], ids=["few", "many chunks"])
def test_permuting_devices_permutes_the_results(rng: np.random.Generator, n_devices: int) -> None:
    """What a device gets depends on nothing but its place."""
    sites = [(float(lat), float(lon)) for lat, lon in rng.uniform((24, 123), (45, 145), (2000, 2))]
    lat, lon = rng.uniform((24, 123), (45, 145), (n_devices, 2)).T
    order = rng.permutation(n_devices)
    straight, permuted = nearest(catalogue(sites), lat, lon), nearest(catalogue(sites), lat[order], lon[order])
    np.testing.assert_array_equal(permuted.shelter_row, straight.shelter_row[order])
    np.testing.assert_array_equal(permuted.distance_m, straight.distance_m[order])
    np.testing.assert_array_equal(permuted.bearing_deg, straight.bearing_deg[order])


@given(
    lat=st.floats(-80, 80),
    lon=st.floats(-179, 179),
    azimuth=st.floats(0, 360, exclude_max=True),
    distance_m=st.floats(10, 2000),
)
def test_bearing_points_from_the_device_to_the_shelter(
    lat: float, lon: float, azimuth: float, distance_m: float
) -> None:
    """The bearing is that of the plane at the device, clockwise from north, 0 to 359, to a degree."""
    to_lon, to_lat, _ = GEOD.fwd(lon, lat, azimuth, distance_m)
    bearing = int(nearest(catalogue([(to_lat, to_lon)]), [lat], [lon]).bearing_deg[0])
    assert 0 <= bearing <= 359
    difference = (bearing - flat_bearing((lat, lon), (to_lat, to_lon)) + 180) % 360 - 180
    assert abs(difference) <= 0.6


@pytest.mark.parametrize(
    ("site", "expected"),
    [((35.1, 139.0), 0), ((35.0, 139.1), 90), ((34.9, 139.0), 180), ((35.0, 138.9), 270), ((35.0, 139.0), 0)],
    ids=["north", "east", "south", "west", "same place"],
)
def test_bearing_of_the_compass_points(site: Place, expected: int) -> None:
    """North is 0 and east is 90; a shelter right here has bearing 0."""
    assert nearest(catalogue([site]), [35.0], [139.0]).bearing_deg[0] == expected


def test_distance_is_that_of_vincentys_published_line() -> None:
    """Flinders Peak to Buninyon, the worked example of [VIN75] as Geoscience Australia prints it: 54 972.271 m.

    The printed example is on GRS 80, whose difference to WGS 84 is below a micrometre here.
    """
    flinders_peak = (-(37 + 57 / 60 + 3.72030 / 3600), 144 + 25 / 60 + 29.52440 / 3600)
    buninyon = (-(37 + 39 / 60 + 10.15610 / 3600), 143 + 55 / 60 + 35.38390 / 3600)
    found = nearest(catalogue([buninyon]), [flinders_peak[0]], [flinders_peak[1]])
    assert found.distance_m[0] == pytest.approx(54972.271, abs=0.005)
    # 306°52'05.37"
    assert found.bearing_deg[0] == 307


def test_only_shelters_marked_for_every_hazard_count() -> None:
    """A nearer shelter that lacks a mark is passed over; rows stay those of the whole catalogue."""
    sites = [(35.001, 139.0), (35.01, 139.0), (35.1, 139.0), (36.0, 139.0)]
    marks = [0, Hazard.EARTHQUAKE, Hazard.TSUNAMI, Hazard.EARTHQUAKE | Hazard.TSUNAMI]
    shelters = catalogue(sites, marks)
    assert nearest(shelters, [35.0], [139.0]).shelter_row[0] == 1
    both = Hazard.EARTHQUAKE | Hazard.TSUNAMI
    assert nearest(shelters, [35.0], [139.0], hazards=both).shelter_row[0] == 3
    assert nearest_k(shelters, [35.0], [139.0], 4).shelter_row[0].tolist() == [1, 3, -1, -1]


@pytest.mark.parametrize("shelters", [catalogue([]), catalogue([(35.0, 139.0)], [0])], ids=["empty", "none marked"])
def test_without_any_shelter_there_is_none(shelters: Shelters) -> None:
    """Row −1, distance NaN and bearing 0 stand for no shelter."""
    found = nearest(shelters, [35.0, 36.0], [139.0, 140.0])
    assert found.shelter_row.tolist() == [-1, -1]
    assert np.isnan(found.distance_m).all()
    assert found.bearing_deg.tolist() == [0, 0]


def test_columns_are_read_only_and_inputs_unchanged(rng: np.random.Generator) -> None:
    """The answer cannot be written to, and neither the devices nor the catalogue are touched."""
    lat, lon = rng.uniform(30, 40, (2, 50)).astype(np.float32)
    before = lat.copy(), lon.copy()
    found = nearest(catalogue([(35.0, 36.0)]), lat, lon)
    assert (lat == before[0]).all()
    assert (lon == before[1]).all()
    assert not any(column.flags.writeable for column in (found.shelter_row, found.distance_m, found.bearing_deg))
    assert found.shelter_row.dtype == np.int32
    assert found.distance_m.dtype == np.float32
    assert found.bearing_deg.dtype == np.uint16


def test_no_devices_give_empty_columns() -> None:
    """An empty population is served, too."""
    assert nearest(catalogue([(35.0, 139.0)]), [], []).shelter_row.shape == (0,)
    assert nearest_k(catalogue([(35.0, 139.0)]), [], [], 3).shelter_row.shape == (0, 3)
