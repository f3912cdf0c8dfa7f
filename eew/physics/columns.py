"""The arithmetic of columns, for the formulas of ``physics``."""

import numpy as np
import numpy.typing as npt

from eew.physics.arithmetic import Arithmetic

__all__ = ["COLUMNS", "FloatArray"]

FloatArray = npt.NDArray[np.floating]

COLUMNS: Arithmetic[FloatArray] = Arithmetic(
    log=np.log,
    sqrt=np.sqrt,
    radians=np.radians,
    sin=np.sin,
    cos=np.cos,
    arcsin=np.arcsin,
    maximum=np.maximum,
    minimum=np.minimum,
)
