"""How long it takes to find the nearest shelter of a whole population.

As a benchmark: ``python -m pytest benchmarks/bench_nearest.py``. As one measurement of a million devices against a
list of any size: ``python benchmarks/bench_nearest.py LIST.csv.gz`` (a list that ``eew shelters import gsi`` takes).
"""

import sys

import numpy as np
import pytest
from pyproj import Geod
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.timing import note, timed, where
from eew.model.records import FloatColumn, ShelterColumns, Shelters
from eew.physics.cells import cell_at
from eew.shelter.gsi import import_gsi
from eew.shelter.nearest import nearest
from eew.shelter.synthetic import synthetic_shelters

N_SITES = 115_402
SEED = 20110311
#: Bits that no shelter needs: the whole list counts.
ANY_HAZARD = 0


def country_like_japan(n_sites: int = N_SITES) -> Shelters:
    """Return sites in towns, by default as many as Japan's national list has."""
    rng = np.random.default_rng(SEED)
    n_towns = 2000
    lat_deg, lon_deg = rng.uniform((31, 130), (44, 144), (n_towns, 2)).T
    population = np.full(n_towns, 20_000 * (n_sites // n_towns + 1))
    sites = synthetic_shelters(lat_deg, lon_deg, population, seed=SEED)
    kept = slice(0, n_sites)
    return Shelters(
        id=sites.id[kept],
        name=sites.name[kept],
        lat_deg=sites.lat_deg[kept],
        lon_deg=sites.lon_deg[kept],
        hazards=sites.hazards[kept],
        capacity=sites.capacity[kept],
        title=sites.title,
        licence=sites.licence,
        is_synthetic=True,
    )


def population_near(shelters: Shelters, n: int) -> tuple[FloatColumn, FloatColumn]:
    """Return ``n`` devices some kilometres around shelters, in Morton order as populations are kept."""
    rng = np.random.default_rng(SEED)
    row = rng.integers(0, len(shelters), n)
    lat_deg = (shelters.lat_deg[row] + rng.normal(0, 0.02, n)).astype(np.float32)
    lon_deg = (shelters.lon_deg[row] + rng.normal(0, 0.02, n)).astype(np.float32)
    order = np.argsort(cell_at(lat_deg, lon_deg), kind="stable")
    return lat_deg[order], lon_deg[order]


def check(shelters: Shelters, lat_deg: FloatColumn, lon_deg: FloatColumn, found: ShelterColumns) -> None:
    """Hold some of the answers against the geodesic to every site."""
    geod = Geod(ellps="WGS84")
    for row in np.linspace(0, len(lat_deg) - 1, 20).astype(int):
        here = np.full(len(shelters), lon_deg[row], dtype=float), np.full(len(shelters), lat_deg[row], dtype=float)
        _, _, distance_m = geod.inv(*here, shelters.lon_deg.copy(), shelters.lat_deg.copy())
        assert found.shelter_row[row] == np.argmin(distance_m)
        assert found.distance_m[row] == np.float32(np.min(distance_m))


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
@pytest.mark.benchmark(group="nearest")
@pytest.mark.timeout(300)
def test_nearest_shelter_of_a_population(benchmark: BenchmarkFixture, n: int) -> None:
    """The nearest of 115 402 sites for each device, checked on some against all sites."""
    shelters = country_like_japan()
    lat_deg, lon_deg = population_near(shelters, n)
    found = benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plugin leaves it untyped
        nearest, (shelters, lat_deg, lon_deg), {"hazards": ANY_HAZARD}, rounds=3, warmup_rounds=1
    )
    note(benchmark, "nearest", n, n_sites=len(shelters), seed=SEED)
    check(shelters, lat_deg, lon_deg, found)


def main(path: str, n: int = 10**6, n_rounds: int = 5) -> None:
    """Print how long a million devices take against a real list."""
    shelters = import_gsi(path).shelters
    lat_deg, lon_deg = population_near(shelters, n)
    measured = timed(lambda: nearest(shelters, lat_deg, lon_deg, hazards=ANY_HAZARD), n_rounds)
    check(shelters, lat_deg, lon_deg, measured.result)
    print(f"{n} devices, {len(shelters)} sites: {measured}; {where()}")


if __name__ == "__main__":
    main(sys.argv[1])
