"""Where the devices (or cells) are, in blocks that can be ruled out whole."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.model.records import Cells, FloatColumn, RowColumn
from eew.physics import cells
from eew.physics.geodesy import chord_km, ecef_km

__all__ = ["Targets", "farthest_point_deg", "nearest_point_deg"]

#: Small enough that a town's block is a town's size, large enough that ten million devices are a few thousand blocks.
BLOCK_ROWS = 2048
#: Of single precision at the Earth's radius, km: added to every block's radius.
ROUNDING_KM = 0.002
#: How many times as many rows are looked at first to find the nearest of them.
_TIMES_AS_MANY = 4


@dataclass(frozen=True, slots=True)
class Targets:
    """Points on the ellipsoid in Morton order, with the sphere around each block of ``BLOCK_ROWS`` of them."""

    #: Shape ``(3, n)``, Earth-centred.
    coordinates_km: FloatColumn
    #: Shape ``(3, n_blocks)`` and ``(n_blocks,)``.
    block_centre_km: npt.NDArray[np.float64]
    block_radius_km: npt.NDArray[np.float64]

    @classmethod
    def of(cls, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> "Targets":
        """Return the targets at these places, degrees, shape ``(n,)``, neighbours next to each other."""
        lat, lon = np.asarray(lat_deg), np.asarray(lon_deg)
        coordinates_km = np.empty((3, len(lat)), dtype=np.float32)
        n_blocks = -(-len(lat) // BLOCK_ROWS)
        centre_km, radius_km = np.empty((3, n_blocks)), np.empty(n_blocks)
        for block in range(n_blocks):
            rows = slice(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)
            points_km = ecef_km(lat[rows], lon[rows])
            coordinates_km[:, rows] = points_km
            centre = (points_km.min(axis=1) + points_km.max(axis=1)) / 2
            centre_km[:, block] = centre
            radius_km[block] = np.sqrt(((points_km - centre[:, None]) ** 2).sum(axis=0).max()) + ROUNDING_KM
        for column in (coordinates_km, centre_km, radius_km):
            column.setflags(write=False)
        return cls(coordinates_km, centre_km, radius_km)

    def __len__(self) -> int:
        """How many points."""
        return int(self.coordinates_km.shape[1])

    def rows_within(self, source_km: npt.NDArray[np.floating], chord_km: float) -> list[slice]:
        """Return runs of rows outside which no point lies within ``chord_km`` of the source, shape ``(3,)``."""
        to_centre_km = np.sqrt(((self.block_centre_km - np.asarray(source_km)[:, None]) ** 2).sum(axis=0))
        is_near = to_centre_km - self.block_radius_km <= chord_km
        edge = np.flatnonzero(np.diff(np.concatenate(([False], is_near, [False]))))
        return [slice(int(a) * BLOCK_ROWS, min(int(b) * BLOCK_ROWS, len(self))) for a, b in edge.reshape(-1, 2)]

    def rows_beyond(self, source_km: npt.NDArray[np.floating], from_km: float, n_most: int) -> RowColumn:
        """Return the rows of those next to a sphere around the source, shape ``(3,)``, on its outside; ascending.

        Parameters
        ----------
        source_km
            Its centre.
        from_km
            Its radius.
        n_most
            How many, at the most; at least half of them, where there are so many.
        """
        to_centre_km = np.sqrt(((self.block_centre_km - np.asarray(source_km)[:, None]) ** 2).sum(axis=0))
        least_km = to_centre_km - self.block_radius_km
        by_least = np.argsort(least_km)
        by_least = by_least[(to_centre_km + self.block_radius_km)[by_least] >= from_km]
        n_blocks = -(-n_most // BLOCK_ROWS)
        while True:
            block, left = np.split(by_least, [_TIMES_AS_MANY * n_blocks])
            row = (np.sort(block)[:, None] * BLOCK_ROWS + np.arange(BLOCK_ROWS)).ravel()
            row = row[row < len(self)]
            to_km = chord_km(self.coordinates_km[:, row], np.asarray(source_km))
            # Blocks overlap: nearer than the next block is no row that was not looked at.
            is_next = (to_km >= from_km - ROUNDING_KM) & (to_km < (least_km[left[0]] if len(left) else np.inf))
            n_next = np.count_nonzero(is_next)
            if n_next > n_most:
                is_next &= to_km < np.partition(to_km[is_next], n_most)[n_most]
            if 2 * n_next >= n_most or not len(left):
                return row[is_next].astype(np.int32)
            n_blocks *= 2


def nearest_point_deg(
    table: Cells, lat_deg: float, lon_deg: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return latitude and longitude of the point of each cell that is nearest to a source, shape ``(n,)``.

    Notes
    -----
    The source's own latitude and longitude, cut to the cell's edges. A meridian is not the shortest way to the side
    of a cell far to the east or west, so the latitude is moved to the one the great circle meets the edge at its
    nearest: tan φ = tan φ₀ / cos Δλ.
    """
    edges = cells.bounds(table.cell, table.level)
    middle_deg = (edges.west_deg + edges.east_deg) / 2
    # The source's longitude, seen from the side of the map on which the cell lies.
    source_lon = middle_deg + (lon_deg - middle_deg + 180) % 360 - 180
    lon = np.clip(source_lon, edges.west_deg, edges.east_deg)
    apart = np.radians(np.clip(np.abs(source_lon - lon), 0, 89))
    lat = np.degrees(np.arctan(np.tan(np.radians(lat_deg)) / np.cos(apart)))
    return np.clip(lat, edges.south_deg, edges.north_deg), lon


def farthest_point_deg(
    table: Cells, lat_deg: float, lon_deg: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return latitude and longitude of the corner of each cell that is farthest from a source, shape ``(n,)``."""
    edges = cells.bounds(table.cell, table.level)
    lat = np.stack((edges.south_deg, edges.south_deg, edges.north_deg, edges.north_deg))
    lon = np.stack((edges.west_deg, edges.east_deg, edges.west_deg, edges.east_deg))
    corner = chord_km(ecef_km(lat, lon), ecef_km(lat_deg, lon_deg)).argmax(axis=0)
    column = np.arange(len(table))
    return lat[corner, column], lon[corner, column]
