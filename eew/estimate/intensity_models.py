"""Intensity models by name; each lives in the module of its paper."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from eew.estimate.allen_2012 import Allen2012
from eew.estimate.atkinson_wald_2007 import AtkinsonWald2007
from eew.estimate.icl import Icl
from eew.estimate.si_midorikawa_1999 import SiMidorikawa1999
from eew.model.errors import InputError

__all__ = ["IntensityModel", "intensity_model", "intensity_model_names"]


class IntensityModel(Protocol):
    """How strong the shaking is expected to be, from magnitude, depth and distance alone."""

    @property
    def name(self) -> str:
        """What ``intensity_model`` knows it by."""

    @property
    def scale(self) -> str:
        """``csis``, ``jma`` or ``mmi``: what the numbers mean."""

    @property
    def magnitude_range(self) -> tuple[float, float] | None:
        """Magnitudes for which the formula is meant; ``None`` where the source is silent."""

    def intensity(
        self, magnitude: float, hypocentral_km: npt.ArrayLike, *, depth_km: float = ..., is_fault_distance: bool = ...
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
            In the shape of ``hypocentral_km``, on ``scale``, not clipped.

        Raises
        ------
        ModelRangeError
            If a distance is negative, NaN or infinite, or magnitude or depth is NaN or infinite.
        """


_MODELS: dict[str, IntensityModel] = {
    model.name: model for model in (Icl(), SiMidorikawa1999(), Allen2012(), AtkinsonWald2007())
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
