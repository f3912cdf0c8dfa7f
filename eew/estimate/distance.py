"""What every intensity model asks of its numbers before its formula works with them."""

import math

import numpy as np
import numpy.typing as npt

from eew.model.errors import ModelRangeError

__all__ = ["checked_distance_km", "checked_finite"]


def checked_distance_km(distance_km: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return distances in double precision, never written to; raise ``ModelRangeError`` unless finite and not negative.

    Zero is allowed: it is a place on the fault.
    """
    distance = np.asarray(distance_km, dtype=np.float64)
    if distance.size:
        # A NaN anywhere makes both of these NaN, which fails both comparisons.
        least, most = float(distance.min()), float(distance.max())
        if not (least >= 0 and most < math.inf):
            raise ModelRangeError("distance (km)", least if not least >= 0 else most, "a finite number, 0 or more")
    return distance


def checked_finite(quantity: str, value: float) -> float:
    """Return a number; raise ``ModelRangeError`` if it is NaN or infinite."""
    if not math.isfinite(value):
        raise ModelRangeError(quantity, value, "a finite number")
    return float(value)
