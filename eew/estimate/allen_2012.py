"""Intensity in active crust, Modified Mercalli, by Allen, Wald & Worden (2012)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked
from eew.physics.intensity_formula import allen_2012

__all__ = ["Allen2012"]


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
        return checked(allen_2012, magnitude, hypocentral_km, depth_km, is_fault_distance=is_fault_distance)
