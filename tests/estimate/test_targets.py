"""Blocks of places, and the nearest point of a cell."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from eew.estimate.targets import BLOCK_ROWS, Targets, farthest_point_deg, nearest_point_deg
from eew.model.records import Cells
from eew.physics import cells

Float64Array = npt.NDArray[np.float64]

GEOD = Geod(ellps="WGS84")
GEOCENTRIC = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
CELL_LEVEL = 12
#: Of single-precision coordinates.
COORDINATE_TOLERANCE_KM = 0.001


def geocentric_km(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Float64Array:
    """Return Earth-centred coordinates by PROJ."""
    lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
    return np.array(GEOCENTRIC.transform(lon, lat, np.zeros_like(lat))) / 1000


def in_morton_order(lat_deg: Float64Array, lon_deg: Float64Array) -> tuple[Float64Array, Float64Array]:
    order = np.argsort(cells.cell_at(lat_deg, lon_deg), kind="stable")
    return lat_deg[order], lon_deg[order]


def around(rng: np.random.Generator, lat_deg: float, lon_deg: float, spread_deg: float, n: int) -> Any:
    """Return places around one, across the date line too."""
    lat = np.clip(lat_deg + rng.uniform(-spread_deg, spread_deg, n), -89.9, 89.9)
    lon = (lon_deg + rng.uniform(-spread_deg, spread_deg, n) + 180) % 360 - 180
    return in_morton_order(lat, lon)


def test_coordinates_are_those_of_proj(rng: np.random.Generator) -> None:
    """A place is where PROJ puts it on the ellipsoid, within single precision."""
    lat, lon = rng.uniform(-90, 90, 5000), rng.uniform(-180, 180, 5000)
    off_km = np.abs(Targets.of(lat, lon).coordinates_km - geocentric_km(lat, lon))
    assert float(off_km.max()) < COORDINATE_TOLERANCE_KM


@given(
    lat_deg=st.floats(-89, 89),
    lon_deg=st.floats(-180, 180),
    spread_deg=st.floats(0.01, 30),
    n=st.sampled_from([1, 2047, 2048, 2049, 9000]),
    chord_km=st.floats(0, 3000),
    away_deg=st.floats(0, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_place_within_reach_is_ruled_out(
    lat_deg: float, lon_deg: float, spread_deg: float, n: int, chord_km: float, away_deg: float, seed: int
) -> None:
    """Every place within the chord of the source is in one of the runs; runs are of whole blocks, apart, ascending."""
    rng = np.random.default_rng(seed)
    lat, lon = around(rng, lat_deg, lon_deg, spread_deg, n)
    targets = Targets.of(lat, lon)
    source_km = geocentric_km(np.clip(lat_deg + away_deg, -90, 90), lon_deg)
    to_source_km = np.sqrt(((geocentric_km(lat, lon) - source_km[:, np.newaxis]) ** 2).sum(axis=0))
    runs = targets.rows_within(source_km, chord_km)
    is_in = np.zeros(n, dtype=bool)
    for run in runs:
        is_in[run] = True
    assert not (~is_in & (to_source_km <= chord_km)).any()
    assert all(run.start % BLOCK_ROWS == 0 and run.start < run.stop <= n for run in runs)
    assert all(before.stop < after.start for before, after in pairwise(runs))


def test_a_single_place_is_its_own_block() -> None:
    """The place itself is within no distance at all; nobody is within less."""
    targets = Targets.of([38.2], [142.7])
    assert len(targets) == 1
    assert targets.rows_within(geocentric_km(38.2, 142.7), 0.0) == [slice(0, 1)]
    assert targets.rows_within(geocentric_km(38.2, 142.7), -1.0) == []


def test_no_places_are_no_runs() -> None:
    """A population without anybody is no error."""
    targets = Targets.of(np.empty(0), np.empty(0))
    assert len(targets) == 0
    assert targets.rows_within(geocentric_km(0.0, 0.0), 1000.0) == []


def test_columns_are_read_only_and_inputs_stay_as_they_were(rng: np.random.Generator) -> None:
    """Nobody writes into what all estimates share, nor into what the targets were made of."""
    lat, lon = rng.uniform(30, 40, 3000), rng.uniform(130, 140, 3000)
    before = lat.copy(), lon.copy()
    targets = Targets.of(lat, lon)
    for column in (targets.coordinates_km, targets.block_centre_km, targets.block_radius_km):
        assert not column.flags.writeable
    np.testing.assert_array_equal((lat, lon), before)


def edge_samples_deg(table: Cells, n_a_side: int) -> tuple[Float64Array, Float64Array]:
    """Return points along the edges of each cell, shape ``(n_cells, 4 * n_a_side)``."""
    edges = cells.bounds(table.cell, table.level)
    share = np.linspace(0, 1, n_a_side)
    lat = edges.south_deg[:, None] + (edges.north_deg - edges.south_deg)[:, None] * share
    lon = edges.west_deg[:, None] + (edges.east_deg - edges.west_deg)[:, None] * share
    full = np.ones_like(share)
    return (
        np.concatenate([lat, lat, edges.south_deg[:, None] * full, edges.north_deg[:, None] * full], axis=1),
        np.concatenate([edges.west_deg[:, None] * full, edges.east_deg[:, None] * full, lon, lon], axis=1),
    )


def geodesic_km(lat_deg: float, lon_deg: float, to_lat_deg: Float64Array, to_lon_deg: Float64Array) -> Float64Array:
    here = np.full(to_lat_deg.shape, lon_deg), np.full(to_lat_deg.shape, lat_deg)
    return np.asarray(GEOD.inv(*here, to_lon_deg, to_lat_deg)[2]) / 1000


@pytest.mark.parametrize("level", [6, CELL_LEVEL])
@pytest.mark.parametrize(
    ("lat_deg", "lon_deg"),
    [(38.1, 142.9), (0.0, 0.0), (-17.9, 179.95), (-17.9, -179.95), (78.2, 15.6), (-41.3, 174.8), (90.0, 0.0)],
    ids=["japan", "null-island", "fiji-west", "fiji-east", "svalbard", "new-zealand", "pole"],
)
def test_the_nearest_point_is_nearest_of_all_points_of_the_edge(
    lat_deg: float, lon_deg: float, level: int, rng: np.random.Generator
) -> None:
    """No sample of a cell's edge is nearer by the geodesic, and the point lies in its cell."""
    lat = np.clip(lat_deg + rng.normal(0, 8, 300), -84.9, 84.9)
    lon = (lon_deg + rng.normal(0, 12, 300) + 180) % 360 - 180
    cell = np.unique(cells.cell_at(lat, lon, level))
    table = Cells(level, cell, np.arange(len(cell) + 1, dtype=np.int32))
    point_lat, point_lon = nearest_point_deg(table, lat_deg, lon_deg)
    edges = cells.bounds(cell, level)
    assert ((edges.south_deg <= point_lat) & (point_lat <= edges.north_deg)).all()
    assert ((edges.west_deg <= point_lon) & (point_lon <= edges.east_deg)).all()
    found_km = geodesic_km(lat_deg, lon_deg, point_lat, point_lon)
    sampled_km = geodesic_km(lat_deg, lon_deg, *edge_samples_deg(table, 41)).min(axis=1)
    is_around = (
        (edges.south_deg <= lat_deg)
        & (lat_deg <= edges.north_deg)
        & (edges.west_deg <= lon_deg)
        & (lon_deg <= edges.east_deg)
    )
    assert float(found_km[is_around].max(initial=0.0)) < 1e-6
    # The sphere on which the point is sought is not the ellipsoid: 0.05 % of the way, or a hundred metres.
    assert (found_km <= sampled_km * 1.0005 + 0.1).all()


def test_beyond_the_date_line_is_near() -> None:
    """A cell of the far east whose edge is 0.05 degrees from a source in the far west is 5 km away, not 40 000."""
    cell = cells.cell_at([-17.9], [179.99], CELL_LEVEL)
    _, lon = nearest_point_deg(Cells(CELL_LEVEL, cell, np.array([0, 1], dtype=np.int32)), -17.9, -179.95)
    assert lon.tolist() == [180.0]


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg"), [(38.1, 142.9), (-17.9, 179.95), (-17.9, -179.95), (78.2, 15.6)], ids=str
)
def test_the_farthest_point_is_a_corner_and_no_point_of_the_edge_is_farther(
    lat_deg: float, lon_deg: float, rng: np.random.Generator
) -> None:
    """By the geodesic to samples of each cell's edge, also across the date line."""
    lat = np.clip(lat_deg + rng.normal(0, 4, 300), -84.9, 84.9)
    lon = (lon_deg + rng.normal(0, 6, 300) + 180) % 360 - 180
    cell = np.unique(cells.cell_at(lat, lon, CELL_LEVEL))
    table = Cells(CELL_LEVEL, cell, np.arange(len(cell) + 1, dtype=np.int32))
    point_lat, point_lon = farthest_point_deg(table, lat_deg, lon_deg)
    edges = cells.bounds(cell, CELL_LEVEL)
    assert ((point_lat == edges.south_deg) | (point_lat == edges.north_deg)).all()
    assert ((point_lon == edges.west_deg) | (point_lon == edges.east_deg)).all()
    found_km = geodesic_km(lat_deg, lon_deg, point_lat, point_lon)
    sampled_km = geodesic_km(lat_deg, lon_deg, *edge_samples_deg(table, 41)).max(axis=1)
    assert (found_km >= sampled_km - 0.001).all()


@given(
    lat_deg=st.floats(-80, 80),
    lon_deg=st.floats(-180, 180),
    spread_deg=st.floats(0.05, 10),
    n=st.sampled_from([1, 2049, 9000, 30_000]),
    from_km=st.floats(0, 500),
    n_most=st.sampled_from([1, 300, 5000, 100_000]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60)
def test_rows_beyond_a_distance_are_the_nearest_of_all(
    lat_deg: float, lon_deg: float, spread_deg: float, n: int, from_km: float, n_most: int, seed: int
) -> None:
    """All rows from the distance to another one, and no more than were asked for but for those that are alike."""
    lat, lon = around(np.random.default_rng(seed), lat_deg, lon_deg, spread_deg, n)
    targets = Targets.of(lat, lon)
    source_km = geocentric_km([lat_deg], [lon_deg])[:, 0]
    row = targets.rows_beyond(source_km, from_km, n_most)
    assert row.dtype == np.int32
    assert (np.diff(row) > 0).all()
    to_km = np.sqrt(((geocentric_km(lat, lon) - source_km[:, None]) ** 2).sum(axis=0))
    is_out = np.ones(n, dtype=bool)
    is_out[row] = False
    if len(row):
        assert to_km[row].min() >= from_km - 0.005
        nearer = is_out & (to_km > from_km + 0.005) & (to_km < to_km[row].max() - 0.005)
        assert not nearer.any()
    assert len(row) <= n_most
    assert len(row) >= min(n_most // 2, int((to_km > from_km + 0.005).sum())) - 1


def test_no_row_is_beyond_the_farthest(rng: np.random.Generator) -> None:
    """A sphere that holds everybody."""
    lat, lon = around(rng, 35.0, 139.0, 1.0, 5000)
    assert len(Targets.of(lat, lon).rows_beyond(geocentric_km([35.0], [139.0])[:, 0], 1000.0, 100)) == 0
