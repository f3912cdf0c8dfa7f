"""How soon the most urgent alerts were there, by hand."""

from collections.abc import Mapping

import numpy as np

from eew.bench.urgency import urgency_ms
from eew.devices.swarm.receiver import RECEIPT, Counter
from eew.devices.swarm.swarm import Receipts

NONE, PASSIVE, ACTIVE, CRITICAL = range(4)


def urgency(*lines: tuple[float, float, int]) -> Mapping[str, float | None]:
    """Reckon with receipts of (received after the report, S arrival, level); the report came at second 50."""
    log = np.zeros(len(lines), dtype=RECEIPT)
    for each, (received_s, s_arrival_s, level) in zip(log, lines, strict=True):
        each["received_mono_ns"], each["s_arrival_s"], each["level"] = (50 + received_s) * 1e9, s_arrival_s, level
    return urgency_ms(Receipts(log, [], dict.fromkeys(Counter, 0)), 50.0)


def test_the_hundredth_that_is_loudest_and_then_soonest() -> None:
    """Of 250 alerts three: the two critical ones and, of the active ones, the one with the least time."""
    others = [(1.0 + i / 1000, 30.0 + i, ACTIVE) for i in range(245)]
    by_physics = (9.0, -1.0, CRITICAL)
    unaffected = (8.0, 5.0, NONE)
    found = urgency(
        *others, by_physics, (0.25, 60.0, CRITICAL), (0.5, 50.0, CRITICAL), (0.75, 29.0, ACTIVE), unaffected
    )
    assert found == {"first_critical_ms": 250.0, "most_urgent_1pct_ms": 750.0}


def test_a_late_one_may_be_the_first_critical_one_and_is_not_urgent() -> None:
    """Who has the S wave behind it was told all the same."""
    found = urgency((0.1, -2.0, CRITICAL), (0.3, 8.0, CRITICAL))
    assert found == {"first_critical_ms": 100.0, "most_urgent_1pct_ms": 300.0}


def test_where_nobody_is_told_nothing_is_said() -> None:
    """No figure is better than a wrong one."""
    assert urgency() == {"first_critical_ms": None, "most_urgent_1pct_ms": None}
    assert urgency((0.1, 8.0, PASSIVE))["first_critical_ms"] is None
