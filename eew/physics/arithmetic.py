"""What a formula needs of arithmetic beyond the four operations: of a number here, of a column in ``columns``."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.floating]

__all__ = ["NUMBERS", "Arithmetic", "NumberT"]

#: One number, or a column of them.
NumberT = TypeVar("NumberT", float, "FloatArray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(Generic[NumberT]):
    """Functions of a number, or of each number in a column; angles in radians."""

    log: Callable[[NumberT], NumberT]
    sqrt: Callable[[NumberT], NumberT]
    radians: Callable[[NumberT], NumberT]
    sin: Callable[[NumberT], NumberT]
    cos: Callable[[NumberT], NumberT]
    arcsin: Callable[[NumberT], NumberT]
    #: The greater of a value and a bound, and the lesser.
    maximum: Callable[[NumberT, float], NumberT]
    minimum: Callable[[NumberT, float], NumberT]


NUMBERS: Arithmetic[float] = Arithmetic(
    log=math.log,
    sqrt=math.sqrt,
    radians=math.radians,
    sin=math.sin,
    cos=math.cos,
    arcsin=math.asin,
    maximum=max,
    minimum=min,
)
