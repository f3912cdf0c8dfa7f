"""The intensity formula of China's ICL warning network, on the Chinese scale (CSIS, I to XII)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked
from eew.physics.intensity_formula import icl

__all__ = ["Icl"]


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
        return checked(icl, magnitude, hypocentral_km, depth_km, is_fault_distance=is_fault_distance)
