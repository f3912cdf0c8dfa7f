"""Which towns lie where a population lives."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eew.model.errors import DeviceDataError
from eew.model.region_name import Region
from eew.physics.geodesy import ecef_km, epicentral_km

__all__ = ["Towns", "neighbour_bearings", "region_towns"]

PLACES_FILE = Path(__file__).parent / "places" / "places.npz"


@dataclass(frozen=True, slots=True)
class Towns:
    """Towns and how many people live in each, nobody counted twice; columns have shape ``(n,)``."""

    lat_deg: npt.NDArray[np.float64]
    lon_deg: npt.NDArray[np.float64]
    population: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """How many towns."""
        return len(self.population)


def region_towns(region: Region) -> Towns:
    """Return the towns inside a region that have anyone left to count; may be empty for a disc."""
    towns, province = _all_towns()
    if region.disc is not None:
        away_km = epicentral_km(region.disc.lat_deg, region.disc.lon_deg, towns.lat_deg, towns.lon_deg)
        is_inside = away_km <= region.disc.radius_km
    else:
        code = (region.code or "").encode()
        is_inside = (province == code) | np.char.startswith(province, code + b".")
    is_inside &= towns.population > 0
    return Towns(towns.lat_deg[is_inside], towns.lon_deg[is_inside], towns.population[is_inside])


def neighbour_bearings(towns: Towns, n_neighbours: int) -> npt.NDArray[np.float32]:
    """Return the directions from each town to its nearest towns anywhere, radians clockwise from north.

    Returns
    -------
    bearings
        Shape ``(len(towns), n_neighbours)``.
    """
    # Takes 0.3 s to import, and only who makes a population needs it.
    from scipy.spatial import cKDTree

    everywhere, _ = _all_towns()
    tree = cKDTree(ecef_km(everywhere.lat_deg, everywhere.lon_deg).T)
    _, near_row = tree.query(ecef_km(towns.lat_deg, towns.lon_deg).T, n_neighbours + 1)
    # The nearest of all is the town itself.
    row = np.asarray(near_row)[:, 1:]
    lat, lon = np.radians(towns.lat_deg)[:, None], np.radians(towns.lon_deg)[:, None]
    near_lat, near_lon = np.radians(everywhere.lat_deg)[row], np.radians(everywhere.lon_deg)[row]
    north = np.cos(lat) * np.sin(near_lat) - np.sin(lat) * np.cos(near_lat) * np.cos(near_lon - lon)
    bearings: npt.NDArray[np.float64] = np.arctan2(np.sin(near_lon - lon) * np.cos(near_lat), north)
    return bearings.astype(np.float32)


@cache
def _all_towns() -> tuple[Towns, npt.NDArray[np.bytes_]]:
    """Return every town of ``places.npz`` and the province of each."""
    try:
        with np.load(PLACES_FILE, allow_pickle=False) as columns:
            towns = Towns(
                lat_deg=columns["lat_deg"].astype(np.float64),
                lon_deg=columns["lon_deg"].astype(np.float64),
                population=columns["population"].astype(np.float64),
            )
            return towns, columns["provinces"][columns["province_row"]]
    except (OSError, ValueError, KeyError) as error:
        raise DeviceDataError("the towns that come with eew; install it again", file=PLACES_FILE) from error
