"""How loud each target is told, and whether a report is issued at all: a profile's thresholds, applied."""

import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import numpy.typing as npt

from eew.geodesy import FloatArray
from eew.model import IssueRule, Level, LevelRule, Profile

__all__ = ["is_issued", "levels", "magnitude_tenths"]


def magnitude_tenths(magnitude: float | None) -> int | None:
    """Return a magnitude in whole tenths, halves away from zero as agencies round; ``None`` where unknown.

    The decimal number that was written is rounded, not its binary neighbour: 4.35 gives 44.
    """
    if magnitude is None or math.isnan(magnitude):
        return None
    return int((Decimal(repr(float(magnitude))) * 10).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def levels(
    profile: Profile, magnitude: float | None, intensity: FloatArray, max_intensity: float | None
) -> npt.NDArray[np.uint8]:
    """Return how loud each target is to be told.

    Parameters
    ----------
    profile
        Whose rules hold.
    magnitude
        Of the report; ``None`` where unknown: a rule that asks for one then fails.
    intensity
        Shape ``(n,)``, on the profile's scale. NaN (unknown) reaches no level. Not changed.
    max_intensity
        Greatest intensity expected anywhere, same scale; ``None`` where unknown: a rule that asks for one then fails.

    Returns
    -------
    level
        Shape ``(n,)``, codes of ``Level``: the highest level any of whose rules holds.
    """
    level = np.zeros(len(intensity), dtype=np.uint8)
    for code in sorted(profile.levels):
        reached = [
            rule.min_intensity for rule in profile.levels[code] if _is_event_enough(rule, magnitude, max_intensity)
        ]
        if code is not Level.NONE and reached:
            is_reached = intensity >= min(reached)
            np.maximum(level, is_reached.view(np.uint8) * np.uint8(code), out=level)
    return level


def is_issued(profile: Profile, magnitude: float | None, max_intensity: float | None) -> bool:
    """Return whether any of the profile's rules for issuing a report holds; what is unknown satisfies no rule."""
    return any(_is_event_enough(rule, magnitude, max_intensity) for rule in profile.issue)


def _is_event_enough(rule: LevelRule | IssueRule, magnitude: float | None, max_intensity: float | None) -> bool:
    """Return whether what a rule asks of the event as a whole holds."""
    wanted_tenths = magnitude_tenths(rule.min_magnitude)
    if wanted_tenths is not None:
        tenths = magnitude_tenths(magnitude)
        if tenths is None or tenths < wanted_tenths:
            return False
    return rule.min_anywhere is None or (max_intensity is not None and max_intensity >= rule.min_anywhere)
