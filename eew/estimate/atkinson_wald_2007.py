"""Intensity in California, Modified Mercalli, by Atkinson & Wald (2007)."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked_distance_km, checked_finite

__all__ = ["AtkinsonWald2007"]

#: Keeps the distance off zero near the source, km.
NEAR_KM = 14.0
#: Beyond this, attenuation changes, km.
TRANSITION_KM = 30.0


@dataclass(frozen=True, slots=True)
class AtkinsonWald2007:
    """Intensity from reports of Californian earthquakes that people felt."""

    name: str = "aw07"
    scale: str = "mmi"
    #: Not read in the paper itself.
    magnitude_range: tuple[float, float] | None = None

    def intensity(
        self,
        magnitude: float,
        hypocentral_km: npt.ArrayLike,
        *,
        depth_km: float = 10.0,
        is_fault_distance: bool = False,
    ) -> npt.NDArray[np.float64]:
        """Return the expected intensity at each distance.

        Parameters
        ----------
        magnitude
            Moment magnitude.
        hypocentral_km
            Any shape, km, none negative. Not changed.
        depth_km
            Of the focus, km. Not in this formula but through the distance.
        is_fault_distance
            Makes no difference here: the paper's distance is the shortest to the fault, and a point source is
            a fault of no size.

        Returns
        -------
        intensity
            In the shape of ``hypocentral_km``, MMI, not clipped. No site term.

        Raises
        ------
        ModelRangeError
            If a distance is negative, NaN or infinite, or magnitude or depth is NaN or infinite.

        References
        ----------
        [AW07], coefficients for California. No second source of the numbers was found.
        """
        del is_fault_distance
        checked_finite("magnitude", magnitude)
        checked_finite("depth (km)", depth_km)
        distance = np.sqrt(checked_distance_km(hypocentral_km) ** 2 + NEAR_KM**2)
        # numpy's natural logarithm is several times as fast as its decimal one.
        log_distance = np.log(distance) / math.log(10)
        beyond = np.maximum(log_distance - math.log10(TRANSITION_KM), 0.0)
        source = 12.27 + 2.270 * (magnitude - 6) + 0.1304 * (magnitude - 6) ** 2
        path = -(1.30 + 0.577 * magnitude) * log_distance - 0.000707 * distance + 1.95 * beyond
        return np.asarray(source + path)
