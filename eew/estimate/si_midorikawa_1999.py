"""Intensity in Japan at sites, and of slabs, by the formulas of the model ``sm99``: Si & Midorikawa (1999).

A ground-motion model (GMM) of peak velocity, carried to JMA intensity (GMICE) as JMA's warnings do it.

Mj ─▶ Mw ─▶ fault length ─▶ X ─▶ PGV at 600 m/s ─▶ at 400 m/s ─▶ at the site ─▶ JMA intensity
"""

from enum import Enum

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked_distance_km, checked_finite
from eew.model.errors import ModelRangeError
from eew.physics.columns import COLUMNS
from eew.physics.intensity_formula import TO_400_M_S, jma_intensity
from eew.physics.intensity_formula import log_pgv_600 as formula

__all__ = ["TectonicRegion", "log_pgv_600", "site_intensity"]


class TectonicRegion(Enum):
    """Where an earthquake breaks; the value is the term it adds to log10 PGV."""

    CRUSTAL = 0.0
    INTERFACE = -0.02
    INTRASLAB = 0.12


def site_intensity(
    magnitude: float,
    hypocentral_km: npt.ArrayLike,
    *,
    depth_km: float = 10.0,
    is_fault_distance: bool = False,
    region: TectonicRegion = TectonicRegion.CRUSTAL,
    site_amplification: npt.ArrayLike = 1.0,
) -> npt.NDArray[np.float64]:
    """Return the expected intensity at each distance, on the ground that is there.

    Parameters
    ----------
    magnitude
        JMA magnitude.
    hypocentral_km
        Any shape, km, none negative. Not changed.
    depth_km
        Of the focus, km.
    is_fault_distance
        The distances are the shortest to a finite fault. If not, half the fault length that the magnitude
        suggests is taken off them. Either way nothing is nearer than 3 km.
    region
        An early warning does not know it; JMA takes crustal.
    site_amplification
        Of velocity, from ground of 400 m/s to the site (ARV); one, or in the shape of ``hypocentral_km``.

    Returns
    -------
    intensity
        In the shape of ``hypocentral_km``, JMA instrumental intensity, not clipped.

    Raises
    ------
    ModelRangeError
        If a distance is negative, NaN or infinite, magnitude or depth is NaN or infinite, or an amplification
        is not above zero.

    Notes
    -----
    JMA itself gives no intensities for foci deeper than 150 km; here the formula goes on.

    References
    ----------
    [SM99] for the velocity, compared with hazardlib ([HAZARDLIB]), its table of values and a further
    implementation. [UTSU77] for the fault length, [MFM99] for intensity from velocity, [JMA-EEW] for the chain.
    From 600 to 400 m/s hazardlib takes NIED's 1.41, JMA 1.31; here JMA's.
    """
    amplification = np.asarray(site_amplification, dtype=np.float64)
    if not np.all(amplification > 0):
        raise ModelRangeError("site amplification", float(amplification.min()), "a number above 0")
    log_pgv = np.log10(amplification * TO_400_M_S) + log_pgv_600(
        magnitude, hypocentral_km, depth_km=depth_km, is_fault_distance=is_fault_distance, region=region
    )
    return np.asarray(jma_intensity(log_pgv))


def log_pgv_600(
    magnitude: float,
    hypocentral_km: npt.ArrayLike,
    *,
    depth_km: float,
    is_fault_distance: bool,
    region: TectonicRegion = TectonicRegion.CRUSTAL,
) -> npt.NDArray[np.float64]:
    """Return log10 of the peak velocity, cm/s, on ground of 600 m/s; all else as in ``site_intensity``."""
    return np.asarray(
        formula(
            COLUMNS,
            checked_finite("magnitude", magnitude),
            checked_distance_km(hypocentral_km),
            depth_km=checked_finite("depth (km)", depth_km),
            is_fault_distance=is_fault_distance,
            event_term=region.value,
        )
    )
