"""The ten classes of JMA's seismic intensity, as feeds write them, and the intensity at which each begins."""

from collections.abc import Mapping

__all__ = ["INTENSITY_BY_CLASS", "class_of_intensity", "intensity_of_class", "intensity_or_none"]

#: Where each class begins on the instrumental scale [JMA96]; the lowest has no lower edge.
INTENSITY_BY_CLASS: Mapping[str, float] = {
    "0": 0.0,
    "1": 0.5,
    "2": 1.5,
    "3": 2.5,
    "4": 3.5,
    "5-": 4.5,
    "5+": 5.0,
    "6-": 5.5,
    "6+": 6.0,
    "7": 6.5,
}

#: The halves in Japanese, in Chinese, in full width and with a true minus.
_HALVES = {"-": ("-", "弱", "－", "−"), "+": ("+", "強", "强", "＋")}
_FULL_WIDTH = str.maketrans("01234567", "０１２３４５６７")


def _spellings(word: str) -> list[str]:
    digits = (word[0], word[0].translate(_FULL_WIDTH))
    if len(word) == 1:
        return [*digits, f"0{word}"]
    return [digit + half for digit in digits for half in _HALVES[word[1]]]


_BY_SPELLING = {spelt: begins for word, begins in INTENSITY_BY_CLASS.items() for spelt in _spellings(word)}


def intensity_of_class(word: str) -> float:
    """Return the instrumental intensity at which a class begins.

    Parameters
    ----------
    word
        ``0`` to ``7``, the halves of 5 and 6 as ``5-``, ``5弱``, ``5+``, ``5強``; digits of full width and a leading
        zero (``04``, as in code telegrams) are read, too.

    Raises
    ------
    ValueError
        If it is none of the ten classes (``不明``, ``//``, ``over``).
    """
    begins = _BY_SPELLING.get(word)
    if begins is None:
        raise ValueError(f"{word[:20]!r}: expected a class of intensity: {', '.join(INTENSITY_BY_CLASS)}")
    return begins


def intensity_or_none(word: str) -> float | None:
    """Return the intensity at which a class begins, ``None`` where the word is none of the ten."""
    return _BY_SPELLING.get(word)


def class_of_intensity(intensity: float) -> str:
    """Return the class in which an intensity lies, ``5-`` or ``5+`` for the halves."""
    reached = [word for word, begins in INTENSITY_BY_CLASS.items() if intensity >= begins]
    return reached[-1] if reached else "0"
