"""The intensity formula of China's ICL warning network, on the Chinese scale (CSIS, I to XII)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked_distance_km, checked_finite

__all__ = ["Icl"]

CONSTANT = 2.941
PER_MAGNITUDE = 1.363
PER_LOG_DISTANCE = -1.494
NEAR_KM = 7.0


@dataclass(frozen=True, slots=True)
class Icl:
    """Intensity as ICL's receivers work it out."""

    name: str = "icl"
    scale: str = "csis"
    #: Which data it was fitted to is not published with it.
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
            Surface-wave or moment magnitude, as reported.
        hypocentral_km
            Any shape, km, none negative. Not changed.
        depth_km
            Of the focus, km. Not in this formula but through the distance.
        is_fault_distance
            Makes no difference here: a distance to the fault is taken like one to the focus.

        Returns
        -------
        intensity
            In the shape of ``hypocentral_km``, CSIS degrees, not clipped.

        Raises
        ------
        ModelRangeError
            If a distance is negative, NaN or infinite, or magnitude or depth is NaN or infinite.

        References
        ----------
        [ICL]. One source only; no second, independent one was found.
        """
        del is_fault_distance
        checked_finite("depth (km)", depth_km)
        source = CONSTANT + PER_MAGNITUDE * checked_finite("magnitude", magnitude)
        return np.asarray(source + PER_LOG_DISTANCE * np.log(checked_distance_km(hypocentral_km) + NEAR_KM))
