"""A number on the command line."""

import math

from eew.model.errors import InputError

__all__ = ["number_of"]


def number_of(text: str, option: str, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number within its bounds; raises ``InputError`` naming the option."""
    expected = "a number"
    if most < math.inf:
        expected += f" from {least:g} to {most:g}"
    elif least > -math.inf:
        expected += f" of {least:g} or more"
    wrong = InputError(expected, field=option, value=text.strip())
    try:
        value = float(text)
    except ValueError as error:
        raise wrong from error
    if not (math.isfinite(value) and least <= value <= most):
        raise wrong
    return value
