"""Print how far the shipped travel-time tables are from TauP on a random grid of 0-1500 km by 0-650 km."""

import argparse
import sys
from typing import Final

import numpy as np
import numpy.typing as npt
from obspy.taup import TauPyModel
from obspy.taup.seismic_phase import SeismicPhase
from obspy.taup.tau_model import TauModel
from rich.progress import track

from eew.physics.travel_time_table import MODEL_RADIUS_KM, SHIPPED_NAMES, TravelTimeTable

PHASES: Final = {"P": ("p", "P", "Pg", "Pn"), "S": ("s", "S", "Sg", "Sn")}
MAX_DISTANCE_KM: Final = 1500
MAX_DEPTH_KM: Final = 650
#: Half of the depths are above this, where most earthquakes that are warned of are, and where most branches cross.
SHALLOW_KM: Final = 60
#: TauP prepares a depth slowly and then answers distances fast.
N_DISTANCES: Final = 20

FloatArray = npt.NDArray[np.float64]


def taup_first_s(model: TauModel, depth_km: float, distance_km: FloatArray) -> FloatArray:
    """Return TauP's first P and first S at these distances, refined ray by ray; shape ``(2, n)``, s."""
    corrected = model.depth_correct(depth_km)
    first_s = np.full((len(PHASES), len(distance_km)), np.inf)
    for wave, names in enumerate(PHASES.values()):
        for phase in (SeismicPhase(name, corrected) for name in names):
            for index, distance_deg in enumerate(np.degrees(distance_km / MODEL_RADIUS_KM)):
                times_s = (arrival.time for arrival in phase.calc_time(distance_deg))
                first_s[wave, index] = min(first_s[wave, index], *times_s, np.inf)
    return first_s


def errors_s(name: str, n_depths: int, seed: int) -> FloatArray:
    """Return how far the table's times are from TauP's at random points, shape ``(2, n)``: P, S."""
    rng = np.random.default_rng(seed)
    depths_km = rng.uniform(0, MAX_DEPTH_KM, n_depths)
    depths_km[::2] = rng.uniform(0, SHALLOW_KM, len(depths_km[::2]))
    model = TauPyModel(name).model
    table = TravelTimeTable.load(name)
    errors: list[FloatArray] = []
    for depth_km in track(depths_km, description=name, transient=True, disable=not sys.stdout.isatty()):
        distance_km = rng.uniform(0, MAX_DISTANCE_KM, N_DISTANCES)
        expected_s = taup_first_s(model, depth_km, distance_km)
        errors.append(np.abs(np.array(table.travel_times(distance_km, depth_km)) - expected_s))
    return np.concatenate(errors, axis=1)


def main() -> None:
    """Print one line a model and phase."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--depths", type=int, default=75, metavar="N", help=f"random depths a model, {N_DISTANCES} distances each"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    lines = ["| model | wave | points | p50 | p99 | max |", "|---|---|---|---|---|---|"]
    for name in SHIPPED_NAMES:
        for wave, error_s in zip(PHASES, errors_s(name, arguments.depths, arguments.seed), strict=True):
            p50, p99, most = 1000 * np.percentile(error_s, (50, 99, 100))
            lines.append(f"| {name} | {wave} | {error_s.size} | {p50:.2f} ms | {p99:.2f} ms | {most:.1f} ms |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
