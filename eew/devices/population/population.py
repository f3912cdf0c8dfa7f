"""Make a population: devices where people live, in Morton order of their cells.

Devices are dealt to towns by population and then strewn around each town. The density falls exponentially outwards, as
it does in cities, over a length that grows with the cube root of the population [LC20]; the factor ``SPREAD_KM`` is
ours and gives a city of a million 25 000 people per km² at its centre and half of its people within 4.2 km. There is no
coastline file: a device goes off in about the direction of one of the nearest towns, and the sea has none, so that 97 %
of Japan's devices come to lie on land.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eew.devices.population.region import Towns, neighbour_bearings, region_towns
from eew.model.errors import InputError
from eew.model.records import CodeColumn, DeviceKind, Devices
from eew.model.region_name import Disc, Region
from eew.physics.cells import cell_at
from eew.physics.geodesy import EARTH_RADIUS_KM, FloatArray, epicentral_km

__all__ = ["MAX_DEVICES", "frozen", "make", "merged"]

#: Nine digits of an id would take ten times more; the columns of so many take 2.3 GB.
MAX_DEVICES = 100_000_000
#: Length over which density falls to 1/e around a town of one inhabitant, km.
SPREAD_KM = 0.025
#: Towns that a device may go towards, and how far it strays from their direction.
N_NEIGHBOURS = 6
STRAY_RAD = np.float32(0.35)
#: No device lies farther from its town than so many lengths (1.7 % would).
MAX_LENGTHS = np.float32(6)
#: Rows worked on at once. The random numbers are drawn in this order: another size gives another population.
CHUNK = 1 << 18
KM_PER_DEG = EARTH_RADIUS_KM * np.pi / 180

Progress = Callable[[float], None]
ScalarType = TypeVar("ScalarType", bound=np.generic)


def make(
    region: Region, n_devices: int, seed: int, tv_share: float = 0.2, on_progress: Progress | None = None
) -> Devices:
    """Return a population; the same arguments give the same bytes.

    Parameters
    ----------
    region
        Where; a disc without any town is filled evenly.
    n_devices
        1 to ``MAX_DEVICES``.
    seed
        Not negative.
    tv_share
        Chance of a device to be a TV, 0 to 1; the others are phones.
    on_progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    Ids are the kind's letter and the row in nine digits, ``p000012345``. The bytes are the same on one machine and
    version of numpy; another may round a last digit differently.
    """
    _check(n_devices, seed, tv_share)
    rng = np.random.default_rng(seed)
    report = on_progress or (lambda _: None)
    towns = region_towns(region)
    lat_deg = np.empty(n_devices, dtype=np.float32)
    lon_deg = np.empty(n_devices, dtype=np.float32)
    cell = np.empty(n_devices, dtype=np.uint32)
    places = _around_towns(towns, n_devices, rng, region.disc) if len(towns) else _evenly(region.disc, n_devices, rng)
    for start, (lat, lon) in zip(range(0, n_devices, CHUNK), places, strict=True):
        chunk = slice(start, start + len(lat))
        lat_deg[chunk] = lat
        lon_deg[chunk] = _wrapped(lon)
        cell[chunk] = cell_at(lat_deg[chunk], lon_deg[chunk])
        report(0.8 * chunk.stop / n_devices)
    row = _morton_order(cell)
    report(0.9)
    # One column after the other, each let go of in its first order: all at once would take twice the memory.
    cell = cell[row]
    lat_deg = lat_deg[row]
    lon_deg = lon_deg[row]
    del row
    is_tv = rng.random(n_devices, dtype=np.float32) < tv_share
    kind: CodeColumn = np.where(is_tv, np.uint8(DeviceKind.TV), np.uint8(DeviceKind.PHONE))
    devices = Devices(
        id=frozen(_row_ids(kind)),
        lat_deg=frozen(lat_deg),
        lon_deg=frozen(lon_deg),
        cell=frozen(cell),
        kind=frozen(kind),
        region=region.name,
        seed=seed,
    )
    report(1)
    return devices


def merged(parts: Sequence[Devices], region: str) -> Devices:
    """Return populations as one, in Morton order and numbered anew, with the first one's seed.

    Parameters
    ----------
    parts
        At least one.
    region
        What the whole is called.
    """
    row = _morton_order(np.concatenate([part.cell for part in parts]))
    kind = np.concatenate([part.kind for part in parts])[row]
    return Devices(
        id=frozen(_row_ids(kind)),
        lat_deg=frozen(np.concatenate([part.lat_deg for part in parts])[row]),
        lon_deg=frozen(np.concatenate([part.lon_deg for part in parts])[row]),
        cell=frozen(np.concatenate([part.cell for part in parts])[row]),
        kind=frozen(kind),
        region=region,
        seed=parts[0].seed,
    )


def frozen(column: npt.NDArray[ScalarType]) -> npt.NDArray[ScalarType]:
    """Return the same column, read-only from here on."""
    column.flags.writeable = False
    return column


def _check(n_devices: int, seed: int, tv_share: float) -> None:
    """Raise ``InputError`` unless all numbers are in range."""
    if not 1 <= n_devices <= MAX_DEVICES:
        raise InputError(f"a whole number from 1 to {MAX_DEVICES}", field="--devices", value=n_devices)
    if seed < 0:
        raise InputError("a whole number, not negative", field="--seed", value=seed)
    if not 0 <= tv_share <= 1:
        raise InputError("a number from 0 to 1", field="--tv-share", value=tv_share)


def _around_towns(
    towns: Towns, n_devices: int, rng: np.random.Generator, disc: Disc | None
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield latitudes and longitudes of devices around towns, degrees, a chunk at a time."""
    n_by_town = rng.multinomial(n_devices, towns.population / towns.population.sum())
    town_row = np.repeat(np.arange(len(towns), dtype=np.int32), n_by_town)
    length_km = (SPREAD_KM * np.cbrt(towns.population)).astype(np.float32)
    bearings = neighbour_bearings(towns, N_NEIGHBOURS)
    for start in range(0, n_devices, CHUNK):
        town = town_row[start : start + CHUNK]
        away_km = length_km[town] * np.minimum(rng.standard_gamma(2, len(town), dtype=np.float32), MAX_LENGTHS)
        towards = rng.integers(0, N_NEIGHBOURS, len(town), dtype=np.uint8)
        bearing = bearings[town, towards] + STRAY_RAD * rng.standard_normal(len(town), dtype=np.float32)
        lat_deg, lon_deg = towns.lat_deg[town], towns.lon_deg[town]
        north_deg = away_km * np.cos(bearing) / KM_PER_DEG
        east_deg = away_km * np.sin(bearing) / (KM_PER_DEG * np.cos(np.radians(lat_deg)))
        if disc is not None:
            _pull_inside(disc, lat_deg, lon_deg, north_deg, east_deg)
        yield lat_deg + north_deg, lon_deg + east_deg


def _pull_inside(
    disc: Disc, lat_deg: FloatArray, lon_deg: FloatArray, north_deg: FloatArray, east_deg: FloatArray
) -> None:
    """Halve in place the way from the town of whoever lies outside the disc, until they lie inside."""
    row = np.arange(len(lat_deg))
    for _ in range(10):
        lat, lon = lat_deg[row] + north_deg[row], lon_deg[row] + east_deg[row]
        row = row[epicentral_km(disc.lat_deg, disc.lon_deg, lat, lon) > disc.radius_km]
        north_deg[row] /= 2
        east_deg[row] /= 2


def _evenly(disc: Disc | None, n_devices: int, rng: np.random.Generator) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield latitudes and longitudes of devices strewn evenly over a disc, degrees, a chunk at a time."""
    if disc is None:
        raise InputError("a region with towns in it", field="--region")
    lat, lon = np.radians(disc.lat_deg), np.radians(disc.lon_deg)
    for start in range(0, n_devices, CHUNK):
        n_rows = min(CHUNK, n_devices - start)
        # Even on the sphere: the area of a cap grows with the square of its chord.
        half_chord = np.sqrt(rng.random(n_rows)) * np.sin(disc.radius_km / (2 * EARTH_RADIUS_KM))
        arc = 2 * np.arcsin(half_chord)
        bearing = rng.random(n_rows) * (2 * np.pi)
        sin_lat = np.sin(lat) * np.cos(arc) + np.cos(lat) * np.sin(arc) * np.cos(bearing)
        east = np.arctan2(np.sin(bearing) * np.sin(arc) * np.cos(lat), np.cos(arc) - np.sin(lat) * sin_lat)
        yield np.degrees(np.arcsin(np.clip(sin_lat, -1, 1))), np.degrees(lon + east)


def _wrapped(lon_deg: FloatArray) -> FloatArray:
    """Return longitudes within −180 and 180."""
    wrapped: FloatArray = (lon_deg + 180) % 360 - 180
    return wrapped


def _morton_order(cell: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return the rows in ascending order of cell, and of row inside a cell."""
    # Cell and row in one integer: sorting plain integers is several times faster than a stable argsort.
    key = cell.astype(np.uint64)
    key <<= np.uint64(32)
    key |= np.arange(len(cell), dtype=np.uint64)
    key.sort()
    return key.astype(np.uint32)


def _row_ids(kind: CodeColumn) -> npt.NDArray[np.bytes_]:
    """Return ids of a letter for the kind and nine digits for the row."""
    text = np.empty((len(kind), 10), dtype=np.uint8)
    text[:, 0] = np.where(kind == DeviceKind.TV, np.uint8(ord("t")), np.uint8(ord("p")))
    for first in range(0, len(kind), CHUNK):
        rest = np.arange(first, min(first + CHUNK, len(kind)), dtype=np.uint32)
        for place in range(9, 0, -1):
            rest, digit = np.divmod(rest, np.uint32(10))
            text[first : first + CHUNK, place] = digit + ord("0")
    return text.view("S10").ravel()
