"""Travel times of the first P and S waves to one place: the tables that ``estimate.traveltime`` describes, by number.

The shipped files are read with the standard library: a device needs no numpy.
"""

import ast
import struct
import sys
import threading
import zipfile
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import add
from pathlib import Path
from typing import Final, Protocol, Self

from eew.model.errors import TravelTimeError
from eew.physics.arithmetic import NUMBERS, Arithmetic, NumberT
from eew.physics.earth import ray_km

__all__ = [
    "CONSTANT_MAX_DEPTH_KM",
    "CONSTANT_MAX_DISTANCE_KM",
    "CONSTANT_SPEEDS_KM_S",
    "MODEL_RADIUS_KM",
    "RESOLUTION_S",
    "SHIPPED_NAMES",
    "TABLES",
    "Rows",
    "TravelTimes",
    "interpolated",
    "straight_km",
    "travel_times",
]

#: Radius of the sphere that ak135 and iasp91 are given on, km [KEB95].
MODEL_RADIUS_KM: Final = 6371.0

TABLES: Final = Path(__file__).parent / "tables"
SHIPPED_NAMES: Final = ("ak135", "iasp91")
#: P and S speed, km/s, that other clients take everywhere: EEWD, USGS eew-analyze, and a common rule of thumb.
CONSTANT_SPEEDS_KM_S: Final = {
    "constant-5.5-3.3": (5.5, 3.3),
    "constant-6.1-3.5": (6.1, 3.5),
    "constant-6.0-3.5": (6.0, 3.5),
}
CONSTANT_MAX_DISTANCE_KM: Final = 3000.0
CONSTANT_MAX_DEPTH_KM: Final = 700.0
#: What a residual is rounded to in a file, s: far finer than a table is right.
RESOLUTION_S: Final = 2.0**-12


def straight_km(arithmetic: Arithmetic[NumberT], epicentral_km: NumberT, depth_km: NumberT) -> NumberT:
    """Return the straight way from foci to surface points at these arcs, on the models' sphere; km."""
    return ray_km(arithmetic, epicentral_km, depth_km, MODEL_RADIUS_KM)


def interpolated(
    upper: tuple[NumberT, NumberT], lower: tuple[NumberT, NumberT], right: NumberT, below: NumberT
) -> NumberT:
    """Return a residual between four nodes, ``right`` and ``below`` the shares of the way to the next, 0 to 1."""
    above_s = upper[0] * (1 - right) + upper[1] * right
    below_s = lower[0] * (1 - right) + lower[1] * right
    return above_s * (1 - below) + below_s * below


class Rows(Protocol):
    """A row a depth, a number a distance."""

    def __getitem__(self, row: int, /) -> Sequence[float]: ...


@dataclass(frozen=True, slots=True, eq=False)
class TravelTimes:
    """First arriving P and S at one place by epicentral distance and depth of the focus."""

    name: str
    #: Nodes, ascending from 0.
    distance_km: Sequence[float]
    depth_km: Sequence[float]
    #: Squares of the distances, in which residuals are interpolated.
    distance2_km2: Sequence[float]
    #: Travel time less that of the straight ray, a row a depth, s.
    p_residual_s: Rows
    s_residual_s: Rows
    #: Of the straight ray.
    p_speed_km_s: float
    s_speed_km_s: float

    @classmethod
    def of(
        cls,
        name: str,
        distance_km: Sequence[float],
        depth_km: Sequence[float],
        p_residual_s: Rows,
        s_residual_s: Rows,
        speeds_km_s: tuple[float, float],
    ) -> Self:
        """Return a table of residuals at nodes."""
        distance2 = array("d", (each**2 for each in distance_km))
        return cls(name, distance_km, depth_km, distance2, p_residual_s, s_residual_s, *speeds_km_s)

    @property
    def max_distance_km(self) -> float:
        """The greatest epicentral distance of the table."""
        return self.distance_km[-1]

    @property
    def max_depth_km(self) -> float:
        """The greatest depth of the table."""
        return self.depth_km[-1]

    def at(self, epicentral_km: float, depth_km: float) -> tuple[float, float]:
        """Return when P and S arrive, s after origin time; both numbers must lie inside the table."""
        ray = straight_km(NUMBERS, epicentral_km, depth_km)
        column, right = _cell(self.distance2_km2, epicentral_km**2)
        row, below = _cell(self.depth_km, depth_km)

        def arrival_s(residual_s: Rows, speed_km_s: float) -> float:
            upper, lower = residual_s[row], residual_s[row + 1]
            return ray / speed_km_s + interpolated(
                (upper[column], upper[column + 1]), (lower[column], lower[column + 1]), right, below
            )

        return arrival_s(self.p_residual_s, self.p_speed_km_s), arrival_s(self.s_residual_s, self.s_speed_km_s)


@lru_cache(maxsize=8)
def travel_times(name_or_path: str) -> TravelTimes:
    """Return a table: a shipped name, constant speeds, or an ``.npz`` file as ``TravelTimeTable.save`` writes it.

    Raises
    ------
    TravelTimeError
        If it is none of these, or the file is not usable.
    """
    if name_or_path in CONSTANT_SPEEDS_KM_S:
        none = array("f", (0.0, 0.0))
        return TravelTimes.of(
            name_or_path,
            (0.0, CONSTANT_MAX_DISTANCE_KM),
            (0.0, CONSTANT_MAX_DEPTH_KM),
            (none, none),
            (none, none),
            CONSTANT_SPEEDS_KM_S[name_or_path],
        )
    path = TABLES / f"{name_or_path}.npz" if name_or_path in SHIPPED_NAMES else Path(name_or_path)
    if path.suffix != ".npz" or not path.is_file():
        known = ", ".join((*SHIPPED_NAMES, *CONSTANT_SPEEDS_KM_S))
        raise TravelTimeError(f"one of {known}, or an .npz file", field="travel_times", value=name_or_path)
    try:
        with zipfile.ZipFile(path) as file:
            members = {
                name: _column(file.read(f"{name}.npy"), code)
                for name, code in (
                    ("distance_km", "d"),
                    ("depth_km", "d"),
                    ("speed_km_s", "d"),
                    ("p_residual_steps", "i"),
                    ("s_residual_steps", "i"),
                )
            }
    except (OSError, ValueError, KeyError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error) as error:
        raise TravelTimeError("a table written by eew/physics/tables/build.py", file=path) from error
    distance_km, depth_km = members["distance_km"], members["depth_km"]
    for name, nodes in (("distance_km", distance_km), ("depth_km", depth_km)):
        if len(nodes) < 2 or nodes[0] != 0 or not all(a < b for a, b in pairwise(nodes)):
            raise TravelTimeError("two or more nodes, ascending from 0", file=path, field=name)
    n_nodes = len(depth_km) * len(distance_km)
    steps = members["p_residual_steps"], members["s_residual_steps"]
    if any(len(each) != n_nodes for each in steps) or len(members["speed_km_s"]) != 2:
        raise TravelTimeError(f"{n_nodes} residuals a wave and two speeds", file=path)
    p_speed_km_s, s_speed_km_s = members["speed_km_s"]
    if not min(p_speed_km_s, s_speed_km_s) > 0:
        raise TravelTimeError("two positive speeds, P and S", file=path, field="speed_km_s")
    p_residual_s, s_residual_s = (_Summed(each, len(distance_km)) for each in steps)
    return TravelTimes.of(path.stem, distance_km, depth_km, p_residual_s, s_residual_s, (p_speed_km_s, s_speed_km_s))


def _cell(nodes: Sequence[float], at: float) -> tuple[int, float]:
    """Return the index of the node before a value and how far on to the next it lies, 0 to 1."""
    before = min(max(bisect_right(nodes, at) - 1, 0), len(nodes) - 2)
    return before, (at - nodes[before]) / (nodes[before + 1] - nodes[before])


def _column(npy: bytes, code: str) -> "array[float]":
    """Return the numbers of an ``.npy`` file, row by row; raises ``ValueError`` for other numbers than asked for."""
    if npy[:6] != b"\x93NUMPY":
        raise ValueError("no .npy file")
    major = npy[6]
    length, start = (struct.unpack("<H", npy[8:10])[0], 10) if major == 1 else (struct.unpack("<I", npy[8:12])[0], 12)
    head = ast.literal_eval(npy[start : start + length].decode("latin-1"))
    column: array[float] = array(code)
    if (
        head["descr"] != ("<f8" if code == "d" else "<i4")
        or head["fortran_order"]
        or column.itemsize != int(head["descr"][2])
    ):
        raise ValueError(f"other numbers than {code!r}: {head!r}")
    column.frombytes(npy[start + length :])
    if sys.byteorder == "big":
        column.byteswap()
    return column


class _Summed:
    """The residuals of which these are the steps, a row a depth, s.

    A row is the sum of its own steps and of all rows above. Adding up everything takes a twentieth of a second, which
    whoever starts a client would wait for: rows are added up as far down as somebody asks.
    """

    def __init__(self, steps: "array[float]", n_distance: int) -> None:
        self._steps = steps
        self._n_distance = n_distance
        self._counts: Sequence[float] = [0] * n_distance
        self._rows: list[array[float]] = []
        self._growing = threading.Lock()

    def __getitem__(self, row: int) -> "array[float]":
        if row >= len(self._rows):
            self._grow(row + 1)
        return self._rows[row]

    def _grow(self, n_rows: int) -> None:
        with self._growing:
            while len(self._rows) < n_rows:
                first = len(self._rows) * self._n_distance
                self._counts = list(map(add, self._counts, accumulate(self._steps[first : first + self._n_distance])))
                self._rows.append(array("f", [count * RESOLUTION_S for count in self._counts]))
