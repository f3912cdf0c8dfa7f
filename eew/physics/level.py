"""A profile's thresholds, applied: which levels an event allows at all, and from which intensity on."""

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from eew.model.region_profile import IssueRule, Level, LevelRule, Profile

__all__ = ["is_issued", "least_intensities", "level_at", "magnitude_tenths"]


def magnitude_tenths(magnitude: float | None) -> int | None:
    """Return a magnitude in whole tenths, halves away from zero as agencies round; ``None`` where unknown.

    The decimal number that was written is rounded, not its binary neighbour: 4.35 gives 44.
    """
    if magnitude is None or math.isnan(magnitude):
        return None
    return int((Decimal(repr(float(magnitude))) * 10).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def is_issued(profile: Profile, magnitude: float | None, max_intensity: float | None, depth_km: float | None) -> bool:
    """Return whether anybody may be told by attenuation: any of the profile's rules for issuing a report holds.

    Parameters
    ----------
    profile
        Whose rules hold.
    magnitude, max_intensity
        As in ``least_intensities``: what is unknown satisfies no rule.
    depth_km
        Of the focus; ``None``: unknown, the profile's default. Where no intensity is forecast, nobody is told.
    """
    return profile.forecasts_intensity(depth_km) and any(
        _is_event_enough(rule, magnitude, max_intensity) for rule in profile.issue
    )


def least_intensities(profile: Profile, magnitude: float | None, max_intensity: float | None) -> Mapping[Level, float]:
    """Return from which intensity on each level is reached, from the quietest; who reaches several has the loudest.

    Parameters
    ----------
    profile
        Whose rules hold.
    magnitude
        Of the report; ``None`` where unknown: a rule that asks for one then fails.
    max_intensity
        Greatest intensity expected anywhere, on the profile's scale; ``None`` likewise.
    """
    least: dict[Level, float] = {}
    for level in sorted(profile.levels):
        enough = [
            rule.min_intensity for rule in profile.levels[level] if _is_event_enough(rule, magnitude, max_intensity)
        ]
        if level is not Level.NONE and enough:
            least[level] = min(enough)
    return least


def level_at(least: Mapping[Level, float], intensity: float) -> Level:
    """Return the loudest of the levels whose least intensity is reached; unknown (NaN) reaches none."""
    return max((level for level, from_intensity in least.items() if intensity >= from_intensity), default=Level.NONE)


def _is_event_enough(rule: LevelRule | IssueRule, magnitude: float | None, max_intensity: float | None) -> bool:
    """Return whether what a rule asks of the event as a whole holds."""
    wanted_tenths = magnitude_tenths(rule.min_magnitude)
    if wanted_tenths is not None:
        tenths = magnitude_tenths(magnitude)
        if tenths is None or tenths < wanted_tenths:
            return False
    return rule.min_anywhere is None or (max_intensity is not None and max_intensity >= rule.min_anywhere)
