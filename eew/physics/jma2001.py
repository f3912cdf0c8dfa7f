"""Reader of JMA's travel-time table: the agency's own layout, or the same four numbers as csv.

P    0.416 S    0.703   0      2        P s, S s, depth km, distance km
0.416,0.703,0,2                         the same as csv
"""

import math
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eew.model.errors import TravelTimeError

__all__ = ["JmaGrid", "read_jma2001"]

FIELDS: Final = ("p_travel_s", "s_travel_s", "depth_km", "distance_km")
LAYOUT: Final = '"P <s> S <s> <depth km> <distance km>" or "<P s>,<S s>,<depth km>,<distance km>"'


class JmaGrid(NamedTuple):
    """Travel times at the nodes of a grid."""

    #: Shape ``(n_distance,)`` and ``(n_depth,)``, km, ascending from 0, steps as in the file.
    distance_km: npt.NDArray[np.float64]
    depth_km: npt.NDArray[np.float64]
    #: Shape ``(n_depth, n_distance)``, s.
    p_travel_s: npt.NDArray[np.float64]
    s_travel_s: npt.NDArray[np.float64]


def read_jma2001(path: Path) -> JmaGrid:
    """Read a table that has one line a node, in any order.

    Parameters
    ----------
    path
        tjma2001 as JMA publishes it [JMA2001], or csv; empty lines are skipped.

    Raises
    ------
    TravelTimeError
        If the file cannot be read, a line is not in either layout, a number is not finite or negative, S comes
        before P, a node comes twice or is missing, or the grid does not begin at 0 km.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise TravelTimeError("a file that can be read", file=path) from error
    line_by_node: dict[tuple[float, float], int] = {}
    rows: list[tuple[float, float, float, float]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _row(path, number, line)
        p_travel_s, s_travel_s, depth_km, distance_km = row
        if s_travel_s < p_travel_s:
            expected = f"at least the P time, {p_travel_s:g}"
            raise TravelTimeError(expected, file=path, line=number, field="s_travel_s", value=s_travel_s)
        first = line_by_node.setdefault((depth_km, distance_km), number)
        if first != number:
            node = f"depth {depth_km:g} km, distance {distance_km:g} km"
            raise TravelTimeError(
                f"each node once (first in line {first})", file=path, line=number, field="node", value=node
            )
        rows.append(row)
    return _grid(path, np.array(rows, dtype=np.float64).reshape(-1, len(FIELDS)))


def _row(path: Path, number: int, line: str) -> tuple[float, float, float, float]:
    """Return the four numbers of one line."""
    words = line.split(",") if "," in line else line.split()
    if len(words) == 6 and (words[0], words[2]) == ("P", "S"):
        words = [words[1], *words[3:]]
    if len(words) != len(FIELDS):
        raise TravelTimeError(LAYOUT, file=path, line=number, field="line", value=line)
    values = []
    for field, word in zip(FIELDS, words, strict=True):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise TravelTimeError("a number from 0", file=path, line=number, field=field, value=word.strip())
        values.append(value)
    return values[0], values[1], values[2], values[3]


def _grid(path: Path, rows: npt.NDArray[np.float64]) -> JmaGrid:
    """Return the rows, shape ``(n, 4)``, as a full grid."""
    depth_km, depth_row = np.unique(rows[:, 2], return_inverse=True)
    distance_km, distance_row = np.unique(rows[:, 3], return_inverse=True)
    for field, nodes in (("depth_km", depth_km), ("distance_km", distance_km)):
        if len(nodes) < 2 or nodes[0] != 0:
            raise TravelTimeError("two or more nodes, from 0 km on", file=path, field=field, value=nodes[:3].tolist())
    times_s = np.full((2, len(depth_km), len(distance_km)), np.nan)
    times_s[:, depth_row, distance_row] = rows[:, :2].T
    missing = np.argwhere(np.isnan(times_s[0]))
    if len(missing):
        node = f"depth {depth_km[missing[0][0]]:g} km, distance {distance_km[missing[0][1]]:g} km"
        raise TravelTimeError(f"a line for every node ({len(missing)} missing)", file=path, field="node", value=node)
    if not (times_s[:, 0, 1] > 0).all():
        expected = f"more than 0 at depth 0 km, distance {distance_km[1]:g} km"
        raise TravelTimeError(expected, file=path, field="p_travel_s", value=float(times_s[0, 0, 1]))
    return JmaGrid(distance_km, depth_km, times_s[0], times_s[1])
