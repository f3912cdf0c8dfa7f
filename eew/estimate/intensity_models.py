"""Intensity models by name: intensity prediction equations (IPE), and a ground-motion model with its conversion.

The arithmetic of each paper stands in ``physics.intensity_formula``, one of sites and slabs in
``estimate.si_midorikawa_1999``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.distance import checked_distance_km, checked_finite
from eew.model.errors import InputError
from eew.physics.columns import COLUMNS
from eew.physics.intensity_formula import (
    GREATEST_MW,
    MJ_MINUS_MW,
    IntensityFormula,
    allen_2012,
    atkinson_wald_2007,
    icl,
    si_midorikawa_1999,
)

__all__ = ["IntensityModel", "intensity_model", "intensity_model_names"]


@dataclass(frozen=True, slots=True)
class IntensityModel:
    """How strong the shaking is expected to be, from magnitude, depth and distance alone."""

    #: What ``intensity_model`` knows it by.
    name: str
    #: ``csis``, ``jma`` or ``mmi``: what the numbers mean.
    scale: str
    formula: IntensityFormula
    #: Of which earthquakes it is meant to be asked, and by which magnitude.
    applicability: str
    #: Magnitudes for which the formula is meant; ``None`` where the source is silent or was not read.
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
            As the region's agency reports it.
        hypocentral_km
            Any shape, km, none negative. Not changed.
        depth_km
            Of the focus, km.
        is_fault_distance
            The distances are the shortest to a finite fault, not to the focus.

        Returns
        -------
        intensity
            In the shape of ``hypocentral_km``, on ``scale``, not clipped. No site term.

        Raises
        ------
        ModelRangeError
            If a distance is negative, NaN or infinite, or magnitude or depth is NaN or infinite.
        """
        return np.asarray(
            self.formula(
                COLUMNS,
                checked_finite("magnitude", magnitude),
                checked_distance_km(hypocentral_km),
                depth_km=checked_finite("depth (km)", depth_km),
                is_fault_distance=is_fault_distance,
            )
        )


_MODELS: Mapping[str, IntensityModel] = {
    model.name: model
    for model in (
        # [ICL]. One source only; to which data it was fitted is not published with it. A distance to the fault is taken
        # like one to the focus.
        IntensityModel("icl", "csis", icl, "China; surface-wave or moment magnitude, as reported"),
        # [SM99], [MFM99], [JMA-EEW]: see si_midorikawa_1999. Above its range the moment magnitude is held at 8.3; the
        # lower end was not read in the paper itself.
        IntensityModel(
            "sm99",
            "jma",
            si_midorikawa_1999,
            "Japan, taken to break in the crust, ground of 400 m/s; JMA magnitude",
            (-math.inf, GREATEST_MW + MJ_MINUS_MW),
        ),
        # [AWW12], coefficients of the hypocentral and of the rupture-distance form; both were compared with those in
        # hazardlib ([HAZARDLIB]) and, for the hypocentral one, a third implementation.
        IntensityModel("aww12", "mmi", allen_2012, "active crust, worldwide; moment magnitude"),
        # [AW07], coefficients for California. No second source of the numbers was found. Its distance is the shortest
        # to the fault, and a point source is a fault of no size.
        IntensityModel("aw07", "mmi", atkinson_wald_2007, "California; moment magnitude"),
    )
}


def intensity_model_names() -> tuple[str, ...]:
    """Return the names that ``intensity_model`` knows."""
    return tuple(_MODELS)


def intensity_model(name: str) -> IntensityModel:
    """Return the model of a name, in any case; raise ``InputError`` listing the names where there is none."""
    model = _MODELS.get(name.strip().lower())
    if model is None:
        raise InputError(f"one of {', '.join(_MODELS)}", field="intensity model", value=name)
    return model
