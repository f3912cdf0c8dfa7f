"""The nearest shelters of each device, exactly as a search over every geodesic would find them.

A k-d tree over Earth-centred coordinates finds what is near by straight chord; the geodesic is then measured to the
few sites that can still be nearest. Two shelters at almost the same distance may change places between chord and
geodesic, so the tree is asked for one site more than wanted, and again for more where the answer is too close to call.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from pyproj import Geod
from scipy.spatial import cKDTree

from eew.model.records import Hazard, ShelterColumns, Shelters
from eew.physics.geodesy import FLATTENING, SEMI_MAJOR_KM, ecef_km

__all__ = ["nearest", "nearest_k"]

_Degrees = npt.NDArray[np.floating]
_Float64 = npt.NDArray[np.float64]
_Index = npt.NDArray[np.intp]

#: Devices a thread takes at once: their coordinates and candidates stay in the cache.
CHUNK_ROWS = 1 << 15
#: Candidates measured at once, so that many sites in one spot do not fill the memory.
MAX_CANDIDATES = 1 << 20
#: Smallest radius of curvature of the ellipsoid, b²/a (along the meridian at the equator), km.
LEAST_CURVATURE_RADIUS_KM = SEMI_MAJOR_KM * (1 - FLATTENING) ** 2
#: Above the greatest one, a²/b = 6 399.6 km at the poles, with room for the little twist of a geodesic.
MOST_CURVATURE_RADIUS_KM = 6410.0
#: Rounding of coordinates in the tree, km.
ROUNDING_KM = 1e-6


def nearest(
    shelters: Shelters, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, hazards: int = Hazard.EARTHQUAKE
) -> ShelterColumns:
    """Return the nearest shelter of each device.

    Parameters
    ----------
    shelters
        The catalogue.
    lat_deg, lon_deg
        Shape ``(n,)``, geodetic degrees on WGS 84. Not changed. Any order will do; Morton order is fastest.
    hazards
        Bits of ``Hazard``; a shelter counts only if it is marked for all of them.

    Returns
    -------
    columns
        Shape ``(n,)``: row in the catalogue (of several at the same distance the first), geodesic distance in metres,
        bearing from the device to the shelter. Where no shelter counts: −1, NaN and 0.

    References
    ----------
    [KAR13] for the geodesic, by way of pyproj.
    """
    columns = nearest_k(shelters, lat_deg, lon_deg, 1, hazards=hazards)
    return ShelterColumns(columns.shelter_row[:, 0], columns.distance_m[:, 0], columns.bearing_deg[:, 0])


def nearest_k(
    shelters: Shelters, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, k: int, *, hazards: int = Hazard.EARTHQUAKE
) -> ShelterColumns:
    """Return the ``k`` nearest shelters of each device, nearest first.

    Parameters
    ----------
    shelters, lat_deg, lon_deg, hazards
        As for ``nearest``.
    k
        How many, at least 1.

    Returns
    -------
    columns
        As for ``nearest``, but of shape ``(n, k)``; the last columns are −1, NaN and 0 where fewer than ``k`` count.

    Notes
    -----
    A geodesic of length s bends at least like a circle of radius 6 410 km and at most like one of 6 335 km. By Schur's
    theorem a chord c therefore belongs to no geodesic longer than that of the smaller circle, and a chord beyond
    ``_reach_km(c)`` to none shorter: what lies beyond cannot be nearer.
    """
    lat, lon = np.asarray(lat_deg), np.asarray(lon_deg)
    shelter_row = np.full((lat.size, k), -1, dtype=np.int32)
    distance_m = np.full((lat.size, k), np.nan, dtype=np.float32)
    bearing_deg = np.zeros((lat.size, k), dtype=np.uint16)
    row = np.flatnonzero((shelters.hazards & hazards) == hazards)
    if row.size:
        sites = _Sites(row, shelters.lat_deg[row], shelters.lon_deg[row])
        chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, lat.size, CHUNK_ROWS)]
        fill = partial(_fill, sites, lat, lon, ShelterColumns(shelter_row, distance_m, bearing_deg))
        # The tree and the geodesic both run without the interpreter's lock.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, chunks))
    for column in (shelter_row, distance_m, bearing_deg):
        column.flags.writeable = False
    return ShelterColumns(shelter_row, distance_m, bearing_deg)


class _Sites:
    """The shelters that count, in a tree."""

    def __init__(self, row: _Index, lat_deg: _Float64, lon_deg: _Float64) -> None:
        self.row = row
        self.lat_deg = lat_deg
        self.lon_deg = lon_deg
        self.tree = cKDTree(ecef_km(lat_deg, lon_deg).T)
        self.geod = Geod(ellps="WGS84")

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some devices and the place their answer goes to."""

    lat_deg: _Float64
    lon_deg: _Float64
    answer: ShelterColumns


def _fill(sites: _Sites, lat_deg: _Degrees, lon_deg: _Degrees, answer: ShelterColumns, rows: slice) -> None:
    """Answer one chunk of devices, in place."""
    chunk = _Chunk(
        np.ascontiguousarray(lat_deg[rows], dtype=np.float64),
        np.ascontiguousarray(lon_deg[rows], dtype=np.float64),
        ShelterColumns(answer.shelter_row[rows], answer.distance_m[rows], answer.bearing_deg[rows]),
    )
    points_km = ecef_km(chunk.lat_deg, chunk.lon_deg).T
    n_wanted = min(answer.shelter_row.shape[1], len(sites))
    n_asked = n_wanted + 1
    open_row = np.arange(len(points_km))
    while open_row.size:
        n_asked = min(n_asked, len(sites))
        still_open = []
        for part in np.array_split(open_row, -(-open_row.size * n_asked // MAX_CANDIDATES)):
            chord, candidate = sites.tree.query(points_km[part], k=n_asked)
            chord = np.reshape(chord, (len(part), n_asked))
            candidate = np.reshape(candidate, (len(part), n_asked))
            if n_asked == len(sites):
                _settle(sites, chunk, part, candidate)
                continue
            is_settled = chord[:, -1] > _reach_km(chord[:, n_wanted - 1])
            _settle(sites, chunk, part[is_settled], candidate[is_settled, :-1])
            still_open.append(part[~is_settled])
        open_row = np.concatenate(still_open) if still_open else open_row[:0]
        n_asked *= 4


def _reach_km(chord_km: _Float64) -> _Float64:
    """Return the chord beyond which no geodesic is as short as the one over ``chord_km`` may be."""
    least = 2 * LEAST_CURVATURE_RADIUS_KM
    most = 2 * MOST_CURVATURE_RADIUS_KM
    longest_km = least * np.arcsin(np.minimum(chord_km / least, 1))
    reach: _Float64 = most * np.sin(longest_km / most) + ROUNDING_KM
    return reach


def _settle(sites: _Sites, chunk: _Chunk, device_row: _Index, candidate: _Index) -> None:
    """Measure the candidates, shape ``(m, c)``, of ``m`` devices and keep the nearest."""
    if not device_row.size:
        return
    shape = candidate.shape
    azimuth, _, metres = sites.geod.inv(
        np.repeat(chunk.lon_deg[device_row], shape[1]),
        np.repeat(chunk.lat_deg[device_row], shape[1]),
        sites.lon_deg[candidate.ravel()],
        sites.lat_deg[candidate.ravel()],
    )
    distance = np.reshape(metres, shape)
    # pyproj gives 180 for a way of no length.
    bearing = np.where(distance == 0, 0, np.rint(np.reshape(azimuth, shape)) % 360)
    shelter_row = sites.row[candidate]
    answer = chunk.answer
    n_kept = min(answer.shelter_row.shape[1], shape[1])
    if shape[1] > 1:
        order = np.lexsort((shelter_row, distance))[:, :n_kept]
        shelter_row, distance, bearing = (
            np.take_along_axis(column, order, axis=1) for column in (shelter_row, distance, bearing)
        )
    answer.shelter_row[device_row, :n_kept] = shelter_row
    answer.distance_m[device_row, :n_kept] = distance
    answer.bearing_deg[device_row, :n_kept] = bearing
