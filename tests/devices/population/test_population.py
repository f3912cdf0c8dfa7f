"""A population lives where people do, in Morton order, and is the same for the same seed."""

import itertools
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from eew.devices.population.places.build import Listing, counted_once, listing
from eew.devices.population.population import make, merged
from eew.devices.population.region import region_towns
from eew.model.errors import InputError
from eew.model.records import DeviceKind, Devices
from eew.model.region_name import NAMED_REGIONS, parse_region
from eew.physics.cells import cell_at

GEOD = Geod(ellps="WGS84")

#: South, north, west, east of each region, degrees, by any atlas; main islands and their neighbours.
ATLAS = {
    "california": (32.5, 42.0, -124.5, -114.1),
    "hebei": (36.0, 42.7, 113.4, 119.9),
    "japan": (24.0, 45.6, 122.9, 145.9),
    "mexico": (14.5, 32.8, -118.4, -86.7),
    "sichuan": (26.0, 34.4, 97.3, 108.6),
    "taiwan": (21.8, 26.4, 118.1, 122.1),
    "turkiye": (35.8, 42.2, 25.6, 44.9),
    "xinjiang": (34.3, 49.2, 73.4, 96.5),
    "yunnan": (21.1, 29.3, 97.5, 106.3),
}
#: Millions, by the censuses of 2020 (Türkiye: register of 2023), and the least share that lives in listed towns.
CENSUS = {
    "california": (39.5, 0.9),
    "japan": (126.1, 0.9),
    "mexico": (126.0, 0.75),
    "taiwan": (23.6, 0.8),
    "turkiye": (85.4, 0.8),
    "sichuan": (83.7, 0.3),
    "yunnan": (47.2, 0.3),
    "hebei": (74.6, 0.25),
    "xinjiang": (25.9, 0.4),
}


def columns(devices: Devices) -> dict[str, npt.NDArray[np.generic]]:
    return {name: getattr(devices, name) for name in ("id", "lat_deg", "lon_deg", "cell", "kind")}


def away_km(devices: Devices, lat_deg: float, lon_deg: float) -> npt.NDArray[np.float64]:
    """Return how far each device is from a point, by PROJ."""
    n = len(devices)
    _, _, away_m = GEOD.inv(np.full(n, lon_deg), np.full(n, lat_deg), devices.lon_deg, devices.lat_deg)
    return np.asarray(away_m) / 1000


def test_one_seed_makes_one_population() -> None:
    """The same arguments give the same bytes in every column."""
    once, again = (columns(make(parse_region("japan"), 300_000, seed=7)) for _ in range(2))
    for name in once:
        assert once[name].tobytes() == again[name].tobytes()


def test_another_seed_makes_another_population() -> None:
    """Places and kinds differ with the seed."""
    one, other = (make(parse_region("taiwan"), 2000, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.lat_deg, other.lat_deg)
    assert not np.array_equal(one.kind, other.kind)


@settings(max_examples=20)
@given(
    st.sampled_from([*NAMED_REGIONS, "-33.4,-70.6,100", "52,-179.9,300", "-50,-130,200", "89.5,0,300"]),
    st.integers(1, 3000),
    st.integers(0, 2**63),
)
def test_rows_are_in_morton_order_with_ids_that_name_them(region: str, n_devices: int, seed: int) -> None:
    """Wherever it is made, cells never fall, fit the places kept, and each id is its kind and row."""
    devices = make(parse_region(region), n_devices, seed)
    assert len(devices) == n_devices
    np.testing.assert_array_equal(devices.cell, cell_at(devices.lat_deg, devices.lon_deg))
    assert np.all(devices.cell[1:] >= devices.cell[:-1])
    assert np.abs(devices.lat_deg).max() <= 90
    assert np.abs(devices.lon_deg).max() <= 180
    letters = {DeviceKind.PHONE: "p", DeviceKind.TV: "t"}
    expected = [f"{letters[DeviceKind(kind)]}{row:09d}".encode() for row, kind in enumerate(devices.kind)]
    assert devices.id.tolist() == expected


def test_columns_cannot_be_written() -> None:
    """Every column is read-only and of the type that the record says."""
    made = columns(make(parse_region("taiwan"), 100, seed=1))
    assert not any(column.flags.writeable for column in made.values())
    assert [column.dtype.str for column in made.values()] == ["|S10", "<f4", "<f4", "<u4", "|u1"]


@pytest.mark.parametrize("tv_share", [0.0, 0.2, 0.5, 1.0])
def test_share_of_tvs_is_kept(tv_share: float) -> None:
    """Of 100 000 devices as many are TVs as asked for, within four standard deviations."""
    devices = make(parse_region("japan"), 100_000, seed=3, tv_share=tv_share)
    allowed = 4 * np.sqrt(tv_share * (1 - tv_share) / 100_000)
    assert abs(np.mean(devices.kind == DeviceKind.TV) - tv_share) <= allowed


@pytest.mark.parametrize("name", NAMED_REGIONS)
def test_devices_are_inside_their_region(name: str) -> None:
    """All devices are within the atlas's bounds of the region, give or take a third of a degree."""
    south, north, west, east = ATLAS[name]
    devices = make(parse_region(name), 20_000, seed=5)
    assert south - 0.34 < devices.lat_deg.min()
    assert devices.lat_deg.max() < north + 0.34
    assert west - 0.34 < devices.lon_deg.min()
    assert devices.lon_deg.max() < east + 0.34


@pytest.mark.parametrize("place", [(35.68, 139.77, 25), (-33.45, -70.66, 60), (38.73, 141.5, 40)])
def test_devices_are_inside_their_disc(place: tuple[float, float, float]) -> None:
    """Nobody lives further from the centre than asked for, and they are not all in one spot."""
    lat_deg, lon_deg, radius_km = place
    devices = make(parse_region(f"{lat_deg},{lon_deg},{radius_km}"), 20_000, seed=5)
    away = away_km(devices, lat_deg, lon_deg)
    assert away.max() < radius_km + 0.1
    assert len(np.unique(devices.cell)) > 200


def test_disc_without_towns_is_filled_evenly() -> None:
    """In the empty Pacific half the devices are within 1/√2 of the radius, on each side alike, across the date line."""
    region = parse_region("-48,-179.5,200")
    assert len(region_towns(region)) == 0
    devices = make(region, 20_000, seed=5)
    away = away_km(devices, -48, -179.5)
    assert away.max() < 201
    assert abs(np.mean(away < 200 / np.sqrt(2)) - 0.5) < 0.02
    assert abs(np.mean(devices.lat_deg > -48) - 0.5) < 0.02
    assert abs(np.mean((devices.lon_deg + 360) % 360 > 180.5) - 0.5) < 0.02


def test_people_are_where_the_census_finds_them() -> None:
    """Of Japan's devices, the share near Tokyo, Osaka and Sapporo is near the published share of people."""
    devices = make(parse_region("japan"), 200_000, seed=9)
    # Prefectures of Tokyo, Kanagawa, Saitama and Chiba: 36.9 of 126.1 million in 2020, most within 60 km.
    assert 0.23 < np.mean(away_km(devices, 35.68, 139.77) < 60) < 0.33
    # Osaka, Kyoto, Hyogo and Nara: 18.0 of 126.1 million.
    assert 0.10 < np.mean(away_km(devices, 34.70, 135.50) < 60) < 0.16
    # Hokkaido: 5.2 of 126.1 million.
    assert 0.030 < np.mean(devices.lat_deg > 41.45) < 0.055


def test_nearly_all_of_a_town_is_near_it() -> None:
    """Around Hachijō, an island of 7 000 alone in the sea, the median device is within 1 km of the town."""
    devices = make(parse_region("33.11,139.79,5"), 5000, seed=2)
    towns = region_towns(parse_region("33.11,139.79,5"))
    assert len(towns) == 1
    assert np.median(away_km(devices, towns.lat_deg[0], towns.lon_deg[0])) < 1


@pytest.mark.reference_data
def test_devices_are_on_land(reference_data: Path) -> None:
    """At least 95 % of Japan's devices lie inside the land polygons of JMA's forecast areas."""
    areas = json.loads((reference_data / "areas" / "jma_AreaForecastLocalE_20240520.geojson").read_text("utf-8"))
    shapes = [feature["geometry"] for feature in areas["features"] if feature["geometry"] is not None]
    polygons = [ring for shape in shapes for ring in _outer_rings(shape)]
    devices = make(parse_region("japan"), 20_000, seed=11)
    is_on_land = np.zeros(len(devices), dtype=bool)
    for ring in polygons:
        is_on_land |= _is_inside(ring, devices.lon_deg.astype(float), devices.lat_deg.astype(float))
    assert is_on_land.mean() > 0.95


def _outer_rings(shape: dict[str, Any]) -> list[npt.NDArray[np.float64]]:
    parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    return [np.array(part[0], dtype=float)[:, :2] for part in parts]


def _is_inside(
    ring: npt.NDArray[np.float64], x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Even-odd rule, only for the points in the ring's box."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    row = np.nonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))[0]
    is_odd = np.zeros(len(row), dtype=bool)
    for (x1, y1), (x2, y2) in itertools.pairwise(ring):
        if y1 != y2:
            is_crossed = (y1 > y[row]) != (y2 > y[row])
            is_odd ^= is_crossed & (x[row] < (x2 - x1) * (y[row] - y1) / (y2 - y1) + x1)
    inside = np.zeros(len(x), dtype=bool)
    inside[row] = is_odd
    return inside


@pytest.mark.parametrize(
    ("call", "field"),
    [
        pytest.param(lambda: make(parse_region("japan"), 0, 1), "--devices", id="none"),
        pytest.param(lambda: make(parse_region("japan"), 100_000_001, 1), "--devices", id="too-many"),
        pytest.param(lambda: make(parse_region("japan"), 1, -1), "--seed", id="negative-seed"),
        pytest.param(lambda: make(parse_region("japan"), 1, 1, tv_share=1.01), "--tv-share", id="share"),
        pytest.param(lambda: make(parse_region("japan"), 1, 1, tv_share=float("nan")), "--tv-share", id="nan"),
        pytest.param(lambda: parse_region("atlantis"), "--region", id="unknown-name"),
        pytest.param(lambda: parse_region("1,2"), "--region", id="two-numbers"),
        pytest.param(lambda: parse_region("91,2,3"), "--region", id="latitude"),
        pytest.param(lambda: parse_region("1,181,3"), "--region", id="longitude"),
        pytest.param(lambda: parse_region("1,2,0"), "--region", id="radius"),
        pytest.param(lambda: parse_region("nan,2,3"), "--region", id="nan-latitude"),
        pytest.param(lambda: parse_region("1,2,nan"), "--region", id="nan-radius"),
    ],
)
def test_numbers_out_of_range_name_their_option(call: Callable[[], object], field: str) -> None:
    """What cannot be made says which option is wrong."""
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field


def test_progress_only_rises_to_all() -> None:
    """The share done never falls and ends at 1."""
    said: list[float] = []
    make(parse_region("japan"), 600_000, 1, on_progress=said.append)
    assert said == sorted(said)
    assert said[-1] == 1


@cache
def _listed() -> tuple[Listing, npt.NDArray[np.int64]]:
    """Return the places of the named regions as listed, and their people counted once (no rule crosses a country)."""
    places = listing()
    row = np.nonzero(np.any([_is_in(places.province, code) for code in NAMED_REGIONS.values()], axis=0))[0]
    places = Listing(
        places.geoname_id[row], places.lat_deg[row], places.lon_deg[row], places.population[row], places.province[row]
    )
    return places, counted_once(places)


def _is_in(province: npt.NDArray[np.str_], code: str) -> npt.NDArray[np.bool_]:
    is_in: npt.NDArray[np.bool_] = np.char.startswith(province, code + ".") | (province == code)
    return is_in


def test_tokyo_is_not_counted_twice() -> None:
    """Tokyo metropolis comes out between its 23 wards, 9.7 million, and all of it, 14.05 (census 2020), not 23."""
    places, once = _listed()
    is_tokyo = places.province == "JP.40"
    assert places.population[is_tokyo].sum() > 20e6
    assert 9.7e6 < once[is_tokyo].sum() < 14.1e6


def test_istanbul_is_not_counted_twice() -> None:
    """Istanbul comes out within 10 % of its register, 15.66 million (2023), not at 25."""
    places, once = _listed()
    is_istanbul = places.province == "TR.34"
    assert places.population[is_istanbul].sum() > 24e6
    assert once[is_istanbul].sum() == pytest.approx(15.66e6, rel=0.1)


def test_taipei_is_not_counted_twice() -> None:
    """Within 30 km of Taipei come out about the people of Taipei, New Taipei and Keelung, 7.0 million (2020)."""
    assert 6e6 < region_towns(parse_region("25.05,121.53,30")).population.sum() < 9.5e6


@pytest.mark.parametrize("name", CENSUS)
def test_regions_have_their_people(name: str) -> None:
    """No region has more people than its census (and 5 %), nor fewer than live in towns there."""
    millions, least_share = CENSUS[name]
    found = region_towns(parse_region(name)).population.sum() / 1e6
    assert least_share * millions < found < 1.05 * millions


@pytest.mark.parametrize(("name", "code"), NAMED_REGIONS.items())
def test_shipped_towns_are_what_the_script_makes(name: str, code: str) -> None:
    """The committed columns are those that build.py works out from the listing."""
    places, once = _listed()
    assert region_towns(parse_region(name)).population.sum() == once[_is_in(places.province, code)].sum()


def _town_listing(*rows: tuple[float, int, str]) -> Listing:
    """Return places on the equator at these longitudes (km), with these people and provinces."""
    return Listing(
        geoname_id=np.arange(len(rows)),
        lat_deg=np.zeros(len(rows)),
        lon_deg=np.array([east_km / 111.3195 for east_km, _, _ in rows]),
        population=np.array([people for _, people, _ in rows]),
        province=np.array([province for _, _, province in rows]),
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # A million at 7 000 per km² reaches 6.74 km.
        pytest.param([(0, 1_000_000, "A"), (6, 300_000, "A")], [700_000, 300_000], id="ward-is-taken-off"),
        pytest.param([(0, 1_000_000, "A"), (7, 300_000, "A")], [1_000_000, 300_000], id="outside-the-radius"),
        pytest.param([(0, 1_000_000, "A"), (6, 300_000, "B")], [1_000_000, 300_000], id="other-province"),
        pytest.param([(0, 1_000_000, "A"), (6, 700_000, "A")], [1_000_000, 700_000], id="as-large-a-city"),
        pytest.param([(0, 1_000_000, "A"), (6, 990_000, "A")], [1_000_000, 0], id="listed-twice"),
        pytest.param(
            [(0, 100_000, "A"), (1, 60_000, "A"), (0.5, 55_000, "A")], [0, 60_000, 55_000], id="never-below-zero"
        ),
        pytest.param(
            [(0, 1_000_000, "A"), (3, 300_000, "A"), (4, 50_000, "A")],
            [650_000, 300_000, 50_000],
            id="part-of-the-largest-only",
        ),
    ],
)
def test_nobody_is_counted_twice(rows: list[tuple[float, int, str]], expected: list[int]) -> None:
    """The rule stated in build.py, on towns made up to each of its cases."""
    assert counted_once(_town_listing(*rows)).tolist() == expected


def test_merged_populations_are_one_that_is_numbered_anew() -> None:
    """Everybody of both is there with place and kind, in Morton order; ids tell the kind and the row."""
    parts = [make(parse_region(region), n, 7) for region, n in (("35.6,139.8,50", 300), ("34.7,135.5,50", 200))]
    whole = merged(parts, "two")
    assert (len(whole), whole.region, whole.seed) == (500, "two", 7)
    assert (np.diff(whole.cell.astype(np.int64)) >= 0).all()
    columns = ("lat_deg", "lon_deg", "cell", "kind")
    expected = sorted(row for part in parts for row in zip(*(getattr(part, name) for name in columns), strict=True))
    assert sorted(zip(*(getattr(whole, name) for name in columns), strict=True)) == expected
    letters = {DeviceKind.PHONE: "p", DeviceKind.TV: "t"}
    kinds = [DeviceKind(kind) for kind in whole.kind]
    assert [each.decode() for each in whole.id] == [f"{letters[kind]}{row:09d}" for row, kind in enumerate(kinds)]
    assert not any(getattr(whole, name).flags.writeable for name in ("id", *columns))
