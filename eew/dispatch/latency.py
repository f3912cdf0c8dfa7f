"""How long alerts took, as percentiles, and how many came a second."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["PERCENTILES", "percentiles", "rate_hz"]

#: Of latencies.
PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "max": 100.0}


def percentiles(values: npt.NDArray[np.floating], wanted: Mapping[str, float], digits: int) -> dict[str, float | None]:
    """Return percentiles by name, ``None`` where there are no values; what is not known (NaN) is no value."""
    is_known = ~np.isnan(values)
    if not is_known.any():
        return dict.fromkeys(wanted)
    found = np.percentile(values if is_known.all() else values[is_known], list(wanted.values()))
    return {name: round(float(value), digits) for name, value in zip(wanted, found, strict=True)}


def rate_hz(n_alerts: int, spans_s: Iterable[tuple[float, float]]) -> float | None:
    """Return how many alerts came a second while any were under way.

    Parameters
    ----------
    n_alerts
        How many came.
    spans_s
        Of each report, when it was issued and when its last alert came, on one clock. What two reports have in common
        counts once, and the quiet between two not at all.

    Returns
    -------
    rate_hz
        ``None`` where no time passed.
    """
    total_s, until_s = 0.0, -np.inf
    for first_s, last_s in sorted(spans_s):
        total_s += max(last_s - max(first_s, until_s), 0.0)
        until_s = max(until_s, last_s)
    return round(n_alerts / total_s, 1) if total_s > 0 else None
