"""How long it takes to put alerts in sending order, by their number and by how short the rate is."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.timing import note
from eew.decision.sending_order import SendingOrder, sending_order
from eew.model.records import CodeColumn, FloatColumn, Level


def jobs(n: int, soonest_s: float = 0.0) -> tuple[FloatColumn, CodeColumn]:
    """Return slack and level of ``n`` alerts, some of them too late already, the others due after ``soonest_s``."""
    rng = np.random.default_rng(20110311)
    slack_s = rng.uniform(-20, 200, n).astype(np.float32)
    slack_s[slack_s > 0] += soonest_s
    return slack_s, rng.integers(1, 4, n).astype(np.uint8)


def most_on_time(slack_s: FloatColumn, rate_hz: float) -> int:
    """Return how many alerts any order can have on time: one after the other by due time, each that still can be."""
    n_kept = 0
    for due_s in np.sort(slack_s).tolist():
        n_kept += (n_kept + 1) / rate_hz <= due_s
    return n_kept


def check(result: SendingOrder, slack_s: FloatColumn, level: CodeColumn, rate_hz: float) -> None:
    """Hold the order against the best there is: of critical alerts on time, and of all."""
    n = len(slack_s)
    assert np.array_equal(np.sort(result.order), np.arange(n))
    announced = result.order[: result.n_on_time]
    assert (slack_s[announced] + 1e-5 >= np.arange(1, len(announced) + 1) / rate_hz).all()
    # Earliest due first, as finely as anything due within minutes is told apart.
    assert (np.diff(slack_s[announced]) > -0.05).all()
    is_critical = level == Level.CRITICAL
    assert result.n_on_time_by_level[Level.CRITICAL] == most_on_time(slack_s[is_critical], rate_hz)
    assert np.count_nonzero(is_critical[announced]) == result.n_on_time_by_level[Level.CRITICAL]
    assert result.n_on_time == most_on_time(slack_s, rate_hz)


@pytest.mark.benchmark(group="order")
@pytest.mark.parametrize("n", [10_000, 100_000, 1_000_000])
@pytest.mark.parametrize(("sending_s", "soonest_s"), [(2.0, 2.0), (400.0, 0.0)], ids=["rate-suffices", "rate-short"])
def test_sending_order(benchmark: BenchmarkFixture, n: int, sending_s: float, soonest_s: float) -> None:
    """Every alert has its place, what is announced as on time is, and no order has more on time."""
    slack_s, level = jobs(n, soonest_s)
    rate_hz = n / sending_s
    result = benchmark(sending_order, slack_s, level, rate_hz)
    note(benchmark, "order" if sending_s <= soonest_s else "order, rate short", n)
    check(result, slack_s, level, rate_hz)
