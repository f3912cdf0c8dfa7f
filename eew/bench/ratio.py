"""How much faster one thing is than another, by runs in pairs; and whether they can be told apart at all.

The machine's moods fall on both of a pair, so each ratio is of one pair. Ratios multiply, so they are averaged as
logarithms: the interval is Student's, of their mean, back as ratios [GUM, 4.2 and G.3].
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

__all__ = ["Ratio", "in_words"]

_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """The ratio of two measurements that were made in pairs."""

    median: float
    least: float
    most: float
    #: In which the true ratio lies in 95 of 100 such measurements; ``None``: one run tells nothing of it.
    interval: tuple[float, float] | None
    n_runs: int

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Self:
        """Return what the ratios of some runs say, one at least, all positive."""
        return cls(statistics.median(ratios), min(ratios), max(ratios), _interval(ratios), len(ratios))

    @property
    def is_distinguishable(self) -> bool:
        """Whether the interval leaves 1 out: both are not equally fast."""
        return self.interval is not None and not self.interval[0] <= 1 <= self.interval[1]

    def spread(self) -> dict[str, Any]:
        """Return what stands beside the median in JSON."""
        return {
            "least": round(self.least, 4),
            "most": round(self.most, 4),
            "interval_95": None if self.interval is None else [round(each, 4) for each in self.interval],
            "n_runs": self.n_runs,
            "is_distinguishable_from_1": self.is_distinguishable,
        }


def in_words(spread: Mapping[str, Any]) -> str:
    """Return how far the runs lie apart, and whether that can be told from 1; from what stands in JSON."""
    if spread["n_runs"] == 1:
        return "one run, too few to tell it from 1"
    runs = f"{spread['least']:,.4g} to {spread['most']:,.4g} in {spread['n_runs']} runs"
    return runs if spread["is_distinguishable_from_1"] else f"{runs}: not distinguishable from 1"


def _interval(ratios: Sequence[float]) -> tuple[float, float] | None:
    if len(ratios) < 2:
        return None
    from scipy.special import stdtrit

    logs = [math.log(each) for each in ratios]
    mean = statistics.fmean(logs)
    half = float(stdtrit(len(logs) - 1, (1 + _CONFIDENCE) / 2)) * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean - half), math.exp(mean + half)
