"""Intensity from magnitude, depth and distance: the arithmetic of each paper, of a number or a column.

What the formulas are for, their ranges and their sources stand with the models in ``estimate``.
"""

import math
from collections.abc import Mapping
from typing import Protocol

from eew.physics.arithmetic import Arithmetic, NumberT

__all__ = [
    "GREATEST_MW",
    "INTENSITY_FORMULAS",
    "MJ_MINUS_MW",
    "TO_400_M_S",
    "IntensityFormula",
    "allen_2012",
    "atkinson_wald_2007",
    "icl",
    "jma_intensity",
    "log_pgv_600",
    "si_midorikawa_1999",
]


class IntensityFormula(Protocol):
    """Distances (km) are to the focus, or the shortest to a finite fault; nothing is checked."""

    def __call__(
        self,
        arithmetic: Arithmetic[NumberT],
        magnitude: float,
        distance_km: NumberT,
        *,
        depth_km: float,
        is_fault_distance: bool,
    ) -> NumberT:
        """Return the intensity, not clipped."""
        ...


def icl(
    arithmetic: Arithmetic[NumberT], magnitude: float, distance_km: NumberT, *, depth_km: float, is_fault_distance: bool
) -> NumberT:
    """Return intensity on the Chinese scale by [ICL]; depth and kind of distance make no difference."""
    del depth_km, is_fault_distance
    return 2.941 + 1.363 * magnitude - 1.494 * arithmetic.log(distance_km + 7.0)


def allen_2012(
    arithmetic: Arithmetic[NumberT], magnitude: float, distance_km: NumberT, *, depth_km: float, is_fault_distance: bool
) -> NumberT:
    """Return MMI by [AWW12]; depth makes no difference."""
    del depth_km
    # Nearer than this is taken as this: where the near-source term crosses zero (M 2.7) its logarithm has no value
    # at 0.
    distance = arithmetic.maximum(distance_km, 0.1)
    if is_fault_distance:
        near_km = 1.0 + 0.813 * math.exp(magnitude - 5)
        return 3.950 + 0.913 * magnitude - 1.107 / 2 * arithmetic.log(distance**2 + near_km**2)
    near_km = -0.209 + 2.042 * math.exp(magnitude - 5)
    intensity: NumberT = 2.085 + 1.428 * magnitude - 1.402 / 2 * arithmetic.log(distance**2 + near_km**2)
    # Beyond 50 km the hypocentral form attenuates less.
    return intensity + 0.078 * arithmetic.log(arithmetic.maximum(distance / 50.0, 1.0))


def atkinson_wald_2007(
    arithmetic: Arithmetic[NumberT], magnitude: float, distance_km: NumberT, *, depth_km: float, is_fault_distance: bool
) -> NumberT:
    """Return MMI by [AW07]; depth and kind of distance make no difference."""
    del depth_km, is_fault_distance
    # 14 km keep the distance off zero near the source.
    distance = arithmetic.sqrt(distance_km**2 + 14.0**2)
    # numpy's natural logarithm is several times as fast as its decimal one.
    log_distance = arithmetic.log(distance) / math.log(10)
    # Beyond 30 km attenuation changes.
    beyond = arithmetic.maximum(log_distance - math.log10(30.0), 0.0)
    source = 12.27 + 2.270 * (magnitude - 6) + 0.1304 * (magnitude - 6) ** 2
    path: NumberT = -(1.30 + 0.577 * magnitude) * log_distance - 0.000707 * distance + 1.95 * beyond
    return source + path


#: Mw = Mj − this: the mean difference of the two [UTSU82], as JMA takes it.
MJ_MINUS_MW = 0.171
#: Larger earthquakes are taken as this one [NIED09].
GREATEST_MW = 8.3
#: From ground of 600 m/s to ground of 400 m/s, which site amplifications refer to, as JMA takes it.
TO_400_M_S = 1.31


def si_midorikawa_1999(
    arithmetic: Arithmetic[NumberT], magnitude: float, distance_km: NumberT, *, depth_km: float, is_fault_distance: bool
) -> NumberT:
    """Return JMA intensity on ground of 400 m/s by [SM99] and [JMA-EEW], for an earthquake of the crust."""
    log_pgv = log_pgv_600(arithmetic, magnitude, distance_km, depth_km=depth_km, is_fault_distance=is_fault_distance)
    return jma_intensity(math.log10(TO_400_M_S) + log_pgv)


def log_pgv_600(
    arithmetic: Arithmetic[NumberT],
    magnitude: float,
    distance_km: NumberT,
    *,
    depth_km: float,
    is_fault_distance: bool,
    event_term: float = 0.0,
) -> NumberT:
    """Return log10 of the peak velocity, cm/s, on ground of 600 m/s [SM99]; ``event_term`` by where it breaks."""
    mw = min(magnitude - MJ_MINUS_MW, GREATEST_MW)
    half_length_km = 0.0 if is_fault_distance else 10 ** (0.5 * mw - 1.85) / 2
    # Nearer to the fault than 3 km is taken as 3 km.
    distance = arithmetic.maximum(distance_km - half_length_km, 3.0)
    source = 0.58 * mw + 0.0038 * depth_km - 1.29 + event_term
    # numpy's natural logarithm is several times as fast as its decimal one.
    spreading = arithmetic.log(distance + 0.0028 * 10 ** (0.5 * mw)) / math.log(10)
    return source - spreading - 0.002 * distance


def jma_intensity(log_pgv: NumberT) -> NumberT:
    """Return JMA intensity from log10 of the peak velocity, cm/s, at the site [MFM99]."""
    return 2.68 + 1.72 * log_pgv


#: By the name that profiles know each by.
INTENSITY_FORMULAS: Mapping[str, IntensityFormula] = {
    "icl": icl,
    "sm99": si_midorikawa_1999,
    "aww12": allen_2012,
    "aw07": atkinson_wald_2007,
}
