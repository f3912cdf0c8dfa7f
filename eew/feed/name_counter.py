"""How often each of many names came, which come from outside and may be any."""

from collections import Counter

from eew.model.units import printable

__all__ = ["Tally"]

_MOST_NAMES, _LONGEST_NAME = 100, 80
_OTHERS = "others"


class Tally(Counter[str]):
    """Counts by name; only so many names are told apart, and only by their beginning."""

    def note(self, name: str) -> bool:
        """Count one more; return whether it is the first of its name."""
        name = printable(name[:_LONGEST_NAME])
        name = name if name in self or len(self) < _MOST_NAMES else _OTHERS
        self[name] += 1
        return self[name] == 1
