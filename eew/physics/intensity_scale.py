"""Intensities as people read them: the ten classes of Japan and Taiwan, and Roman degrees."""

import math

__all__ = ["JMA_CLASSES", "JMA_CLASS_FROM", "class_word"]

#: Seismic intensity classes of JMA; Taiwan's CWA has had the same ten since 2020.
JMA_CLASSES = ("0", "1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")
#: Where each class from the second on begins [JMA96].
JMA_CLASS_FROM = (0.5, 1.5, 2.5, 3.5, 4.5, 5.0, 5.5, 6.0, 6.5)

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def class_word(intensity: float, scale: str) -> str:
    """Return the class (``jma``, ``cwa``) or degree (``mmi``, ``csis``) that an intensity has reached.

    A degree counts as reached from its whole number on, as the profiles' thresholds do, and ends at I and XII.
    Unknown (NaN) gives ``?``.
    """
    if math.isnan(intensity):
        return "?"
    if scale in {"jma", "cwa"}:
        return JMA_CLASSES[sum(intensity >= begins for begins in JMA_CLASS_FROM)]
    return ROMAN[math.floor(min(max(intensity, 1), 12)) - 1]
