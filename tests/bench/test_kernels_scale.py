"""No kernel grows faster than what it is given: processor time for eight times as much, against a generous bound."""

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from benchmarks import bench_decode, bench_encode, bench_estimate, bench_nearest, bench_order
from benchmarks.timing import timed
from eew.decision.sending_order import sending_order
from eew.estimate.targets import Targets
from eew.shelter.nearest import nearest as find_nearest

FACTOR = 8
#: Caches that no longer hold it all may cost this much more an alert; what grows with the square costs 8 times more.
ROOM = 2.5
N_LEAST = 3
#: Of processor time: whatever still looks too slow then is.
ENOUGH_S = 2.0

Kernel = Callable[[], object]


def estimate(n: int) -> Kernel:
    targets = Targets.of(*bench_estimate.population(n))
    return lambda: bench_estimate.estimated(targets)


def order(n: int) -> Kernel:
    slack_s, level = bench_order.jobs(n)
    return lambda: sending_order(slack_s, level, n / 400)


def encode(mode: str, n: int) -> Kernel:
    encoder = bench_encode.encoder_of(mode, n, "full")
    return lambda: bench_encode.encode_all(encoder, n)


def decode_device(n: int) -> Kernel:
    rows = bench_decode.payloads("device", n)
    return lambda: bench_decode.decode_devices(rows, n_run=n)


def decode_cell(n: int) -> Kernel:
    rows = bench_decode.payloads("cell", n)
    return lambda: bench_decode.decode_cells(rows, n_run=n)


def nearest(n: int) -> Kernel:
    shelters = bench_nearest.country_like_japan(3000)
    lat_deg, lon_deg = bench_nearest.population_near(shelters, n)
    return lambda: find_nearest(shelters, lat_deg, lon_deg, hazards=bench_nearest.ANY_HAZARD)


def growth(kernel: Callable[[int], Kernel], n: int) -> float:
    """Return how many times the processor time of ``n`` that of ``8 n`` is, the best of several rounds of each.

    What disturbs a round only ever adds to it, so more rounds are taken while the ratio looks too high.
    """
    small, large = kernel(n), kernel(FACTOR * n)
    best_s, spent_s = np.full(2, np.inf), 0.0
    for n_rounds in count(1):
        round_s = np.array([timed(call, 1).cpu_seconds[0] for call in (small, large)])
        best_s, spent_s = np.minimum(best_s, round_s), spent_s + round_s.sum()
        if n_rounds >= N_LEAST and (best_s[1] < FACTOR * ROOM * best_s[0] or spent_s > ENOUGH_S):
            break
    return float(best_s[1] / best_s[0])


@pytest.mark.parametrize(
    ("kernel", "n"),
    [
        pytest.param(estimate, 100_000, id="estimate"),
        pytest.param(order, 100_000, id="order"),
        pytest.param(lambda n: encode("device", n), 10_000, id="encode-device"),
        pytest.param(lambda n: encode("cell", n), 5_000, id="encode-cell"),
        pytest.param(decode_device, 4_000, id="decode-device"),
        pytest.param(decode_cell, 1_000, id="decode-cell"),
        pytest.param(nearest, 5_000, id="nearest"),
    ],
)
def test_eight_times_as_many_take_about_eight_times_as_long(kernel: Callable[[int], Kernel], n: int) -> None:
    """The cost of one does not depend on how many there are."""
    assert growth(kernel, n) < FACTOR * ROOM


def test_growth_with_the_square_is_seen() -> None:
    """The bound is no bound that everything stays below."""
    assert growth(lambda n: lambda: sum(1 for _ in range(n * n)), 150) > FACTOR * ROOM
