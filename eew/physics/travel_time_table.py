"""Travel times of the first P and S waves from a focus to the surface.

A table keeps what is left of a travel time after the straight ray at the uppermost layer's speed is taken away:

    travel time = straight distance / surface speed + residual(distance², depth)

Near the source the straight ray carries all the curvature, so a coarse grid of residuals is exact there. Residuals are
interpolated linearly in distance² and depth: a travel time is even in distance, hence smooth in its square, and so
arrivals never fall with distance between two nodes. All distances are arcs on the models' own sphere.
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeVar

import numpy as np
import numpy.typing as npt

from eew.model.errors import ModelRangeError, TravelTimeError
from eew.model.records import FloatColumn
from eew.physics.columns import COLUMNS, FloatArray
from eew.physics.jma2001 import read_jma2001
from eew.physics.travel_time_at_place import (
    CONSTANT_MAX_DEPTH_KM,
    CONSTANT_MAX_DISTANCE_KM,
    CONSTANT_SPEEDS_KM_S,
    MODEL_RADIUS_KM,
    RESOLUTION_S,
    SHIPPED_NAMES,
    TABLES,
    TravelTimes,
    interpolated,
    straight_km,
)

__all__ = ["MODEL_RADIUS_KM", "SHIPPED_NAMES", "TABLES", "TRAVEL_TIME_NAMES", "TravelTimeTable"]

Float64Array = npt.NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

#: Reports put a focus up to this far above sea level (volcanoes); the models begin at 0, km.
MAX_HEIGHT_KM: Final = 10.0

#: What ``TravelTimeTable.load`` knows without a file.
TRAVEL_TIME_NAMES: Final = (*SHIPPED_NAMES, *CONSTANT_SPEEDS_KM_S)


@dataclass(frozen=True, slots=True, eq=False)
class TravelTimeTable:
    """First arriving P and S by epicentral distance and depth of the focus, receivers at the surface."""

    name: str
    #: Nodes, shape ``(n_distance,)`` and ``(n_depth,)``, ascending from 0.
    distance_km: Float64Array
    depth_km: Float64Array
    #: Travel time less that of the straight ray, shape ``(n_depth, n_distance)``.
    p_residual_s: FloatColumn
    s_residual_s: FloatColumn
    #: Of the straight ray.
    p_speed_km_s: float
    s_speed_km_s: float

    @property
    def max_distance_km(self) -> float:
        """The greatest epicentral distance of the table."""
        return float(self.distance_km[-1])

    @property
    def max_depth_km(self) -> float:
        """The greatest depth of the table."""
        return float(self.depth_km[-1])

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """Return a table by its name or from a file.

        Parameters
        ----------
        name_or_path
            One of ``TRAVEL_TIME_NAMES``, or a file: ``.npz`` as written by ``save``, anything else in the layout of
            JMA's tjma2001 or as csv (P s, S s, depth km, distance km).

        Raises
        ------
        TravelTimeError
            If there is no such name or file, or the file is not usable.
        """
        name = str(name_or_path)
        if name in CONSTANT_SPEEDS_KM_S:
            return cls._constant(name, *CONSTANT_SPEEDS_KM_S[name])
        path = TABLES / f"{name}.npz" if name in SHIPPED_NAMES else Path(name_or_path)
        if not path.is_file():
            known = ", ".join(TRAVEL_TIME_NAMES)
            raise TravelTimeError(f"one of {known}, or a table file", field="travel_times", value=name)
        if path.suffix == ".npz":
            return cls._read(path)
        grid = read_jma2001(path)
        # The straight ray to the nearest surface node is as good a surface speed as the table can tell.
        nearest_km = float(grid.distance_km[1])
        return cls.of_times(
            path.stem,
            grid.distance_km,
            grid.depth_km,
            grid.p_travel_s,
            grid.s_travel_s,
            nearest_km / float(grid.p_travel_s[0, 1]),
            nearest_km / float(grid.s_travel_s[0, 1]),
        )

    @classmethod
    def of_times(
        cls,
        name: str,
        distance_km: Float64Array,
        depth_km: Float64Array,
        p_travel_s: Float64Array,
        s_travel_s: Float64Array,
        p_speed_km_s: float,
        s_speed_km_s: float,
    ) -> Self:
        """Return a table from travel times at nodes.

        Parameters
        ----------
        name
            What it is called in outputs.
        distance_km, depth_km
            Shape ``(n_distance,)`` and ``(n_depth,)``, km, ascending from 0.
        p_travel_s, s_travel_s
            Shape ``(n_depth, n_distance)``, s.
        p_speed_km_s, s_speed_km_s
            Speeds at the surface, km/s.
        """
        ray_km = straight_km(COLUMNS, distance_km, depth_km[:, np.newaxis])
        return cls(
            name,
            _frozen(np.asarray(distance_km, dtype=np.float64)),
            _frozen(np.asarray(depth_km, dtype=np.float64)),
            _frozen((p_travel_s - ray_km / p_speed_km_s).astype(np.float32)),
            _frozen((s_travel_s - ray_km / s_speed_km_s).astype(np.float32)),
            p_speed_km_s,
            s_speed_km_s,
        )

    def save(self, path: Path, provenance: str) -> None:
        """Write the table, and where it comes from, as a compressed ``.npz``; the same table gives the same bytes."""
        np.savez_compressed(
            path,
            allow_pickle=False,
            provenance=np.array(provenance),
            distance_km=self.distance_km,
            depth_km=self.depth_km,
            speed_km_s=np.array([self.p_speed_km_s, self.s_speed_km_s]),
            p_residual_steps=_steps(self.p_residual_s),
            s_residual_steps=_steps(self.s_residual_s),
        )

    def travel_times(self, epicentral_km: npt.ArrayLike, depth_km: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Return when the first P and the first S arrive at the surface.

        Parameters
        ----------
        epicentral_km
            Any shape, km, 0 to ``max_distance_km``.
        depth_km
            Broadcast against ``epicentral_km``; km, −10 to ``max_depth_km``. Above sea level counts as 0.

        Returns
        -------
        p_travel_s, s_travel_s
            The broadcast shape, s after origin time.

        Raises
        ------
        ModelRangeError
            If a distance or depth is outside the table, or not a number.

        Notes
        -----
        ak135 and iasp91: first of p, P, Pg, Pn and of s, S, Sg, Sn, within 0.02 s of [CST99] at the 99th percentile and
        0.05 s at worst, where two branches cross (``benchmarks/accuracy_traveltime.py``).
        """
        distance, depth = np.broadcast_arrays(
            self._checked("epicentral_km", epicentral_km, 0, self.max_distance_km),
            self._checked("depth_km", depth_km, -MAX_HEIGHT_KM, self.max_depth_km),
        )
        depth = np.maximum(depth, 0)
        ray_km = straight_km(COLUMNS, distance, depth)
        column, right = _cell(self.distance_km**2, distance**2)
        row, below = _cell(self.depth_km, depth)

        def residual_s(nodes_s: FloatColumn) -> FloatArray:
            upper = nodes_s[row, column], nodes_s[row, column + 1]
            lower = nodes_s[row + 1, column], nodes_s[row + 1, column + 1]
            return interpolated(upper, lower, right, below)

        return (
            np.asarray(ray_km / self.p_speed_km_s + residual_s(self.p_residual_s)),
            np.asarray(ray_km / self.s_speed_km_s + residual_s(self.s_residual_s)),
        )

    def for_one_place(self) -> TravelTimes:
        """Return the same table as a device reads it, by number."""
        return TravelTimes.of(
            self.name,
            self.distance_km.tolist(),
            self.depth_km.tolist(),
            self.p_residual_s.tolist(),
            self.s_residual_s.tolist(),
            (self.p_speed_km_s, self.s_speed_km_s),
        )

    @classmethod
    def _constant(cls, name: str, p_speed_km_s: float, s_speed_km_s: float) -> Self:
        """Return the table of straight rays at one speed: no residual anywhere."""
        distance_km = np.array([0.0, CONSTANT_MAX_DISTANCE_KM])
        depth_km = np.array([0.0, CONSTANT_MAX_DEPTH_KM])
        none = _frozen(np.zeros((2, 2), dtype=np.float32))
        return cls(name, _frozen(distance_km), _frozen(depth_km), none, none, p_speed_km_s, s_speed_km_s)

    @classmethod
    def _read(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        try:
            with np.load(path, allow_pickle=False) as file:
                distance_km, depth_km, speed_km_s = (
                    np.asarray(file[name], dtype=np.float64) for name in ("distance_km", "depth_km", "speed_km_s")
                )
                steps = {name: file[name] for name in ("p_residual_steps", "s_residual_steps")}
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise TravelTimeError("a table written by eew/physics/tables/build.py", file=path) from error
        for name, nodes in (("distance_km", distance_km), ("depth_km", depth_km)):
            if nodes.ndim != 1 or nodes.size < 2 or nodes[0] != 0 or not (np.diff(nodes) > 0).all():
                raise TravelTimeError("two or more nodes, ascending from 0", file=path, field=name, value=nodes)
        shape = (depth_km.size, distance_km.size)
        for name, found in steps.items():
            if found.shape != shape or found.dtype != np.int32:
                expected = f"int32 of shape {shape}"
                raise TravelTimeError(expected, file=path, field=name, value=f"{found.dtype} of shape {found.shape}")
        if speed_km_s.shape != (2,) or not (speed_km_s > 0).all():
            raise TravelTimeError("two positive speeds, P and S", file=path, field="speed_km_s", value=speed_km_s)
        return cls(
            path.stem,
            _frozen(distance_km),
            _frozen(depth_km),
            _residual_s(steps["p_residual_steps"]),
            _residual_s(steps["s_residual_steps"]),
            float(speed_km_s[0]),
            float(speed_km_s[1]),
        )

    def _checked(self, quantity: str, value: npt.ArrayLike, least: float, most: float) -> Float64Array:
        """Return the values as an array, or raise if any is outside the table."""
        values = np.asarray(value, dtype=np.float64)
        is_outside = ~((values >= least) & (values <= most))
        if is_outside.any():
            raise ModelRangeError(quantity, float(values[is_outside].flat[0]), f"{least:g} to {most:g} ({self.name})")
        return values


def _cell(nodes: Float64Array, at: Float64Array) -> tuple[npt.NDArray[np.intp], Float64Array]:
    """Return the index of the node before each value and how far on to the next it lies, 0 to 1."""
    before = np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, len(nodes) - 2)
    return before, (at - nodes[before]) / (nodes[before + 1] - nodes[before])


def _steps(residual_s: FloatColumn) -> npt.NDArray[np.int32]:
    """Return residuals as whole numbers, each less its neighbours before it in both axes: small, so they compress."""
    counts = np.round(residual_s / RESOLUTION_S).astype(np.int32)
    nothing = np.int32(0)
    steps: npt.NDArray[np.int32] = np.diff(np.diff(counts, axis=0, prepend=nothing), axis=1, prepend=nothing)
    return steps


def _residual_s(steps: npt.NDArray[np.int32]) -> FloatColumn:
    """Return the residuals of which these are the steps."""
    counts = np.cumsum(np.cumsum(steps, axis=1, dtype=np.int32), axis=0, dtype=np.int32)
    return _frozen((counts * RESOLUTION_S).astype(np.float32))


def _frozen(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return the array, made read-only."""
    array.setflags(write=False)
    return array
