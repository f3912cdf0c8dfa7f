"""How long it takes to put alerts in sending order, by their number and by how short the rate is."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from eew.decision.order import sending_order

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


@pytest.mark.benchmark(group="kernel")
@pytest.mark.parametrize("n", [10_000, 100_000, 1_000_000])
@pytest.mark.parametrize("sending_s", [2.0, 400.0], ids=["rate-suffices", "rate-short"])
def test_sending_order(benchmark: "BenchmarkFixture", n: int, sending_s: float) -> None:
    """Every alert has its place, and what is announced as on time is."""
    rng = np.random.default_rng(20110311)
    slack_s = rng.uniform(-20, 200, n).astype(np.float32)
    level = rng.integers(1, 4, n).astype(np.uint8)
    rate_hz = n / sending_s
    result = benchmark(sending_order, slack_s, level, rate_hz)
    benchmark.extra_info |= {"n": n, "bytes": slack_s.nbytes + level.nbytes + result.order.nbytes}
    assert np.array_equal(np.sort(result.order), np.arange(n))
    announced = result.order[: result.n_on_time]
    assert (slack_s[announced] + 1e-5 >= np.arange(1, len(announced) + 1) / rate_hz).all()
