"""Cells are the tiles and quadkeys that everyone else's maps use, and nest as ranges of integers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.physics import cells
from eew.physics.quadkey import from_quadkey, quadkey, quadkey_at

#: Published: tile column, line, level and quadkey. [BING] tile system; [MERCANTILE] documentation.
PUBLISHED_QUADKEYS = [
    pytest.param(3, 5, 3, "213", id="bing-maps-tile-system"),
    pytest.param(486, 332, 10, "0313102310", id="mercantile"),
]

latitudes = st.floats(-85, 85)
longitudes = st.floats(-180, 180, exclude_max=True)
levels = st.integers(1, 16)


def osm_tile(lat_deg: float, lon_deg: float, level: int) -> tuple[int, int]:
    """Return the column and line by the formula of the OpenStreetMap wiki (Slippy map tilenames), scalar."""
    n_side = 2**level
    lat = math.radians(lat_deg)
    line = (1 - math.log(math.tan(lat) + 1 / math.cos(lat)) / math.pi) / 2 * n_side
    return int((lon_deg + 180) / 360 * n_side), int(line)


def quadkey_of_tile(column: int, line: int, level: int) -> str:
    """Return the digits, reading off the binary digits of line and column in pairs."""
    columns, lines = f"{column:0{level}b}", f"{line:0{level}b}"
    return "".join(str(int(pair, 2)) for pair in map("".join, zip(lines, columns, strict=True)))


@pytest.mark.parametrize(("column", "line", "level", "digits"), PUBLISHED_QUADKEYS)
def test_published_tiles_have_their_published_quadkeys(column: int, line: int, level: int, digits: str) -> None:
    """The point in the middle of a published tile is in the cell of the published digits."""
    lon_deg = (column + 0.5) / 2**level * 360 - 180
    lat_deg = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (line + 0.5) / 2**level))))
    cell = int(cells.cell_at(lat_deg, lon_deg, level))
    assert quadkey(cell, level) == digits
    assert from_quadkey(digits) == cell
    assert quadkey_at(lat_deg, lon_deg, level) == digits


def test_shibuya_is_in_its_published_cell() -> None:
    """The documented point of quadkey 13300211230301333312 is in the level-15 cell of its first 15 digits."""
    cell = int(cells.cell_at(35.657854158137965, 139.7014617919922))
    assert quadkey(cell, cells.DEVICE_LEVEL) == "133002112303013"


def test_bounds_are_the_published_ones() -> None:
    """Tile 486/332/10 has the edges that mercantile's documentation prints."""
    edges = cells.bounds(from_quadkey("0313102310"), 10)
    found = [float(side[0]) for side in (edges.west_deg, edges.south_deg, edges.east_deg, edges.north_deg)]
    assert found == pytest.approx([-9.140625, 53.12040528310657, -8.7890625, 53.33087298301705], abs=1e-11)


def test_cells_are_openstreetmap_tiles(rng: np.random.Generator) -> None:
    """On random points every level gives the tile of the OpenStreetMap formula."""
    lat_deg, lon_deg = rng.uniform(-85, 85, 500), rng.uniform(-180, 180, 500)
    for level in range(1, 17):
        found = [quadkey(int(cell), level) for cell in cells.cell_at(lat_deg, lon_deg, level)]
        tiles = [osm_tile(lat, lon, level) for lat, lon in zip(lat_deg, lon_deg, strict=True)]
        expected = [quadkey_of_tile(column, line, level) for column, line in tiles]
        assert found == expected
        assert [quadkey_at(lat, lon, level) for lat, lon in zip(lat_deg, lon_deg, strict=True)] == expected


@given(latitudes, longitudes, levels)
def test_a_point_is_within_the_bounds_of_its_cell(lat_deg: float, lon_deg: float, level: int) -> None:
    """Bounds undo the search for the cell, to within rounding."""
    edges = cells.bounds(cells.cell_at(lat_deg, lon_deg, level), level)
    assert edges.south_deg[0] - 1e-9 <= lat_deg <= edges.north_deg[0] + 1e-9
    assert edges.west_deg[0] - 1e-9 <= lon_deg <= edges.east_deg[0] + 1e-9


@given(levels.flatmap(lambda level: st.tuples(st.just(level), st.integers(0, 4**level - 1))))
def test_the_middle_of_a_cell_is_in_it(level_and_cell: tuple[int, int]) -> None:
    """Every cell, at the poles and the date line too, is found again from the middle of its bounds."""
    level, cell = level_and_cell
    edges = cells.bounds(cell, level)
    lat_deg = (edges.south_deg + edges.north_deg) / 2
    lon_deg = (edges.west_deg + edges.east_deg) / 2
    assert int(cells.cell_at(lat_deg, lon_deg, level)[0]) == cell


@given(levels.flatmap(lambda level: st.tuples(st.just(level), st.integers(0, 4**level - 1))))
def test_digits_and_integer_are_one_cell(level_and_cell: tuple[int, int]) -> None:
    """A quadkey has one digit a level and reads back as its cell."""
    level, cell = level_and_cell
    digits = quadkey(cell, level)
    assert len(digits) == level
    assert from_quadkey(digits) == cell


@given(latitudes, longitudes, levels, levels)
def test_coarser_cells_are_prefixes(lat_deg: float, lon_deg: float, one_level: int, other_level: int) -> None:
    """The coarser cell around a point has the first digits of the finer, and is its ancestor."""
    coarse, fine = sorted((one_level, other_level))
    fine_cell = cells.cell_at([lat_deg], [lon_deg], fine)
    coarse_cell = cells.cell_at([lat_deg], [lon_deg], coarse)
    assert cells.ancestor(fine_cell, fine, coarse) == coarse_cell
    assert quadkey(int(fine_cell[0]), fine).startswith(quadkey(int(coarse_cell[0]), coarse))


def test_a_coarse_cell_is_one_run_of_sorted_cells(rng: np.random.Generator) -> None:
    """Sorted by device cell, the points inside a coarser cell's edges stand together and nobody else among them."""
    lat_deg, lon_deg = rng.uniform(30, 45, 20_000), rng.uniform(128, 146, 20_000)
    order = np.argsort(cells.cell_at(lat_deg, lon_deg), kind="stable")
    for coarse in np.unique(cells.cell_at(lat_deg, lon_deg, 6)):
        edges = cells.bounds(coarse, 6)
        is_inside = (lat_deg >= edges.south_deg) & (lat_deg < edges.north_deg)
        is_inside &= (lon_deg >= edges.west_deg) & (lon_deg < edges.east_deg)
        row = np.nonzero(is_inside[order])[0]
        assert row[-1] - row[0] + 1 == len(row)


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "digits"),
    [
        pytest.param(10.0, -180.0, "02", id="date-line-from-the-east"),
        pytest.param(10.0, 180.0, "13", id="date-line-from-the-west"),
        pytest.param(90.0, 10.0, "10", id="north-pole"),
        pytest.param(-90.0, -10.0, "23", id="south-pole"),
        pytest.param(0.0, 0.0, "30", id="origin"),
    ],
)
def test_edges_of_the_map_are_inside_it(lat_deg: float, lon_deg: float, digits: str) -> None:
    """Poles are clamped to the first and last line, and either side of the date line stays on its own side."""
    assert quadkey(int(cells.cell_at(lat_deg, lon_deg, 2)), 2) == digits
    assert quadkey_at(lat_deg, lon_deg, 2) == digits


def test_a_device_cell_at_the_equator_is_about_a_kilometre_wide() -> None:
    """Level 15 divides the equator, 40 075 km, into 32 768."""
    edges = cells.bounds(cells.cell_at(0.001, 0.001), cells.DEVICE_LEVEL)
    assert float(edges.east_deg[0] - edges.west_deg[0]) == pytest.approx(360 / 32768)
