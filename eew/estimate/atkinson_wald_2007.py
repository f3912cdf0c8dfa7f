"""Intensity in California, Modified Mercalli, by Atkinson & Wald (2007)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked
from eew.physics.intensity_formula import atkinson_wald_2007

__all__ = ["AtkinsonWald2007"]


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
        return checked(atkinson_wald_2007, magnitude, hypocentral_km, depth_km, is_fault_distance=is_fault_distance)
