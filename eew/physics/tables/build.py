"""Build the shipped travel-time tables from the published models, with obspy's TauP (a build dependency).

    python eew/physics/tables/build.py

For each depth TauP's own sampled rays (distance, time, ray parameter) are joined by cubic Hermite curves, whose slope
is the ray parameter, and the first arrival over all branches is taken at each distance node.
"""

import sys
from typing import Final

import numpy as np
import numpy.typing as npt
import obspy
from obspy.taup import TauPyModel
from obspy.taup.seismic_phase import SeismicPhase
from obspy.taup.tau_model import TauModel
from rich.progress import track

from eew.physics.travel_time_table import MODEL_RADIUS_KM, SHIPPED_NAMES, TABLES, TravelTimeTable

P_PHASES: Final = ("p", "P", "Pg", "Pn")
S_PHASES: Final = ("s", "S", "Sg", "Sn")
#: Fine where waves of crust and mantle overtake each other, wider beyond.
DISTANCES_KM: Final = np.concatenate((np.arange(0.0, 300.0, 1.0), np.arange(300.0, 3000.1, 2.0)))
#: From, to, step. All discontinuities (20, 35, 120, 210, 410, 660) are nodes. As the depth grows, the place where two
#: waves arrive together moves, fastest just above a discontinuity: there the steps are short.
DEPTH_RANGES_KM: Final = (
    (0, 40, 0.5),
    (40, 60, 1),
    (60, 380, 2),
    (380, 410, 1),
    (410, 630, 2),
    (630, 660, 1),
    (660, 700.1, 2),
)
DEPTHS_KM: Final = np.concatenate([np.arange(*depths, dtype=np.float64) for depths in DEPTH_RANGES_KM])

Float64Array = npt.NDArray[np.float64]


def first_arrivals(model: TauModel, phases: tuple[str, ...], distance_rad: Float64Array) -> Float64Array:
    """Return the first arrival of these phases at each distance, s, from a model corrected to the source's depth."""
    first_s = np.full(distance_rad.shape, np.inf)
    for name in phases:
        phase = SeismicPhase(name, model)
        for ray in range(len(phase.dist) - 1):
            pair = slice(ray, ray + 2)
            (start, end), slopes = phase.dist[pair], phase.ray_param[pair]
            # A repeated ray parameter is the gap of a shadow zone, except in a head wave, where it is the wave.
            if slopes[0] == slopes[1] and not phase.head_or_diffract_seq:
                continue
            nodes = slice(
                np.searchsorted(distance_rad, min(start, end), side="left"),
                np.searchsorted(distance_rad, max(start, end), side="right"),
            )
            branch_s = hermite(distance_rad[nodes], (start, end), phase.time[pair], slopes)
            first_s[nodes] = np.minimum(first_s[nodes], branch_s)
    return first_s


def hermite(at: Float64Array, x: tuple[float, float], y: Float64Array, slope: Float64Array) -> Float64Array:
    """Return the cubic through two points with these slopes, at ``at`` between them."""
    width = x[1] - x[0]
    if width == 0:
        return np.full(at.shape, y.min())
    t = (at - x[0]) / width
    rest = 1 - t
    cubic: Float64Array = (
        (1 + 2 * t) * rest**2 * y[0] + t**2 * (3 - 2 * t) * y[1] + width * t * rest * (rest * slope[0] - t * slope[1])
    )
    return cubic


def build(name: str) -> TravelTimeTable:
    """Return the table of one of TauP's models."""
    model = TauPyModel(name).model
    speeds = model.s_mod.v_mod
    times_s = np.empty((2, len(DEPTHS_KM), len(DISTANCES_KM)))
    for row, depth_km in enumerate(track(DEPTHS_KM, description=name, transient=True, disable=not sys.stdout.isatty())):
        corrected = model.depth_correct(depth_km)
        for wave, phases in enumerate((P_PHASES, S_PHASES)):
            times_s[wave, row] = first_arrivals(corrected, phases, DISTANCES_KM / MODEL_RADIUS_KM)
    if not np.isfinite(times_s).all():
        gap = np.argwhere(~np.isfinite(times_s))[0]
        raise ValueError(f"{name}: no arrival at wave {gap[0]}, {DEPTHS_KM[gap[1]]} km deep, {DISTANCES_KM[gap[2]]} km")
    return TravelTimeTable.of_times(
        name,
        DISTANCES_KM,
        DEPTHS_KM,
        times_s[0],
        times_s[1],
        float(speeds.evaluate_below(0.0, "p")[0]),
        float(speeds.evaluate_below(0.0, "s")[0]),
    )


def main() -> None:
    """Build every table beside this script."""
    for name in SHIPPED_NAMES:
        path = TABLES / f"{name}.npz"
        provenance = f"{name} by obspy {obspy.__version__} taup; command: python eew/physics/tables/build.py"
        build(name).save(path, provenance)
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
