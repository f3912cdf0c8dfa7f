"""Map cells: Web-Mercator quadtree cells as integers in Morton (Z) order, and as quadkey digits in topics.

A cell of level n is an integer of 2n bits; each pair of bits is one quadkey digit, the first digit highest.
So the cells inside a coarser cell are one contiguous range of integers, and of devices sorted by cell.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.physics.quadkey import DEVICE_LEVEL, MAX_LAT_DEG, quadkey

__all__ = ["DEVICE_LEVEL", "CellArray", "CellBounds", "ancestor", "bounds", "cell_at", "digits"]

CellArray = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class CellBounds:
    """The edges of cells, degrees; each column has shape ``(n,)``."""

    south_deg: npt.NDArray[np.float64]
    west_deg: npt.NDArray[np.float64]
    north_deg: npt.NDArray[np.float64]
    east_deg: npt.NDArray[np.float64]


def cell_at(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, level: int = DEVICE_LEVEL) -> CellArray:
    """Return the cell of ``level`` (1 to 16) around each point, shape of the input; poles are clamped to the edge."""
    lat = np.radians(np.clip(np.asarray(lat_deg, dtype=np.float64), -MAX_LAT_DEG, MAX_LAT_DEG))
    lon = np.asarray(lon_deg, dtype=np.float64)
    n_side = 1 << level
    x = (lon / 360 + 0.5) * n_side
    y = (0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)) * n_side
    column = np.clip(x, 0, n_side - 1).astype(np.uint32)
    line = np.clip(y, 0, n_side - 1).astype(np.uint32)
    return _spread(column) | (_spread(line) << np.uint32(1))


def ancestor(cell: CellArray, from_level: int, to_level: int) -> CellArray:
    """Return the coarser cells of ``to_level`` that hold cells of ``from_level``."""
    return cell >> np.uint32(2 * (from_level - to_level))


def bounds(cell: npt.ArrayLike, level: int) -> CellBounds:
    """Return the edges of cells of ``level``."""
    cells = np.atleast_1d(np.asarray(cell, dtype=np.uint32))
    n_side = 1 << level
    column = _gather(cells).astype(np.float64)
    line = _gather(cells >> np.uint32(1)).astype(np.float64)
    return CellBounds(
        south_deg=_latitude_deg((line + 1) / n_side),
        west_deg=column / n_side * 360 - 180,
        north_deg=_latitude_deg(line / n_side),
        east_deg=(column + 1) / n_side * 360 - 180,
    )


_FIVE_DIGITS = np.array([list(quadkey(cell, 5).encode()) for cell in range(4**5)], dtype=np.uint8)


def digits(cell: CellArray, level: int) -> npt.NDArray[np.uint8]:
    """Return the quadkey digits of cells of ``level`` as ASCII, shape ``(n, level)``."""
    padded = cell.astype(np.uint64) << np.uint64(2 * (-level % 5))
    n_words = -(-level // 5)
    shifts = (np.uint64(10 * (n_words - 1 - i)) for i in range(n_words))
    words = [_FIVE_DIGITS.take((padded >> shift).astype(np.intp) & 0x3FF, axis=0) for shift in shifts]
    return np.concatenate(words, axis=1)[:, :level]


def _latitude_deg(y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the latitude of a height on the map, 0 at the top and 1 at the bottom."""
    latitude: npt.NDArray[np.float64] = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y))))
    return latitude


def _spread(value: CellArray) -> CellArray:
    """Put a zero before each of the 16 low bits."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        value = (value | (value << np.uint32(shift))) & np.uint32(mask)
    return value


def _gather(value: CellArray) -> CellArray:
    """Take every second bit, from the lowest: the inverse of ``_spread``."""
    value = value & np.uint32(0x55555555)
    for shift, mask in ((1, 0x33333333), (2, 0x0F0F0F0F), (4, 0x00FF00FF), (8, 0x0000FFFF)):
        value = (value | (value >> np.uint32(shift))) & np.uint32(mask)
    return value
