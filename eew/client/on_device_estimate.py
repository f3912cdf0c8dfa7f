"""On-device estimate: the arrivals, intensity and alert level that one place works out from a report."""

import math
from dataclasses import dataclass
from functools import lru_cache

from eew.model.errors import InputError
from eew.model.region_profile import Level, Profile
from eew.model.region_profile_file import load_profile
from eew.model.report import EventReport
from eew.physics.arithmetic import NUMBERS
from eew.physics.earth import epicentral_km, ray_km
from eew.physics.intensity_formula import INTENSITY_FORMULAS, IntensityFormula
from eew.physics.level import is_issued, least_intensities, level_at
from eew.physics.travel_time_at_place import TravelTimes

__all__ = ["OnDeviceEstimate", "all_profiles", "formula_of", "on_device_estimate", "profile_of"]

#: The region profile of a device that was given none, by the scale of the intensities.
PROFILE_BY_SCALE = {"jma": "japan", "csis": "china", "cwa": "taiwan", "mmi": "global"}


@dataclass(frozen=True, slots=True)
class OnDeviceEstimate:
    """What a device estimates for its place."""

    level: Level
    #: On the profile's scale.
    intensity: float
    #: After origin time.
    p_arrival_s: float
    s_arrival_s: float


@lru_cache(maxsize=len(PROFILE_BY_SCALE))
def profile_of(scale: str) -> Profile:
    """Return the profile that goes with a scale; the global one for a scale that nobody knows."""
    return load_profile(PROFILE_BY_SCALE.get(scale, "global"))


def all_profiles() -> list[Profile]:
    """Return what ``profile_of`` may return."""
    return [profile_of(scale) for scale in PROFILE_BY_SCALE]


def formula_of(profile: Profile) -> IntensityFormula:
    """Return a profile's intensity formula; raise ``InputError`` where nobody knows it."""
    formula = INTENSITY_FORMULAS.get(profile.intensity_model)
    if formula is None:
        known = ", ".join(INTENSITY_FORMULAS)
        raise InputError(f"one of {known}", field="intensity model", value=profile.intensity_model)
    return formula


def on_device_estimate(
    lat_deg: float, lon_deg: float, solution: EventReport, profile: Profile, table: TravelTimes
) -> OnDeviceEstimate | None:
    """Return the estimate of a solution at a place, as of a point source.

    Parameters
    ----------
    lat_deg, lon_deg
        The place, degrees.
    solution
        One without a ``rupture`` gives ``None``: no attenuation may be applied to it.
    profile, table
        The region profile, and its travel times.

    Returns
    -------
    estimate
        ``None`` also beyond the table's greatest distance. A focus deeper than the table counts as at its bottom.
    """
    rupture = solution.rupture
    if rupture is None:
        return None
    magnitude = rupture.magnitude
    away_km = epicentral_km(rupture.lat_deg, rupture.lon_deg, lat_deg, lon_deg)
    if not away_km <= table.max_distance_km:
        return None
    depth_km = profile.default_depth_km if rupture.depth_km is None else rupture.depth_km
    depth_km = min(max(depth_km, 0.0), table.max_depth_km)
    here, anywhere = (
        formula_of(profile)(
            NUMBERS, magnitude, ray_km(NUMBERS, arc, depth_km), depth_km=depth_km, is_fault_distance=False
        )
        for arc in (away_km, 0.0)
    )
    if not math.isfinite(here):
        return None
    level = Level.NONE
    if is_issued(profile, magnitude, anywhere, rupture.depth_km):
        level = level_at(least_intensities(profile, magnitude, anywhere), here)
    return OnDeviceEstimate(level, here, *table.at(away_km, depth_km))
