"""How soon the most urgent alerts of a run were on their devices."""

from collections.abc import Mapping

import numpy as np

from eew.devices.swarm.swarm import Receipts
from eew.model.records import Level

__all__ = ["urgency_ms"]

#: The most urgent ones, as a share of all whose S wave was still to come.
_MOST_URGENT = 0.01


def urgency_ms(receipts: Receipts, published_mono_s: float) -> Mapping[str, float | None]:
    """Return how long after its publication the first report's most urgent alerts were on their devices, ms.

    Parameters
    ----------
    receipts
        Of one report that was issued as it was published.
    published_mono_s
        When that was.

    Returns
    -------
    urgency_ms
        ``first_critical_ms``, and ``most_urgent_1pct_ms``: the last of the hundredth of all alerts that is loudest and,
        of those, has the least time to the S wave; who was late by physics is in none. ``None`` where there was none.
    """
    lines = receipts.lines
    received_s = lines["received_mono_ns"] / 1e9 - published_mono_s
    critical_s = received_s[lines["level"] == Level.CRITICAL]
    position = np.flatnonzero((lines["level"] != Level.NONE) & (lines["s_arrival_s"] > 0))
    by_urgency = np.lexsort((lines["s_arrival_s"][position], -lines["level"][position].astype(np.int8)))
    urgent_s = received_s[position[by_urgency[: int(np.ceil(_MOST_URGENT * len(position)))]]]
    return {
        "first_critical_ms": _ms(critical_s.min()) if len(critical_s) else None,
        "most_urgent_1pct_ms": _ms(urgent_s.max()) if len(urgent_s) else None,
    }


def _ms(duration_s: float) -> float:
    return round(1000 * float(duration_s), 3)
