"""A number on the command line."""

import math
import re

from eew.model.errors import InputError

__all__ = ["number_of", "whole_number_of"]

#: Digits of ASCII: Python itself would take those of any script, and underscores.
_WHOLE = re.compile(r"\s*-?[0-9]+\s*")


def number_of(text: str, option: str, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number within its bounds; raises ``InputError`` naming the option."""
    wrong = InputError(_expected("a number", least, most), field=option, value=text.strip())
    try:
        value = float(text)
    except ValueError as error:
        raise wrong from error
    if not (math.isfinite(value) and least <= value <= most):
        raise wrong
    return value


def whole_number_of(text: str, option: str, least: float = -math.inf, most: float = math.inf) -> int:
    """Return a whole number within its bounds, of any size; raises ``InputError`` naming the option."""
    wrong = InputError(_expected("a whole number", least, most), field=option, value=text.strip())
    if not _WHOLE.fullmatch(text):
        raise wrong
    try:
        value = int(text)
    except ValueError as error:  # Thousands of digits, which Python does not read.
        raise wrong from error
    if not least <= value <= most:
        raise wrong
    return value


def _expected(noun: str, least: float, most: float) -> str:
    if most < math.inf:
        return f"{noun} from {_figure(least)} to {_figure(most)}"
    return noun if least == -math.inf else f"{noun} of {_figure(least)} or more"


def _figure(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"
