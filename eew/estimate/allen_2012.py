"""Intensity in active crust, Modified Mercalli, by Allen, Wald & Worden (2012)."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked_distance_km, checked_finite

__all__ = ["Allen2012"]

#: Nearer than this is taken as this: where the near-source term crosses zero (M 2.7) its logarithm has no value at 0.
LEAST_KM = 0.1
#: Beyond this the hypocentral form attenuates less.
FAR_KM = 50.0


@dataclass(frozen=True, slots=True)
class Allen2012:
    """Global intensity prediction for active crust: one form for the focus, one for a fault."""

    name: str = "aww12"
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
            Any shape, km, none negative; below 0.1 km is taken as 0.1 km. Not changed.
        depth_km
            Of the focus, km. Not in this formula but through the distance.
        is_fault_distance
            The distances are the shortest to a finite fault: the paper's rupture-distance form is used.

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
        [AWW12], coefficients of the hypocentral and of the rupture-distance form; both were compared with those in
        hazardlib ([HAZARDLIB]) and, for the hypocentral one, a third implementation.
        """
        checked_finite("magnitude", magnitude)
        checked_finite("depth (km)", depth_km)
        distance = np.maximum(checked_distance_km(hypocentral_km), LEAST_KM)
        if is_fault_distance:
            near_km = 1.0 + 0.813 * math.exp(magnitude - 5)
            return np.asarray(3.950 + 0.913 * magnitude - 1.107 / 2 * np.log(distance**2 + near_km**2))
        near_km = -0.209 + 2.042 * math.exp(magnitude - 5)
        intensity = 2.085 + 1.428 * magnitude - 1.402 / 2 * np.log(distance**2 + near_km**2)
        return np.asarray(intensity + 0.078 * np.log(np.maximum(distance / FAR_KM, 1.0)))
