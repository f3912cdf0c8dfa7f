"""How loud each target is told, and whether a report is issued at all: a profile's thresholds, applied."""

import numpy as np
import numpy.typing as npt

from eew.model.records import Profile
from eew.physics.columns import FloatArray
from eew.physics.level import is_issued, least_intensities, magnitude_tenths

__all__ = ["is_issued", "levels", "magnitude_tenths"]


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
    for code, least in least_intensities(profile, magnitude, max_intensity).items():
        np.maximum(level, (intensity >= least).view(np.uint8) * np.uint8(code), out=level)
    return level
