"""Intensity in Japan: peak velocity by Si & Midorikawa (1999), carried to JMA intensity as JMA's warnings do it.

Mj ─▶ Mw ─▶ fault length ─▶ X ─▶ PGV at 600 m/s ─▶ at 400 m/s ─▶ at the site ─▶ JMA intensity
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked_distance_km, checked_finite
from eew.model.errors import ModelRangeError
from eew.physics.columns import COLUMNS
from eew.physics.intensity_formula import GREATEST_MW, MJ_MINUS_MW, TO_400_M_S, jma_intensity, log_pgv_600

__all__ = ["EventType", "SiMidorikawa1999"]


class EventType(Enum):
    """Where an earthquake breaks; the value is the term it adds to log10 PGV."""

    CRUSTAL = 0.0
    INTERFACE = -0.02
    INTRASLAB = 0.12


@dataclass(frozen=True, slots=True)
class SiMidorikawa1999:
    """JMA intensity by the chain of formulas that JMA's early warnings use."""

    name: str = "sm99"
    scale: str = "jma"
    #: JMA magnitudes; above, the moment magnitude is held at 8.3. The lower end was not read in the paper itself.
    magnitude_range: tuple[float, float] | None = (-math.inf, GREATEST_MW + MJ_MINUS_MW)
    #: An early warning does not know it; JMA takes crustal.
    event_type: EventType = EventType.CRUSTAL

    def intensity(
        self,
        magnitude: float,
        hypocentral_km: npt.ArrayLike,
        *,
        depth_km: float = 10.0,
        is_fault_distance: bool = False,
        site_amplification: npt.ArrayLike = 1.0,
    ) -> npt.NDArray[np.float64]:
        """Return the expected intensity at each distance.

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
        log_pgv = np.log10(amplification * TO_400_M_S) + self.log_pgv_600(
            magnitude, hypocentral_km, depth_km=depth_km, is_fault_distance=is_fault_distance
        )
        return np.asarray(jma_intensity(log_pgv))

    def log_pgv_600(
        self,
        magnitude: float,
        hypocentral_km: npt.ArrayLike,
        *,
        depth_km: float,
        is_fault_distance: bool,
    ) -> npt.NDArray[np.float64]:
        """Return log10 of the peak velocity, cm/s, on ground of 600 m/s; all else as in ``intensity``."""
        return np.asarray(
            log_pgv_600(
                COLUMNS,
                checked_finite("magnitude", magnitude),
                checked_distance_km(hypocentral_km),
                depth_km=checked_finite("depth (km)", depth_km),
                is_fault_distance=is_fault_distance,
                event_term=self.event_type.value,
            )
        )
