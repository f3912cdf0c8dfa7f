"""Cells of the map by their digits, one at a time: each digit names a quarter of what the digits before it name.

``cells`` has the same for a million at once. Free of numpy, so that a device finds its own cell.
"""

import math

__all__ = ["DEVICE_LEVEL", "MAX_LAT_DEG", "from_quadkey", "quadkey", "quadkey_at"]

#: Devices are sorted by the cells of this level: about 1 km wide at the equator.
DEVICE_LEVEL = 15
#: Where Web Mercator ends [OSM].
MAX_LAT_DEG = 85.05112877980659


def quadkey(cell: int, level: int) -> str:
    """Return the digits of one cell, ``level`` of them."""
    return "".join(str(cell >> 2 * (level - 1 - i) & 3) for i in range(level))


def from_quadkey(digits: str) -> int:
    """Return the cell that these digits name; its level is their number."""
    return int(digits, 4)


def quadkey_at(lat_deg: float, lon_deg: float, level: int) -> str:
    """Return the digits of the cell of ``level`` around a point; poles are clamped to the edge.

    References
    ----------
    [OSM] for the tile, [BING] for its digits.
    """
    lat = math.radians(min(max(lat_deg, -MAX_LAT_DEG), MAX_LAT_DEG))
    n_side = 1 << level
    column = _inside((lon_deg / 360 + 0.5) * n_side, n_side)
    line = _inside((0.5 - math.asinh(math.tan(lat)) / (2 * math.pi)) * n_side, n_side)
    return "".join(str((column >> bit & 1) + 2 * (line >> bit & 1)) for bit in reversed(range(level)))


def _inside(position: float, n_side: int) -> int:
    return min(max(int(position), 0), n_side - 1)
