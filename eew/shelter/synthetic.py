"""A made-up catalogue around the places where people live, so that everything runs without an official list."""

import numpy as np
import numpy.typing as npt

from eew.model.records import Hazard, Shelters

__all__ = ["synthetic_shelters"]

#: Standard deviation of the shelters of a place of 1 000 people from its centre, north and east, km.
SPREAD_KM = 0.5
#: With a half the area would grow with the people; larger towns are denser.
SPREAD_EXPONENT = 0.4
KM_PER_DEG = 111.2
#: About 10 m: nothing real is that well known, and it packs well.
DECIMALS = 4


def synthetic_shelters(
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    population: npt.ArrayLike,
    *,
    seed: int,
    people_per_shelter: int = 20_000,
    max_per_place: int = 60,
    tsunami_share: float = 0.4,
) -> Shelters:
    """Make shelters around places, more around large ones; none of them is real.

    Parameters
    ----------
    lat_deg, lon_deg
        Shape ``(n,)``, degrees: the centres of the places.
    population
        Shape ``(n,)``: how many people live there.
    seed
        The same seed makes the same shelters.
    people_per_shelter
        A place has one shelter for each so many people begun, up to ``max_per_place``.
    max_per_place
        See above.
    tsunami_share
        Share of the shelters that is marked for tsunamis, too: drawn by lot, since no coastline is known here.

    Returns
    -------
    shelters
        All are marked for earthquakes, ``is_synthetic`` is set, and each name says it.

    Notes
    -----
    Normally distributed around the centre: some 8 km wide for a million people, 20 km for ten millions. The figures are
    guesses that look like towns.
    """
    rng = np.random.default_rng(seed)
    people = np.maximum(np.asarray(population, dtype=np.float64), 1)
    n_each = np.clip(np.ceil(people / people_per_shelter), 1, max_per_place).astype(np.intp)
    place_row = np.repeat(np.arange(len(n_each)), n_each)
    n = len(place_row)
    centre_lat = np.asarray(lat_deg, dtype=np.float64)[place_row]
    centre_lon = np.asarray(lon_deg, dtype=np.float64)[place_row]
    spread_deg = SPREAD_KM / KM_PER_DEG * (np.maximum(people[place_row], 1000) / 1000) ** SPREAD_EXPONENT
    north, east = rng.standard_normal((2, n)) * spread_deg
    # The poles have no shelters; one degree keeps the meridians apart.
    lat = np.clip(centre_lat + north, -89, 89)
    lon = (centre_lon + east / np.cos(np.radians(lat)) + 180) % 360 - 180
    hazards = np.full(n, Hazard.EARTHQUAKE, dtype=np.uint8)
    hazards[rng.random(n) < tsunami_share] |= np.uint8(Hazard.TSUNAMI)
    columns = np.round(lat, DECIMALS), np.round(lon, DECIMALS), hazards, np.full(n, np.nan, dtype=np.float32)
    for column in columns:
        column.flags.writeable = False
    return Shelters(
        id=tuple(f"demo-{number:05d}" for number in range(1, n + 1)),
        name=tuple(f"Synthetic shelter {number:05d} (demo)" for number in range(1, n + 1)),
        lat_deg=columns[0],
        lon_deg=columns[1],
        hazards=columns[2],
        capacity=columns[3],
        title="Synthetic demo shelters: made up, not real places",
        licence="Apache-2.0; places and populations behind it: GeoNames, CC BY 4.0",
        is_synthetic=True,
    )
